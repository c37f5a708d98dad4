# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# perl's core tests over Debian's perl, with t/TEST, which is their own harness: t/io and t/lib whole, of t/op, t/re and
# lib what asks the kernel for something.
source=perl
packages="perl bash coreutils procps libc-bin dash"
start=/suite/t
memory=512M
native=1
minimum=121
sample=10
slow="io/crlf_through.t io/open.t io/pipe.t io/through.t lib/croak.t op/alarm.t op/fork.t op/magic.t op/sigdispatch.t op/sleep.t op/sselect.t op/stat.t op/threads.t ../lib/Thread.t ../lib/feature.t ../lib/strict.t"
title="t/io, t/lib, and of t/op, t/re and lib what asks the kernel for something"

list() {
    (cd "$tree/t" && ls -- {io,lib}/*.t op/{alarm,chdir,closure,die_exit,exec,fh,filetest,filetest_t,fork,getpid,getppid,glob,grent,groups,inccode,kill0,leaky-magic,lfs,magic,mkdir,print,pwent,rand,read,readdir,readline,require_errors,select,setpgrpstack,sigdispatch,signame_canonical,sigsystem,sleep,sselect,stat,stat_errors,srand,sysio,taint,threads,threads-dirh,time,time_loop,unlink,waitpid,write}.t \
        re/{pat_rt_report,qr,regexp,subst}.t && cd .. && ls -- lib/{Config,DB,DirHandle,English,FileHandle,Internals,SelectSaver,Symbol,Thread,blib,bytes,dumpvar,feature,filetest,integer,open,overload,sigtrap,sort,strict,subs,utf8,vars,vmsish}.t | sed 's,^,../,')
}

build() {
    rm -rf "$root/suite"
    mkdir -p "$root/suite/lib"
    install "$tree/t" suite
    install "$tree"/{MANIFEST,TestInit.pm,regen} suite
    cp -a "$root/usr/share/perl/5.36.0/." "$root/usr/lib/x86_64-linux-gnu/perl/5.36.0/." "$tree"/lib/*.t "$root/suite/lib"
    rm -rf "$root/suite/lib/CORE" "$root/usr/lib/x86_64-linux-gnu/perl/5.36.0/CORE"
    mkdir -p "$root/suite/t/lib"
    ln -s /usr/bin/perl "$root/suite/t/perl"
    ln -s /usr/bin/perl "$root/suite/perl"
}

words() {
    printf '200\t./perl\tTEST\t%s' "$1"
}
