# Completion of tool for fish. Use: tool completion fish | source
complete -c tool -f
complete -c tool -n __fish_use_subcommand -a list -d 'List what there is.'
complete -c tool -n '__fish_seen_subcommand_from list' -l help -s h -d 'Show context-sensitive help.'
complete -c tool -n '__fish_seen_subcommand_from list' -l output -s o -x -a 'table json' -d 'Form: it'\''s [table,json].'
complete -c tool -n '__fish_seen_subcommand_from list' -l all -d 'List all.'
complete -c tool -n '__fish_seen_subcommand_from list' -l into -x -a '(__fish_complete_directories)' -d 'Folder.'
complete -c tool -n __fish_use_subcommand -a send -d 'Send: a file.'
complete -c tool -n '__fish_seen_subcommand_from send' -l help -s h -d 'Show context-sensitive help.'
complete -c tool -n '__fish_seen_subcommand_from send' -r -F
complete -c tool -n __fish_use_subcommand -a show -d 'Show a job.'
complete -c tool -n '__fish_seen_subcommand_from show' -l help -s h -d 'Show context-sensitive help.'
complete -c tool -n '__fish_seen_subcommand_from show' -l key -x -d 'Anything.'
complete -c tool -n '__fish_seen_subcommand_from show' -x -a '(tool jobs -o name 2>/dev/null)'
