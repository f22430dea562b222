use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::proxy::{Latency, Proxy};

/// A server that sends back what it gets.
async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    address
}

async fn ping(stream: &mut TcpStream) -> std::io::Result<Duration> {
    let start = Instant::now();
    stream.write_all(b"ping").await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"ping");
    Ok(start.elapsed())
}

async fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).await.expect("it listens");
    stream.set_nodelay(true).expect("a socket option");
    stream
}

#[tokio::test]
async fn a_round_trip_takes_twice_the_latency() {
    let proxy = Proxy::start(echo().await, Latency::WAN).await.expect("it starts");
    let mut stream = connect(&proxy).await;
    let first = ping(&mut stream).await.expect("through");
    assert!(first >= Duration::from_millis(72), "{first:?}: connecting takes a round trip, too");
    let mut best = Duration::MAX;
    for _ in 0..5 {
        best = best.min(ping(&mut stream).await.expect("through"));
    }
    assert!(best >= Duration::from_millis(36), "{best:?} is faster than the link");
    assert!(best < Duration::from_millis(60), "{best:?}: the proxy adds too much of its own");
    assert_eq!((proxy.traffic().to_target, proxy.traffic().from_target), (24, 24));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latency_does_not_lower_throughput() {
    const SIZE: usize = 256 * 1024 * 1024;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let piece = vec![7; 1024 * 1024];
        for _ in 0..SIZE / piece.len() {
            stream.write_all(&piece).await.expect("it reads");
        }
    });
    let proxy = Proxy::start(address, Latency::WAN).await.expect("it starts");
    let mut stream = connect(&proxy).await;
    let start = Instant::now();
    let (mut size, mut buffer) = (0, vec![0; 1024 * 1024]);
    while size < SIZE {
        let read = stream.read(&mut buffer).await.expect("it sends");
        assert_ne!(read, 0, "the stream ended after {size} bytes");
        size += read;
    }
    let rate = SIZE as f64 / 1e6 / start.elapsed().as_secs_f64();
    eprintln!("{rate:.0} MB/s at 18 ms one way");
    // An unqueued proxy gives at most one piece a round trip: 3.6 MB/s. The floor leaves room for a busy machine.
    assert!(rate > 40.0, "{rate:.0} MB/s");
}

#[tokio::test]
async fn frozen_it_holds_everything_back_and_healed_it_delivers_it() {
    let proxy = Proxy::start(echo().await, Latency::NONE).await.expect("it starts");
    let mut stream = connect(&proxy).await;
    ping(&mut stream).await.expect("through");
    proxy.freeze();
    stream.write_all(b"late").await.expect("the kernel takes it");
    let mut answer = [0; 4];
    let silence = tokio::time::timeout(Duration::from_millis(200), stream.read_exact(&mut answer)).await;
    assert!(silence.is_err(), "nothing may pass a frozen link");
    proxy.heal();
    stream.read_exact(&mut answer).await.expect("the connection is still there");
    assert_eq!(&answer, b"late");
}

#[tokio::test]
async fn cut_it_resets_and_refuses_until_healed() {
    let proxy = Proxy::start(echo().await, Latency::NONE).await.expect("it starts");
    let mut stream = connect(&proxy).await;
    ping(&mut stream).await.expect("through");
    proxy.cut();
    let broken = ping(&mut stream).await.expect_err("it was reset");
    assert_eq!(broken.kind(), std::io::ErrorKind::ConnectionReset);
    let refused = crate::eventually(Duration::from_secs(5), || async {
        match TcpStream::connect(proxy.address()).await {
            Err(error) => Ok(error),
            Ok(_) => Err("still accepted"),
        }
    });
    assert_eq!(refused.await.expect("it closes").kind(), std::io::ErrorKind::ConnectionRefused);
    proxy.heal();
    crate::eventually(Duration::from_secs(5), || async {
        ping(&mut TcpStream::connect(proxy.address()).await?).await
    })
    .await
    .expect("it listens again");
}

#[tokio::test]
async fn reset_it_breaks_the_old_and_takes_the_new() {
    let proxy = Proxy::start(echo().await, Latency::NONE).await.expect("it starts");
    let mut stream = connect(&proxy).await;
    ping(&mut stream).await.expect("through");
    proxy.reset();
    ping(&mut stream).await.expect_err("it was reset");
    ping(&mut connect(&proxy).await).await.expect("a new one passes");
}

#[tokio::test]
async fn the_end_of_one_direction_leaves_the_other_open() {
    let proxy = Proxy::start(echo().await, Latency::WAN).await.expect("it starts");
    let mut stream = connect(&proxy).await;
    stream.write_all(b"goodbye").await.expect("through");
    stream.shutdown().await.expect("half of it");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an orderly end");
    assert_eq!(answer, "goodbye");
}
