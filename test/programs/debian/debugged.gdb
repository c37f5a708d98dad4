set debug-file-directory /nowhere
set pagination off
set confirm off
break add
run
backtrace
info registers rip rsp cs
print a + b
stepi
x/2i $pc
next
finish
condition 1 b == 3
continue
backtrace
set variable b = 4
watch sum
continue
info watchpoints
delete
thbreak other
continue
print *(int *)argument
finish
tbreak debugged.c:36
continue
info threads
print half
set var result = 60
catch fork
continue
handle SIGUSR1 stop print nopass
continue
continue
backtrace
info program
kill
info inferiors
