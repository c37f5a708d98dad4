# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# Ruby's tests over Debian's ruby: bootstraptest, and of test/ what asks the kernel for something. A case is a file; left out of
# it is what needs extensions of Ruby's build or a network, fails for root, or knows rubygems by another path.
source=ruby3.1
packages="ruby ruby-test-unit bash coreutils procps tzdata dash"
start=/suite
memory=1G
native=1
leave='/#test_(seek|seek_symwhence|fatal_in_fiber|kernel_warn_uplevel|initialize_connect_timeout|world_writable)$/'
minimum=88
sample=6
slow="bootstraptest/test_block bootstraptest/test_class bootstraptest/test_eval bootstraptest/test_exception bootstraptest/test_flow bootstraptest/test_gc bootstraptest/test_insns bootstraptest/test_jump bootstraptest/test_literal bootstraptest/test_literal_suffix bootstraptest/test_massign bootstraptest/test_method bootstraptest/test_proc bootstraptest/test_ractor bootstraptest/test_syntax bootstraptest/test_thread test/ruby/test_argf test/ruby/test_env test/ruby/test_fiber test/ruby/test_io test/ruby/test_process test/ruby/test_require test/ruby/test_rubyoptions test/ruby/test_thread test/test_open3"
title="bootstraptest, and of the other tests those that ask the kernel for something; a case is a file"

list() {
    (cd "$tree" && ls -- bootstraptest/test_*.rb | grep -vE 'yjit|pending' && ls -- test/ruby/test_{argf,arity,beginendblock,dir,dir_m17n,env,exception,fiber,file,file_exhaustive,io,io_buffer,io_nonblock,io_timeout,io_wait,key_error,method,path,pipe,proc,process,rand,readpartial,require,rubyoptions,signal,sleep,system,thread,thread_cv,thread_queue,time,time_tz}.rb \
        test/socket/test_*.rb test/fileutils/test_*.rb test/pathname/test_*.rb test/io/*/test_*.rb test/etc/test_*.rb test/monitor/test_*.rb test/test_{tempfile,tmpdir,timeout,open3,pty,find,pstore,mutex_m,shellwords,securerandom,syslog}.rb 2> /dev/null) | sed 's/\.rb$//' | sort
}

build() {
    rm -rf "$root/suite"
    install "$tree/bootstraptest" "$tree/test" "$tree/tool" suite
    rm -rf "$root"/suite/test/{rubygems,rdoc,openssl,bigdecimal,ripper,psych,json,csv,benchmark}
}

words() {
    case $1 in
    bootstraptest/*) printf '300\t/usr/bin/ruby\tbootstraptest/runner.rb\t--ruby=/usr/bin/ruby\t--color=never\t-q\t%s.rb' "$1" ;;
    *) printf '300\t/usr/bin/ruby\t-W0\ttest/runner.rb\t--ruby=/usr/bin/ruby\t--color=never\t-n\t!%s\t%s.rb' "$leave" "$1" ;;
    esac
}
