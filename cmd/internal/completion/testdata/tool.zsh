#compdef tool
# Completion of tool for zsh. Use: source <(tool completion zsh), after compinit.
_tool_jobs() {
  local -a jobs
  jobs=(${(f)"$(tool jobs -o name 2>/dev/null)"})
  compadd -a jobs
}
_tool_contexts() {
  local -a contexts
  contexts=(${(f)"$(tool context list -o name 2>/dev/null)"})
  compadd -a contexts
}
_tool() {
  local -a commands
  local context state state_descr line
  typeset -A opt_args
  commands=(
    'list:List what there is.'
    'send:Send\: a file.'
    'show:Show a job.'
    'remote:Manage remotes.'
  )
  _arguments -C '--help[Show help.]' '1:command:->command' '*::argument:->argument'
  case $state in
    command)
      _describe command commands
      ;;
    argument)
      case $words[1] in
        list)
          _arguments \
            '(-h --help)'{-h,--help}'[Show context-sensitive help.]' \
            '(-o --output)'{-o,--output}'[Form\: it'\''s \[table,json\].]'':output:''(table json)' \
            --all'[List all.]' \
            --into'[Folder.]'':into:''_files -/'
          ;;
        send)
          _arguments \
            '(-h --help)'{-h,--help}'[Show context-sensitive help.]' \
            ':file:'_files
          ;;
        show)
          _arguments \
            '(-h --help)'{-h,--help}'[Show context-sensitive help.]' \
            --key'[Anything.]'':key:' \
            ':job:'_tool_jobs
          ;;
        remote)
          _arguments \
            '(-h --help)'{-h,--help}'[Show context-sensitive help.]' \
            --url'[Where.]'':url:' \
            --long'[In full.]' \
            ':command:''(add list)' \
            ':name:'_tool_contexts
          ;;
      esac
      ;;
  esac
}
if [ "$funcstack[1]" = _tool ]; then
  _tool "$@"
else
  compdef _tool tool
fi
