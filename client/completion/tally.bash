# bash completion for tally

_tally_options() {
  local data="--column --format --dtype --delimiter --header --missing"
  local source="--range --values $data --nan --workers --chunk --timeout
    --priority --limit --kernel"
  local placed="$source --on-failure --hint --path --require"
  case $1 in
    run) echo "$placed --json --quiet -q --verbose -v --trace --embedded --socket
      --help -h" ;;
    compare) echo "$source --json --embedded --socket --help -h" ;;
    explain) echo "$placed --json --embedded --socket --help -h" ;;
    submit) echo "$placed --json --socket --help -h" ;;
    wait) echo "--timeout --json --quiet -q --verbose -v --socket --help -h" ;;
    show | jobs | cancel) echo "--json --socket --help -h" ;;
    kernel) echo "$data --timeout --json --help -h" ;;
    kernels) echo "--json --embedded --socket --help -h" ;;
    status)
      echo "--json --watch --count --prometheus --health --embedded --socket --help -h" ;;
    ping) echo "--json --embedded --socket --help -h" ;;
    version) echo "--json --help -h --version" ;;
    *) echo "--help -h --version" ;;
  esac
}

# The values of an option; nothing and false where it takes none.
_tally_values() {
  case $1 in
    --format) echo "npy raw csv text" ;;
    --dtype) echo "f64 f32 i8 i16 i32 i64 u8 u16 u32 u64" ;;
    --delimiter) echo "tab" ;;
    --header) echo "yes no" ;;
    --missing) echo "error skip" ;;
    --on-failure) echo "fail partial" ;;
    --nan) echo "propagate skip error" ;;
    --hint) echo "cpu io auto" ;;
    --path) echo "thread process" ;;
    --require) echo "isolated" ;;
    --range | --values | --column | --workers | --chunk | --timeout | \
      --priority | --limit | --kernel | --count | --trace | --socket) ;;
    *) return 1 ;;
  esac
}

# Sets `verb` and `operands`, how many follow it, from the words before the cursor.
_tally_scan() {
  local at
  verb= operands=0
  for ((at = 1; at < COMP_CWORD; ++at)); do
    case ${COMP_WORDS[at]} in
      -?*)
        if [[ ${COMP_WORDS[at + 1]} == "=" ]]; then
          ((at += 2))
        elif _tally_values "${COMP_WORDS[at]}" >/dev/null; then
          ((++at))
        fi ;;
      *) if [[ -z $verb ]]; then verb=${COMP_WORDS[at]}; else ((++operands)); fi ;;
    esac
  done
}

_tally() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local verb operands choices
  local verbs="run compare explain submit wait show jobs cancel kernel kernels status ping
    version help"
  # Readline takes "--hint=io" for three words.
  if [[ $word == "=" ]]; then
    word=
  elif [[ $before == "=" ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  _tally_scan
  COMPREPLY=()
  if [[ $before == --socket || $before == --trace || $before == --kernel ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    compopt -o filenames 2>/dev/null
    return
  elif choices=$(_tally_values "$before"); then
    :
  elif [[ $word == -* ]]; then
    choices=$(_tally_options "$verb")
  elif [[ -z $verb ]]; then
    choices=$verbs
  else
    case $verb:$operands in
      run:0 | compare:0 | explain:0 | submit:0)
        choices="count sum mean min max argmin argmax sumsq var std norm2 any all and or xor prod histogram median quantile dot" ;;
      kernel:0) choices="new check" ;;
      run:* | compare:* | explain:* | submit:* | kernel:* | kernels:*)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        compopt -o filenames 2>/dev/null
        return ;;
      kernel:0) choices="new check" ;;
      kernel:*)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        compopt -o filenames 2>/dev/null
        return ;;
      wait:0 | show:0 | cancel:0)
        choices=$(tally jobs 2>/dev/null | sed -n '2,$s/ .*//p') ;;
      help:0) choices=$verbs ;;
      *) return ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}

complete -F _tally tally
