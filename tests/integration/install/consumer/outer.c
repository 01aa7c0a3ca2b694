#include <stdio.h>

#include <tally/tally.h>

int main(void) {
  return puts(tally_version()) < 0;
}
