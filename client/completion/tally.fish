# fish completion for tally

set -l verbs run compare explain submit wait show jobs cancel kernel kernels status ping version help
set -l sources run compare explain submit
set -l data run compare explain submit kernel
set -l placed run explain submit
set -l on "__fish_seen_subcommand_from"

complete -c tally -n "not $on $verbs" -f
complete -c tally -n "not $on $verbs" -a run -d 'Reduce a source and print the result'
complete -c tally -n "not $on $verbs" -a compare -d 'Run a job in three ways and compare them'
complete -c tally -n "not $on $verbs" -a explain -d 'Show the plan of a job and the time to expect'
complete -c tally -n "not $on $verbs" -a submit -d 'Leave a job with the daemon'
complete -c tally -n "not $on $verbs" -a wait -d 'Wait for a submitted job'
complete -c tally -n "not $on $verbs" -a show -d 'Show how a submitted job stands'
complete -c tally -n "not $on $verbs" -a jobs -d 'List your jobs'
complete -c tally -n "not $on $verbs" -a cancel -d 'End a job that is queued or running'
complete -c tally -n "not $on $verbs" -a kernel -d 'Begin a kernel of your own, or check one'
complete -c tally -n "not $on $verbs" -a kernels -d 'List kernels: in files, installed'
complete -c tally -n "not $on $verbs" -a status -d 'Show pool, queue and memory of a daemon'
complete -c tally -n "not $on $verbs" -a ping -d 'Ask the daemon for a sign of life'
complete -c tally -n "not $on $verbs" -a version -d 'Show the version'
complete -c tally -n "not $on $verbs" -a help -d 'List the commands, or the options of one'

complete -c tally -n "$on $sources" -a 'count sum mean min max argmin argmax sumsq var std norm2 any all and or xor prod histogram median quantile dot'
complete -c tally -n "$on wait show cancel" -f -a "(tally jobs 2>/dev/null | string match -rg '^([0-9a-f]+-[0-9]+) ')"
complete -c tally -n "$on kernel" -a 'new check'
complete -c tally -n "$on jobs status ping version" -f
complete -c tally -n "$on help" -f -a "$verbs"

complete -c tally -n "$on $sources" -l range -x -d 'The integers from START up to STOP'
complete -c tally -n "$on $sources" -l values -x -d 'These values'
complete -c tally -n "$on $data" -l column -x -d 'The column of reducers that name none'
complete -c tally -n "$on $data" -l format -x -a 'npy raw csv text' -d 'Of the files'
complete -c tally -n "$on $data" -l dtype -x -a 'f64 f32 i8 i16 i32 i64 u8 u16 u32 u64' -d 'Type of the elements'
complete -c tally -n "$on $data" -l delimiter -x -a 'tab' -d 'Between the fields of CSV'
complete -c tally -n "$on $data" -l header -x -a 'yes no' -d 'Whether CSV starts with column names'
complete -c tally -n "$on $data" -l missing -x -a 'error skip' -d 'What an empty cell or NA does'
complete -c tally -n "$on $placed" -l on-failure -x -a 'fail partial' -d 'Where input kills every worker'
complete -c tally -n "$on $sources" -l nan -x -a 'propagate skip error' -d 'What a NaN does'
complete -c tally -n "$on $placed" -l hint -x -a 'cpu io auto' -d 'What the job will wait for'
complete -c tally -n "$on $placed" -l path -x -a 'thread process' -d 'Where to run'
complete -c tally -n "$on $placed" -l require -x -a 'isolated' -d 'Worker processes or nothing'
complete -c tally -n "$on $sources" -l workers -x -d 'At most so many'
complete -c tally -n "$on $sources" -l chunk -x -d 'Elements of a chunk'
complete -c tally -n "$on $sources wait kernel" -l timeout -x -d 'Give up after this time'
complete -c tally -n "$on $sources" -l priority -x -d 'Above 0: before your other jobs'
complete -c tally -n "$on $sources" -l limit -x -d 'At most N chunks at once that name it'
complete -c tally -n "$on $sources" -l kernel -r -d 'A reducer of your own'
complete -c tally -n "$on run compare explain submit wait show jobs cancel kernel kernels status ping version" -l json -d 'Print one JSON object'
complete -c tally -n "$on run wait" -s q -l quiet -d 'Print values only'
complete -c tally -n "$on run wait" -s v -l verbose -d 'Say where time and memory went'
complete -c tally -n "$on run" -l trace -r -d 'Write the chunks by worker'
complete -c tally -n "$on status" -l watch -d 'Show it again and again'
complete -c tally -n "$on status" -l count -x -d 'So many times'
complete -c tally -n "$on status" -l prometheus -d 'Print metrics'
complete -c tally -n "$on status" -l health -d 'A line a path; exit code 1 unless all work'
complete -c tally -n "$on run compare explain kernels status ping" -l embedded -d 'Run in this process'
complete -c tally -n "$on run compare explain submit wait show jobs cancel kernels status ping" -l socket -r -d 'The socket of the daemon'
complete -c tally -s h -l help -d 'Show help'
complete -c tally -n "not $on $verbs; or $on version" -l version -d 'Show the version'
