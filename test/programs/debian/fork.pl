my $pid = fork;
exit 5 if $pid == 0;
waitpid $pid, 0;
print $? >> 8, "\n";
open my $child, "-|" or do { print "to the parent\n"; exit 0 };
print <$child>;
close $child;
for my $i (1 .. 20) { fork == 0 and exit $i }
my $sum = 0;
$sum += $? >> 8 while wait > 0;
print "$sum\n";
