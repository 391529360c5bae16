# Completion of tool for bash. Use: source <(tool completion bash)
_tool() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= i IFS=$'\n'
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command${command:+ }${COMP_WORDS[i]}" in
      'list' | 'send' | 'show' | 'remote add' | 'remote list' | 'remote')
        command+="${command:+ }${COMP_WORDS[i]}"
        ;;
    esac
  done
  case "$command $previous" in
    'list --output' | 'list -o')
      COMPREPLY=($(compgen -W $'table\njson' -- "$current"))
      return
      ;;
    'list --into')
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -d -- "$current"))
      return
      ;;
    'show --key')
      return
      ;;
    'remote add --url')
      return
      ;;
  esac
  case "$command $current" in
    ' '*)
      COMPREPLY=($(compgen -W $'list\nsend\nshow\nremote\n--help' -- "$current"))
      ;;
    'list -'*)
      COMPREPLY=($(compgen -W $'--help\n--output\n--all\n--into\n' -- "$current"))
      ;;
    'send -'*)
      COMPREPLY=($(compgen -W $'--help\n' -- "$current"))
      ;;
    'send '*)
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -f -- "$current"))
      ;;
    'show -'*)
      COMPREPLY=($(compgen -W $'--help\n--key\n' -- "$current"))
      ;;
    'show '*)
      COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" jobs -o name 2>/dev/null)" -- "$current"))
      ;;
    'remote add -'*)
      COMPREPLY=($(compgen -W $'--help\n--url\n' -- "$current"))
      ;;
    'remote add '*)
      COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" context list -o name 2>/dev/null)" -- "$current"))
      ;;
    'remote list -'*)
      COMPREPLY=($(compgen -W $'--help\n--long\n' -- "$current"))
      ;;
    'remote -'*)
      COMPREPLY=($(compgen -W $'--help\n' -- "$current"))
      ;;
    'remote '*)
      COMPREPLY=($(compgen -W $'add\nlist' -- "$current"))
      ;;
  esac
}
complete -F _tool tool
