//! Running: the start procedure and the stream, again and again until the shutdown or a cause to halt.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use strait_mysql::{
    server,
    stream::{BinlogStream, Request},
};
use strait_service::{CancellationToken, Context, Disposition, Refusal as _, retry::Backoff};
use tokio::runtime::Handle;

use crate::{
    Error, Result,
    config::Config,
    instance, kafka,
    metrics::Metrics,
    reader,
    silence::Silence,
    start::{self, BATCH_BYTES, Ready, Shared},
};

/// The publisher says within this that it lives, whatever it waits for.
const STUCK: Duration = Duration::from_secs(120);

/// Publishes until `stop`, without pages and signals: for tests and embedding.
pub async fn run(config: Config, stop: CancellationToken) -> Result<()> {
    run_with(Arc::new(config), Context::detached(stop)).await
}

/// Publishes until `context.stop`. Faults are met by starting again; an error is a cause to halt.
pub async fn run_with(config: Arc<Config>, context: Context) -> Result<()> {
    crate::check::ensure_settings(&config)?;
    let tolerance = config.heartbeat() * 3 + config.publish.heartbeat_interval.duration();
    let metrics = Metrics::new(&context.metrics, tolerance);
    let status = context.status.watched_component("publisher", STUCK);
    let shared = Shared {
        metrics: metrics.clone(),
        status: status.clone(),
        stop: context.stop.clone(),
        runtime: Handle::current(),
        batch_bytes: Arc::new(AtomicUsize::new(BATCH_BYTES)),
        silence: Arc::new(Mutex::new(Silence::new(config.heartbeat()))),
        preflight_passed: Arc::default(),
        snapshot: Arc::default(),
        instance: instance::name().into(),
        config: Arc::clone(&config),
    };
    let lag = metrics.lag.clone();
    let seq = metrics.seq.clone();
    let prefix = config.prefix.clone();
    let snapshot = shared.snapshot.clone();
    context.details(move || {
        let snapshot = snapshot.lock().unwrap_or_else(PoisonError::into_inner).clone();
        json!({"prefix": prefix, "lag_seconds": lag.seconds(), "next_seq_number": seq.get(), "snapshot": snapshot})
    });

    let mut backoff = Backoff::new(&config.retry);
    loop {
        backoff.started();
        let Err(error) = Box::pin(session(&shared)).await else {
            status.stopped();
            return Ok(());
        };
        if context.stop.is_cancelled() {
            status.stopped();
            return Ok(());
        }
        let error = judge(&shared, error).await;
        if error.disposition() != Disposition::Retry {
            status.halted(error.line());
            return Err(error);
        }
        metrics.restarts.inc();
        let cause = error.line();
        tracing::warn!(failures = backoff.failures() + 1, "starting again: {cause}");
        status.recovering(cause);
        if !backoff.wait(&context.stop).await {
            status.stopped();
            return Ok(());
        }
    }
}

/// One run of the start procedure and the stream; ends without an error only at the shutdown.
async fn session(shared: &Shared) -> Result<()> {
    let starting = shared.clone();
    let Ready { mut publisher, start: start_at, server_uuid } =
        blocking(move || start::start(&starting)).await?;
    let config = &shared.config;
    let options = config.server_options();
    let place = options.place();
    let silence = shared.silence.lock().unwrap_or_else(PoisonError::into_inner).borne(&start_at);
    let request = Request {
        server_id: config.server_id(),
        start: &start_at,
        heartbeat: config.heartbeat(),
        silence,
        server_uuid: server_uuid.as_deref(),
    };
    let attempted = "open the binary log stream";
    let stream = BinlogStream::request(&options, &request).await.map_err(|source| Error::Source {
        attempted,
        place: place.clone(),
        source,
    })?;
    shared.status.idle("the stream is open; nothing has come yet");
    publisher.start_readers();
    let (outbox, mut inbox) = reader::channel(config.publish.channel.bytes());
    let reader = tokio::spawn(outbox.fill(stream, place, shared.metrics.clone()));
    let result = blocking(move || {
        let result = publisher.run(&mut inbox);
        // The producer goes first: whatever it had open is left to the next start.
        drop(publisher);
        result
    })
    .await;
    reader.abort();
    if let Err(error) = &result
        && matches!(server_error(error), Some(server::Error::StreamSilent { .. }))
    {
        shared.silence.lock().unwrap_or_else(PoisonError::into_inner).give_up(start_at, silence);
    }
    result
}

/// What the source or the way to it is to blame for.
fn server_error(error: &Error) -> Option<&server::Error> {
    match error {
        Error::Source { source: strait_mysql::Error::Server(error), .. } => Some(error),
        _ => None,
    }
}

/// Kafka's client and the registry's block; they get a thread of their own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(broken) => Err(Error::Restart { why: format!("the publisher broke off: {broken}") }),
    }
}

/// Some faults need a second look, or a change for the next run.
async fn judge(shared: &Shared, error: Error) -> Error {
    // A second connector of the prefix has the same server_id: whether Kafka or the source tells first is chance.
    let looks_doubled = matches!(server_error(&error), Some(server::Error::DuplicateServerId { .. }));
    match error {
        Error::Kafka(kafka::Error::BatchTooLarge { limit, .. }) => {
            shared.batch_bytes.fetch_min(limit, Ordering::Relaxed);
            error
        }
        _ if looks_doubled || matches!(error, Error::Kafka(kafka::Error::Fenced { .. })) => {
            let shared = shared.clone();
            blocking(move || Ok(instance::who_ended_it(&shared, error))).await.unwrap_or_else(|broken| broken)
        }
        other => other,
    }
}
