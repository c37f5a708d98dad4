cd /tmp
export TERM=linux SHELL=/bin/sh
tmux -S /tmp/t -f /dev/null new-session -d -x 60 -y 12 'PS1="one> " exec sh'
tmux -S /tmp/t split-window 'PS1="two> " exec sh'
tmux -S /tmp/t list-panes -F '#{pane_index} #{pane_width}x#{pane_height} #{pane_current_command}'
tmux -S /tmp/t send-keys -t 0 'echo $((6 * 7)) > /tmp/a; echo first; tmux wait-for -S a' Enter
tmux -S /tmp/t send-keys -t 1 'echo second | tr a-z A-Z; tmux wait-for -S b' Enter
tmux -S /tmp/t wait-for a
tmux -S /tmp/t wait-for b
cat /tmp/a
sleep 0.5
tmux -S /tmp/t capture-pane -p -t 0
tmux -S /tmp/t capture-pane -p -t 1
tmux -S /tmp/t kill-server
