// What the help of run, compare and explain have in common.
#pragma once

#define TALLY_JOB_HELP                                                                 \
  "  REDUCERS  name[(args)][:column][=label], several between commas:\n"               \
  "            count sum mean min max argmin argmax sumsq var std norm2\n"             \
  "            any all and or xor prod\n"                                              \
  "            var(1), std(1): ddof, which is 0 unless given\n"                        \
  "            histogram(BINS,LO,HI) histogram(edges=0,1,5,20)\n"                      \
  "            median quantile(0.5,0.99) quantile(0.25,lower): not of pipes\n"         \
  "            dot(price,qty) of two columns; dot alone of two arrays: two .npy or\n"  \
  "            raw files, beside which there may be count only\n"                      \
  "            a column is a header name (in double quotes if it holds , or =) or a\n" \
  "            number from 1; a result without a label is called as it was written\n"  \
  "  SOURCE    --range START:STOP[:STEP], --values 1,2,3 or FILES\n"                   \
  "            (.npy, .csv, .tsv, .txt, .raw and .bin with --dtype, .f64 and its\n"    \
  "            like; others are text, or CSV where a column is named), of which -\n"   \
  "            is standard input; pipes and FIFOs are read once, by threads\n"         \
  "  numbers   500000000, 500_000_000 or 5e8\n"
