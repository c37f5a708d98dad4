// SPDX-License-Identifier: MIT
// A Go program: goroutines, collection, preemption by signals, faults that become panics, files.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

type node struct{ l, r *node }

func tree(d int) *node {
	if d == 0 {
		return &node{}
	}
	return &node{tree(d - 1), tree(d - 1)}
}
func (n *node) count() int {
	if n.l == nil {
		return 1
	}
	return 1 + n.l.count() + n.r.count()
}

func main() {
	var wg sync.WaitGroup
	var mu sync.Mutex
	sum := 0
	for i := 0; i < 1000; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			mu.Lock()
			sum += i
			mu.Unlock()
		}(i)
	}
	wg.Wait()
	fmt.Println("sum", sum)

	total := 0
	for i := 0; i < 20; i++ {
		total += tree(14).count()
	}
	runtime.GC()
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	fmt.Println("nodes", total, "collected", ms.NumGC > 0)

	stop := false
	go func() { // never yields: preempted by SIGURG
		for n := 0; !stop; n++ {
		}
	}()
	runtime.Gosched()
	done := make(chan bool)
	go func() { time.Sleep(20 * time.Millisecond); done <- true }()
	select {
	case <-done:
		fmt.Println("preempted")
	case <-time.After(5 * time.Second):
		fmt.Println("NOT preempted")
	}

	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println("signal", <-c)

	func() {
		defer func() { fmt.Println("recovered:", recover()) }()
		var p *node
		p.l = nil
	}()
	m := map[string]int{}
	for _, w := range strings.Fields("to be or not to be") {
		m[w]++
	}
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	fmt.Println(keys, m["be"])
	os.WriteFile("/tmp/go", []byte("file\n"), 0644)
	b, err := os.ReadFile("/tmp/go")
	fmt.Printf("%q %v\n", b, err)
	_, err = os.Open("/missing")
	fmt.Println(err)
	r, w, _ := os.Pipe()
	go func() { fmt.Fprintln(w, "through a pipe"); w.Close() }()
	var s string
	fmt.Fscanln(r, &s)
	fmt.Println(s)
	os.Exit(3)
}
