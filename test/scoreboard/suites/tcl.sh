# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# Tcl's tests over Debian's tclsh: what needs the commands of Tcl's own test program is skipped by the tests. A case is a file.
source=tcl8.6
packages="tcl8.6 bash coreutils dash"
start=/suite/tests
memory=512M
native=1
minimum=51
sample=8
slow="aaa_exit chanio cmdAH encoding event exec http httpPipeline interp io ioCmd main pkgMkIndex socket tcltest timer"
title="channels, sockets, processes, files, events, packages and some of the language; a case is a file"

list() {
    (cd "$tree/tests" && ls -- {aaa_exit,async,autoMkindex,basic,chan,chanio,cmdAH,encoding,env,event,exec,fCmd,fileName,fileSystem,history,http,http11,httpPipeline,httpold,init,interp,io,ioCmd,ioTrans,iogt,link,load,main,misc,notify,package,pid,pkgMkIndex,platform,process,pwd,rename,safe,socket,source,string,tcltest,thread,timer,tm,trace,unixFCmd,unixFile,unixForkEvent,unixInit,unixNotfy,unknown,unload,util,zlib}.test 2> /dev/null | sed 's/\.test$//')
}

build() {
    rm -rf "$root/suite"
    install "$tree/tests" suite
}

words() {
    printf '300\t/bin/env\tERROR_ON_FAILURES=1\t/usr/bin/tclsh8.6\tall.tcl\t-tmpdir\t/tmp\t-file\t%s.test' "$1"
}
