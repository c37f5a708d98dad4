use strict; use warnings;
my %h; $h{length $_}++ for qw(the quick brown fox jumps over the lazy dog);
print join(",", map {"$_=$h{$_}"} sort keys %h), "\n";
my $t = "2024-02-29"; print "$3/$2/$1\n" if $t =~ /(\d+)-(\d+)-(\d+)/;
open my $f, ">", "/tmp/p" or die; print $f "line $_\n" for 1..100; close $f;
open $f, "<", "/tmp/p" or die; my @l = <$f>; print scalar(@l), " ", $l[-1];
printf "%.10f %s %d\n", sqrt(2), 2**64, -7 / 2; print sprintf("%vd", $^V) =~ /^5\./ ? "five\n" : "other\n";
my @s = sort { $b <=> $a } map { $_ * 7 % 13 } 1..12; print "@s\n"; local $@; eval { die { a => 1 } }; print $@->{a}, "\n";
opendir my $d, "/nowhere" or print "$!\n"; print -s "/tmp/p", " ", (-d "/tmp" ? "dir" : "no"), "\n"; exit 3;
