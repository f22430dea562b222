//! A TCP proxy that plays a wide-area link: it delays each byte by the link's latency without lowering
//! throughput, and can be cut, frozen and reset.
//!
//! Each direction is a reader, a queue and a writer. The reader stamps each piece with the time at which
//! it is due at the other end; the writer sends it then, in order. The queue is bounded by bytes, not
//! pieces, at well above bandwidth times delay, so latency alone never holds the reader up; a receiver
//! that does not read fills it, and then the sender feels it, as over a real link.
//!
//! Doubt: the kernel accepts a connection before the proxy knows of it, so the client believes itself
//! connected a round trip too early; its first bytes wait for the rest of the handshake.

mod link;
mod queue;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ports::free_port;

/// A link's delay from one end to the other; a round trip takes twice that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    pub one_way: Duration,
}

impl Latency {
    pub const NONE: Self = Self { one_way: Duration::ZERO };
    /// Beijing to Shenzhen and back in 36 ms.
    pub const WAN: Self = Self { one_way: Duration::from_millis(18) };

    pub const fn one_way(one_way: Duration) -> Self {
        Self { one_way }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Open,
    /// Nothing moves, nothing breaks: what a lost route looks like from both ends.
    Frozen,
    /// Nobody listens.
    Cut,
}

/// What has passed, and how many connections there were.
#[derive(Debug, Default)]
struct Counters {
    to_target: AtomicU64,
    from_target: AtomicU64,
    connections: AtomicU64,
}

/// Bytes that reached the target and bytes that came back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    pub to_target: u64,
    pub from_target: u64,
    pub connections: u64,
}

#[derive(Debug)]
struct Shared {
    target: String,
    latency: Mutex<Latency>,
    /// Bytes a second of each direction of a connection; 0: no limit.
    rate: AtomicU64,
    mode: watch::Sender<Mode>,
    /// Cancelled by a reset; then there is a new one.
    reset: Mutex<CancellationToken>,
    counters: Counters,
}

/// A listening proxy. Dropping it closes it.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    closed: CancellationToken,
}

impl Proxy {
    /// Listens on a free port of loopback for connections to `target` (host:port).
    pub async fn start(target: impl Into<String>, latency: Latency) -> Result<Self> {
        Self::start_on(free_port()?, target, latency).await
    }

    /// As [`Proxy::start`], on a port chosen before, which somebody has been told already.
    pub async fn start_on(port: u16, target: impl Into<String>, latency: Latency) -> Result<Self> {
        let shared = Arc::new(Shared {
            target: target.into(),
            latency: Mutex::new(latency),
            rate: AtomicU64::new(0),
            mode: watch::Sender::new(Mode::Open),
            reset: Mutex::new(CancellationToken::new()),
            counters: Counters::default(),
        });
        let closed = CancellationToken::new();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (task_shared, task_closed) = (Arc::clone(&shared), closed.clone());
        // On a runtime of its own: a test's runtime ends with that test, the proxy may be another's too.
        runtime()
            .spawn(async move {
                let listener = TcpListener::bind(address).await?;
                tokio::spawn(async move {
                    tokio::select! {
                        () = serve(address, Some(listener), &task_shared) => {}
                        () = task_closed.cancelled() => {}
                    }
                });
                Ok::<_, std::io::Error>(())
            })
            .await?
            .with_context(|| format!("listen on {address} for {}", shared.target))?;
        Ok(Self { port, shared, closed })
    }

    /// "127.0.0.1:port"
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn target(&self) -> &str {
        &self.shared.target
    }

    /// From now on; what is under way keeps its time, and nothing overtakes it.
    pub fn set_latency(&self, latency: Latency) {
        *self.shared.latency.lock().expect("no one panics with it") = latency;
    }

    /// Bytes a second that each direction of a connection carries; `None`: as many as come.
    pub fn set_rate(&self, rate: Option<u64>) {
        self.shared.rate.store(rate.unwrap_or(0), Ordering::Relaxed);
    }

    /// Resets all connections and refuses new ones, until [`Proxy::heal`].
    pub fn cut(&self) {
        self.shared.mode.send_replace(Mode::Cut);
        self.reset();
    }

    /// Stops forwarding and keeps all connections, until [`Proxy::heal`].
    pub fn freeze(&self) {
        self.shared.mode.send_replace(Mode::Frozen);
    }

    /// The end of a cut or a freeze. What a freeze held back is delivered.
    pub fn heal(&self) {
        self.shared.mode.send_replace(Mode::Open);
    }

    /// Resets all connections; new ones are welcome.
    pub fn reset(&self) {
        let mut reset = self.shared.reset.lock().expect("no one panics with it");
        std::mem::take(&mut *reset).cancel();
    }

    pub fn traffic(&self) -> Traffic {
        let counters = &self.shared.counters;
        Traffic {
            to_target: counters.to_target.load(Ordering::Relaxed),
            from_target: counters.from_target.load(Ordering::Relaxed),
            connections: counters.connections.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.closed.cancel();
        self.reset();
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("proxy")
            .enable_all()
            .build()
            .expect("a runtime can be built")
    })
}

/// Listens whenever the link is not cut.
async fn serve(address: SocketAddr, mut listener: Option<TcpListener>, shared: &Arc<Shared>) {
    let mut mode = shared.mode.subscribe();
    loop {
        let now = *mode.borrow_and_update();
        if now == Mode::Cut {
            listener = None; // the kernel refuses from here on
        } else if listener.is_none() {
            listener = TcpListener::bind(address).await.ok();
        }
        tokio::select! {
            changed = mode.changed() => if changed.is_err() { return },
            accepted = accept(listener.as_ref()) => if let Some(client) = accepted { connect(client, shared) },
        }
    }
}

/// The next connection, `None` if that failed or if listening did and is due another try.
async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    if let Some(listener) = listener
        && let Ok((client, _)) = listener.accept().await
    {
        return Some(client);
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    None
}

fn connect(client: TcpStream, shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    let reset = shared.reset.lock().expect("no one panics with it").clone();
    shared.counters.connections.fetch_add(1, Ordering::Relaxed);
    tokio::spawn(async move { link::run(client, &shared, &reset).await });
}
