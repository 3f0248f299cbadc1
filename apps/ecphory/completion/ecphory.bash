# Bash completion of ecphory.

_ecphory() {
  local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]:-} choices=
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    choices="run status collect retry models describe inspect bridge --version --help"
  elif [[ $word == -* ]]; then
    case $verb in
      run)
        choices="--output --set --resume --shard --threads --device --together --point-timeout --commit-every --fail-fast
          --dry-run --force --json --help"
        ;;
      status) choices="--json --help" ;;
      collect) choices="--output --virtual --force --help" ;;
      retry) choices="--threads --device --together --point-timeout --commit-every --fail-fast --help" ;;
      models | describe) choices="--json --help" ;;
      inspect) choices="--config --json --help" ;;
      bridge)
        choices="--to --set --step --gate --layers --approximate --layer --head --token --context --test-set --sequence --tau
          --residual --check --force --json --help"
        ;;
    esac
  else
    case $verb in
      describe) choices=$("${COMP_WORDS[0]}" describe '?' 2>&1 | sed -n 's/^ *expected: one of //p' | tr -d ,) ;;
      run) mapfile -t COMPREPLY < <(compgen -d -S / -- "$word"; compgen -f -X '!*.toml' -- "$word") ;;
      status | collect | retry) mapfile -t COMPREPLY < <(compgen -d -X '!*.sweep' -- "$word") ;;
      bridge) mapfile -t COMPREPLY < <(compgen -d -S / -- "$word"; compgen -f -X '!*.@(toml|h5)' -- "$word") ;;
      inspect) mapfile -t COMPREPLY < <(compgen -d -S / -- "$word"; compgen -f -X '!*.h5' -- "$word") ;;
    esac
  fi
  [[ -z $choices ]] || mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}
complete -o filenames -F _ecphory ecphory
