//! `run` and `check`: the frame around a process's own work.

use std::{
    fmt, panic,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{runtime::Runtime, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{Process, print};
use crate::{
    Refusal, Shutdown, Status,
    config::Settings,
    error::{Error, Result},
    http, log, notify, process,
};

/// Ended as asked, or nothing to refuse.
pub const EXIT_CLEAN: u8 = 0;
/// Halted with a cause, or ended by force.
pub const EXIT_HALTED: u8 = 1;
/// Refused by the configuration or the preflight.
pub const EXIT_REFUSED: u8 = 2;

/// For tasks that do not end by themselves after `run` has: they hold nothing unsettled any more.
const LEFTOVERS: Duration = Duration::from_millis(300);

/// What the frame hands to `run`: it already serves the pages and listens for signals.
#[derive(Clone)]
pub struct Context {
    /// Cancelled at the first SIGTERM or SIGINT; what is in flight must be settled within `Shutdown::LIMIT`.
    pub stop: CancellationToken,
    pub status: Status,
    pub metrics: prometheus::Registry,
    details: Arc<Mutex<Option<Details>>>,
}

type Details = Box<dyn Fn() -> Value + Send>;

impl Context {
    /// For tests and embedding: a context without pages and signals.
    pub fn detached(stop: CancellationToken) -> Self {
        Self { stop, status: Status::new(), metrics: prometheus::Registry::new(), details: Arc::default() }
    }

    /// What the /status page shows under "details", made at each request; the last call counts.
    pub fn details(&self, details: impl Fn() -> Value + Send + 'static) {
        *self.details.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(details));
    }

    fn pages(&self, process: &'static str) -> http::Pages {
        let details = self.details.clone();
        http::Pages {
            process,
            metrics: self.metrics.clone(),
            status: self.status.clone(),
            details: Arc::new(move || {
                let details = details.lock().unwrap_or_else(PoisonError::into_inner);
                details.as_ref().map_or(Value::Null, |details| details())
            }),
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("status", &self.status).finish_non_exhaustive()
    }
}

pub(super) fn check<P: Process>(config: P::Config) -> u8 {
    let runtime = match log::init(config.log()).and_then(|()| runtime()) {
        Ok(runtime) => runtime,
        Err(error) => return print::refused(&error),
    };
    let code = match runtime.block_on(P::check(Arc::new(config))) {
        Ok(findings) => print::findings(&findings),
        Err(error) => print::refused(&error),
    };
    runtime.shutdown_timeout(LEFTOVERS);
    code
}

pub(super) fn run<P: Process>(config: P::Config) -> u8 {
    if let Err(error) = log::init(config.log()) {
        return print::refused(&error);
    }
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let words = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, remedy = "restart; report it, it is a bug", "panicked: {words}");
    }));
    let format = config.log().format;
    let halted = |error: &dyn Refusal| {
        report(error, format);
        if error.findings().is_some() { EXIT_REFUSED } else { EXIT_HALTED }
    };
    let status = Status::new();
    let shutdown = match Shutdown::listen(&status) {
        Ok(shutdown) => shutdown,
        Err(source) => return halted(&Error::Setup { attempt: "listening for signals", source }),
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return halted(&error),
    };
    let context = Context { status, ..Context::detached(shutdown.token()) };
    let code = runtime.block_on(async {
        // The pages stay until the very end: a settling process still says what it waits for.
        let pages = CancellationToken::new();
        let notifier = match frame::<P>(&config, &context, &pages).await {
            Ok(notifier) => notifier,
            Err(error) => return halted(&error),
        };
        let stop = context.stop.clone();
        // In a task, so that a panic is one more way to halt.
        let ended = tokio::spawn(P::run(Arc::new(config), context)).await;
        pages.cancel();
        // Also when nobody asked: systemd hears STOPPING=1 either way, and from the task that is still there.
        stop.cancel();
        let _ = notifier.await;
        match ended {
            Ok(Ok(())) => {
                tracing::info!("ended, everything in flight settled");
                EXIT_CLEAN
            }
            Ok(Err(error)) => halted(&error),
            Err(_) => EXIT_HALTED,
        }
    });
    runtime.shutdown_timeout(LEFTOVERS);
    code
}

/// Pages, process metrics and systemd's notifications.
async fn frame<P: Process>(
    config: &P::Config,
    context: &Context,
    pages: &CancellationToken,
) -> Result<JoinHandle<()>> {
    tracing::info!(process = P::NAME, version = env!("CARGO_PKG_VERSION"), "starting");
    process::register(&context.metrics);
    let address = config.http().address_or(P::HTTP_PORT);
    http::serve(address, context.pages(P::NAME), pages.clone()).await?;
    Ok(tokio::spawn(notify::run(context.status.clone(), context.stop.clone())))
}

fn runtime() -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|source| Error::Setup { attempt: "starting the runtime's threads", source })
}

/// Why the process ends, for people as explained text, for collectors as log events.
fn report(error: &dyn Refusal, format: log::Format) {
    if format == log::Format::Text {
        eprint!("{}", print::explain(error));
        return;
    }
    for finding in error.findings().unwrap_or_default() {
        let (check, place, remedy) = (&finding.check, &finding.place, &finding.remedy);
        tracing::error!(check, place, remedy, "refused: {}", finding.cause);
    }
    if error.findings().is_none() {
        let (place, remedy) = (error.place(), error.remedy());
        tracing::error!(place, remedy, "halted: {}", print::chain(error));
    }
}
