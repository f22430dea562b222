//! Running: the start procedure and the pump, again and again until the shutdown or a cause to halt.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

use serde_json::json;
use strait_mysql::{
    client::Conn,
    server::{connect_session, place_of},
};
use strait_schemas::topics;
use strait_service::{
    CancellationToken, Component, Context, Disposition, Finding, Refusal as _, registry::Registry,
    retry::Backoff,
};
use tokio::sync::mpsc;

use crate::{
    apply::{Applier, ApplyOptions, session as session_settings},
    check,
    checkpoint::{self, Claim, Identity, ServerRun, Started, Successor},
    config::{Config, Order},
    control::{Control, Fence},
    ddl::SchemaChanges,
    decode::Decoder,
    error::{Error, Result, answered},
    kafka::{Cluster, Feed},
    keyed,
    merge::Merge,
    metrics::Metrics,
    own_source::OwnSource,
    planner::{Planner, PlannerOptions},
    pump::{Progress, Pump},
    routes::Routes,
    row_events,
    snapshot::Pending,
};

/// The start procedure waits so long for a session that still holds a lane row.
const TAKEOVER_LOCK_WAIT_S: u32 = 50;
/// And so long for all its locks, the private schema's creation among them, beyond target.answer_timeout.
const TAKEOVER_WAITS: Duration = Duration::from_secs(80);
/// The sink says within this, beyond twice target.answer_timeout, that it lives, whatever it waits for.
const STUCK: Duration = Duration::from_mins(2);
/// Asking whether another sink is behind a fault may put off the next start by so much.
const EXPLANATION: Duration = Duration::from_secs(3);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
const LOOKS_FOR_EPOCH: u32 = 5;

/// Applies until `stop`, without pages and signals: for tests and embedding.
pub async fn run(config: Config, stop: CancellationToken) -> Result<()> {
    Box::pin(run_with(Arc::new(config), Context::detached(stop))).await
}

/// Applies until `context.stop`. Faults are met by starting again; an error is a cause to halt.
pub async fn run_with(config: Arc<Config>, context: Context) -> Result<()> {
    check::ensure_settings(&config)?;
    let metrics = Metrics::new(&context.metrics);
    let stuck = STUCK + config.target.answer_timeout.duration() * 2;
    let status = context.status.watched_component("sink", stuck);
    let (lag, seq) = (metrics.lag.clone(), metrics.seq.clone());
    let (prefix, name) = (config.prefix.clone(), config.name().to_owned());
    context.details(move || {
        json!({"prefix": prefix, "sink": name, "lag_seconds": lag.seconds(), "applied_seq_number": seq.get()})
    });
    let run = Run {
        registry: registry(&config)?,
        routes: Arc::new(Routes::new(&config.route).map_err(|findings| Error::Preflight { findings })?),
        preflight_passed: AtomicBool::new(false),
        claim: Arc::default(),
        config: Arc::clone(&config),
        metrics: metrics.clone(),
        status: status.clone(),
        lanes: context.status.component("lanes"),
        ddl: context.status.component("schema changes"),
        stop: context.stop.clone(),
    };

    let mut backoff = Backoff::new(&config.retry);
    loop {
        backoff.started();
        let Err(error) = run.session().await else {
            status.stopped();
            return Ok(());
        };
        if context.stop.is_cancelled() {
            tracing::info!(error = %error.line(), "stopped while something was open: it comes again");
            status.stopped();
            return Ok(());
        }
        let error = if config.order == Order::Key { error } else { run.explained(error).await };
        if error.disposition() != Disposition::Retry {
            status.halted(error.line());
            return Err(error);
        }
        metrics.restarts.inc();
        let cause = error.line();
        tracing::warn!(reason = error.reason(), failures = backoff.failures() + 1, "starting again: {cause}");
        status.recovering(cause);
        if !backoff.wait(&context.stop).await {
            status.stopped();
            return Ok(());
        }
    }
}

/// What all sessions of one run share.
struct Run {
    config: Arc<Config>,
    registry: Option<Arc<Registry>>,
    routes: Arc<Routes>,
    metrics: Metrics,
    status: Component,
    /// What the lanes wait for.
    lanes: Component,
    /// What is being done about a schema change.
    ddl: Component,
    stop: CancellationToken,
    preflight_passed: AtomicBool,
    /// What this process has taken over, through all its sessions.
    claim: Arc<Claim>,
}

impl Run {
    /// One run of the start procedure and the pump; ends without an error only at the shutdown.
    async fn session(&self) -> Result<()> {
        match self.config.order {
            Order::Transaction => tokio::select! {
                pump = Box::pin(self.start()) => Box::pin(pump?.run()).await,
                () = self.stop.cancelled() => Ok(()),
            },
            Order::Key => tokio::select! {
                pump = Box::pin(self.start_keyed()) => Box::pin(pump?.run()).await,
                () = self.stop.cancelled() => Ok(()),
            },
        }
    }

    /// The start procedure where the order is that of keys: partitions are taken over when the group gives them.
    async fn start_keyed(&self) -> Result<keyed::Pump> {
        self.status.starting("asking the target");
        self.ensure_target().await?;
        let own_source = self.ensure_another_source().await?;
        self.status.starting("asking Kafka");
        let cluster = Cluster::new(&self.config);
        let asked = cluster.clone();
        let cluster_id = blocking(move || asked.id(&asked.consumer()?)).await?;
        let tools = keyed::Tools {
            registry: self.registry.clone(),
            routes: Arc::clone(&self.routes),
            own_source,
            metrics: self.metrics.clone(),
            status: self.status.clone(),
            stop: self.stop.clone(),
        };
        let unused = "nothing to do with order = \"key\"";
        self.lanes.idle(unused);
        self.ddl.idle(unused);
        keyed::Pump::start(Arc::clone(&self.config), cluster, cluster_id, tools).await
    }

    async fn start(&self) -> Result<Pump> {
        let config = &self.config;
        self.status.starting("asking the target");
        self.ensure_target().await?;
        self.status.starting("asking Kafka");
        let cluster = Cluster::new(config);
        let (consumer, cluster_id) = {
            let cluster = cluster.clone();
            blocking(move || {
                let consumer = cluster.consumer()?;
                let id = cluster.id(&consumer)?;
                Ok((consumer, id))
            })
            .await?
        };
        self.status.starting("taking over the progress in strait.lane");
        let server = config.server_options();
        let limit = config.target.answer_timeout.duration();
        let own_source = self.ensure_another_source().await?;
        let started = async {
            let mut control = connect_session(&server, &session_settings(TAKEOVER_LOCK_WAIT_S)).await?;
            let identity =
                Identity { origin: config.origin().to_owned(), sink: config.name().to_owned(), cluster_id };
            let (lanes, skip) = (config.apply.lanes, config.skip().unwrap_or_default());
            let started = checkpoint::start(&mut control, identity, lanes, &skip, &self.claim).await?;
            Ok((control, started))
        };
        let doing = "taking over the progress in strait.lane";
        let (mut control, started) = answered(limit + TAKEOVER_WAITS, server.place(), doing, started).await?;
        tracing::info!(
            applied = started.applied.map(|seq| seq.to_string()),
            epoch = started.epoch,
            spine_offset = started.spine_offset,
            "took over"
        );
        self.ddl.starting("looking what the former run has left");
        let changes = SchemaChanges::start(
            &mut control,
            (config.ddl.clone(), Arc::clone(&self.routes)),
            (server.clone(), limit),
            &started,
            self.metrics.clone(),
            [self.ddl.clone(), self.status.clone()],
        );
        let changes = changes.await?;
        let planner = self.planner(&mut control, &started, own_source).await?;
        let (report, reports) = mpsc::unbounded_channel();
        let place = server.place();
        let applier = Applier::start(
            ApplyOptions {
                server,
                lanes: config.apply.lanes,
                lock_wait_s: config.target.lock_wait.duration().as_secs().max(1) as u32,
                answer_timeout: limit,
                row_events: planner.row_events(),
            },
            &started,
            Arc::new(self.metrics.clone()),
            self.lanes.clone(),
            report,
        );
        let applier = answered(limit, place, "opening the lanes' connections", applier).await?;
        self.claim.note_connections(applier.connections());
        self.lanes.idle("nothing to apply");
        let spine_topic: Arc<str> = topics::spine_topic(&config.prefix).into();
        let mut feed = Feed::start(cluster, consumer, spine_topic.clone())?;
        feed.read(&spine_topic, 0, started.spine_offset);
        Ok(Pump {
            merge: Merge::new(
                &spine_topic,
                started.applied,
                started.skip,
                config.memory.queues.bytes() as usize,
            ),
            identity: started.identity,
            changes,
            changed: None,
            progress: Progress::new(started.offsets),
            offsets_interval: config.apply.offsets_interval.duration(),
            metrics: self.metrics.clone(),
            status: self.status.clone(),
            stop: self.stop.clone(),
            control: Control::new(
                control,
                limit,
                Fence {
                    origin: config.origin().to_owned(),
                    sink: config.name().to_owned(),
                    claim: Arc::clone(&self.claim),
                },
                self.status.clone(),
                self.stop.clone(),
            ),
            feed,
            planner,
            applier,
            reports,
            spine_topic,
        })
    }

    async fn planner(
        &self,
        control: &mut Conn,
        started: &Started,
        own_source: Option<OwnSource>,
    ) -> Result<Planner> {
        let (config, place) = (&self.config, place_of(control));
        let limit = config.target.answer_timeout.duration();
        let asked = row_events::choose(control, config.apply.path);
        let row_events = answered(limit, place, row_events::ASKING, asked).await?;
        let options = PlannerOptions {
            fold: config.apply.fold,
            allow_triggers: config.apply.allow_triggers,
            allow_narrower: config.apply.allow_narrower,
            snapshot_rows: config.snapshot.rows,
            leave_missing_tables: config.snapshot.leave_missing_tables,
            batch_rows: config.apply.batch_rows,
            batch_bytes: config.apply.batch_bytes.bytes() as usize,
            row_events,
            answer_timeout: limit,
        };
        let pending = Pending::read(control, &started.identity).await?;
        let routes = Arc::clone(&self.routes);
        let decoder = Decoder::new(self.registry.clone());
        let mut planner = Planner::new(control, options, routes, decoder, own_source, pending).await?;
        for row in &started.offsets {
            planner.begun(&row.topic);
        }
        Ok(planner)
    }

    /// A connection that was lost, or a lane's row that is not as it was left, may be the work of a sink that took
    /// over: then that is the cause, and not what the connection's end looks like from here.
    async fn explained(&self, error: Error) -> Error {
        if !error.may_be_fenced() {
            return error;
        }
        let looked = tokio::time::timeout(EXPLANATION, async {
            let mut conn = connect_session(&self.config.server_options(), &session_settings(1)).await?;
            let mut looks = 0;
            loop {
                let held = self.claim.ensure_held(&mut conn, self.config.origin(), self.config.name()).await;
                match held {
                    // It has raised the epoch, and opens its connections now.
                    Err(Error::Fenced { successor: Some(Successor { connection: None, .. }), .. }) => {}
                    // It ends the connections of the former run first, and raises the epoch then.
                    Ok(()) if looks < LOOKS_FOR_EPOCH => looks += 1,
                    held => return held,
                }
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        });
        match looked.await {
            Ok(Err(fenced @ Error::Fenced { .. })) => fenced,
            _ => error,
        }
    }

    /// The target must not be the server that the connector reads. Gives what is still to be asked while the
    /// connector has published nothing.
    async fn ensure_another_source(&self) -> Result<Option<OwnSource>> {
        let (server, limit) = (self.config.server_options(), self.config.target.answer_timeout.duration());
        let identified = async {
            let mut conn = strait_mysql::server::connect(&server).await?;
            ServerRun::read(&mut conn).await
        };
        let limit = server.connect_timeout + limit;
        let target = answered(limit, server.place(), "reading the server's identity", identified).await?;
        let own_source = OwnSource { config: Arc::clone(&self.config), target_uuid: target.uuid };
        Ok(if own_source.ensure_another().await? { None } else { Some(own_source) })
    }

    /// The target's preflight, once.
    async fn ensure_target(&self) -> Result<()> {
        if self.preflight_passed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let server = self.config.server_options();
        let asked = async {
            // A server that cannot be reached is a fault to wait out, not a refusal.
            drop(strait_mysql::server::connect(&server).await?);
            Ok(check::target_findings(&self.config, Vec::new()).await)
        };
        let limit = server.connect_timeout * 2 + self.config.target.answer_timeout.duration();
        let findings = answered(limit, server.place(), "the preflight", asked).await?;
        let (refusals, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(Finding::is_refusal);
        for warning in warnings {
            tracing::warn!(
                check = warning.check,
                place = warning.place,
                remedy = warning.remedy,
                "{}",
                warning.cause
            );
        }
        if !refusals.is_empty() {
            return Err(Error::Preflight { findings: refusals });
        }
        self.preflight_passed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

fn registry(config: &Config) -> Result<Option<Arc<Registry>>> {
    if config.registry.url.is_empty() {
        return Ok(None);
    }
    let registry = Registry::new(&config.registry).map_err(|source| Error::RegistryClient { source })?;
    Ok(Some(Arc::new(registry)))
}

/// Kafka's client blocks; it gets a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(broken) => Err(Error::Task { cause: format!("a blocking task broke off: {broken}") }),
    }
}
