// SPDX-License-Identifier: MIT
// A Rust program: threads, channels, locks, unwinding, collections, files, time, processes.
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::sync::{mpsc, Arc, Condvar, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

fn main() {
    let shared = Arc::new(Mutex::new(0u64));
    let handles: Vec<_> = (0..50)
        .map(|i| {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name(format!("worker-{}", i))
                .spawn(move || *shared.lock().unwrap() += i)
                .unwrap()
        })
        .collect();
    handles.into_iter().for_each(|h| h.join().unwrap());
    println!("sum {}", shared.lock().unwrap());

    let (tx, rx) = mpsc::sync_channel(4);
    let producer = thread::spawn(move || (0..1000).for_each(|i| tx.send(i).unwrap()));
    println!("received {}", rx.iter().sum::<i32>());
    producer.join().unwrap();

    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let other = Arc::clone(&pair);
    thread::spawn(move || {
        *other.0.lock().unwrap() = true;
        other.1.notify_one();
    });
    let mut ready = pair.0.lock().unwrap();
    while !*ready {
        ready = pair.1.wait(ready).unwrap();
    }
    let start = Instant::now();
    thread::sleep(Duration::from_millis(5));
    println!("slept {}", start.elapsed() >= Duration::from_millis(5));

    let caught = std::panic::catch_unwind(|| {
        let v: Vec<i32> = Vec::new();
        v[std::env::args().count()]
    });
    println!("caught {}", caught.is_err());

    let mut words = BTreeMap::new();
    for w in "to be or not to be".split(' ') {
        *words.entry(w).or_insert(0) += 1;
    }
    println!("{:?}", words);
    let map: HashMap<u32, u32> = (0..100000).map(|i| (i, i * i % 7)).collect();
    println!("{}", map.values().map(|&v| v as u64).sum::<u64>());

    std::fs::write("/tmp/rust", "file\n").unwrap();
    let mut text = String::new();
    std::fs::File::open("/tmp/rust").unwrap().read_to_string(&mut text).unwrap();
    print!("{}", text);
    println!("{}", std::fs::read("/missing").unwrap_err());
    let lock = RwLock::new(5);
    println!("{}", *lock.read().unwrap() + *lock.read().unwrap());
    println!("{:?}", std::process::Command::new("/missing").status().map_err(|e| e.kind()));
    std::io::stderr().write_all(b"to stderr\n").unwrap();
    std::process::exit(4);
}
