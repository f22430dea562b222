//! One run as a member of the group: partitions come and go, records go to their lanes, lanes' batches to the workers.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use strait_mysql::{
    client::{Conn, Queryable},
    server::{ServerOptions, connect_session},
};
use strait_service::{CancellationToken, Component, registry::Registry};
use tokio::sync::mpsc;

use super::{
    Part,
    checkpoint::Rows,
    lane::Lane,
    planner::Planner,
    worker::{Done, Job, Worker},
};
use crate::{
    apply::{LaneSession, session as session_settings},
    checkpoint::{Identity, ServerRun},
    config::Config,
    error::{Error, Result, answered},
    kafka::{Assigned, Begin, Cluster, Command, Event, Group, Owned, Revoked, Topics, ensure_none_compacted},
    metrics::{Metrics, now_us},
    own_source::OwnSource,
    planner::KnownTables,
    private_schema,
    routes::Routes,
};

const TICK: Duration = Duration::from_secs(1);
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// A row is waited for as long as this by a takeover before its former owner's connection is ended.
const LOCK_WAIT_S: u32 = 1;
/// A takeover may end some connections, and wait for each.
const TAKEOVER: Duration = Duration::from_secs(30);
/// What a partition may hold however many there are.
const LEAST_SHARE: usize = 64 << 10;
/// Kafka is asked for its topics every 10 s, and may take as long to answer. Beyond that it is said that it does not.
const SILENCE: Duration = Duration::from_secs(25);
/// And then another client is tried.
const GIVE_UP: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub struct Pump {
    config: Arc<Config>,
    group: Group,
    control: Conn,
    pinged: Instant,
    hinted: Instant,
    rows: Arc<Rows>,
    workers: Vec<Hand>,
    reports: mpsc::UnboundedReceiver<Done>,
    lanes: BTreeMap<Part, Lane>,
    /// To read, and how many partitions each has.
    topics: Vec<(String, i32)>,
    /// When Kafka last answered.
    heard: Instant,
    /// Where it is still to be asked whether the target is what the connector reads.
    own_source: Option<OwnSource>,
    cluster: Cluster,
    metrics: Metrics,
    status: Component,
    stop: CancellationToken,
}

/// A worker, as the pump sees it.
#[derive(Debug)]
struct Hand {
    jobs: mpsc::UnboundedSender<Job>,
    connection: u64,
}

/// What a run begins with, besides its settings.
#[derive(Debug)]
pub struct Tools {
    pub registry: Option<Arc<Registry>>,
    pub routes: Arc<Routes>,
    pub own_source: Option<OwnSource>,
    pub metrics: Metrics,
    pub status: Component,
    pub stop: CancellationToken,
}

impl Pump {
    /// Opens the connections and joins the group.
    pub async fn start(
        config: Arc<Config>,
        cluster: Cluster,
        cluster_id: String,
        tools: Tools,
    ) -> Result<Self> {
        let server = config.server_options();
        let limit = server.connect_timeout + config.target.answer_timeout.duration();
        let opening = open(&config, &server, cluster_id, &tools);
        let (control, rows, workers, reports) =
            answered(limit, server.place(), "opening the connections to apply by key", opening).await?;
        let topics = Topics { prefix: config.prefix.clone(), named: config.keyed.topics.clone() };
        let group = Group::join(cluster.clone(), topics)?;
        let Tools { own_source, metrics, status, stop, .. } = tools;
        status.waiting("no topic to read yet");
        let now = Instant::now();
        Ok(Self {
            config,
            group,
            control,
            pinged: now,
            hinted: now,
            rows,
            workers,
            reports,
            lanes: BTreeMap::new(),
            topics: Vec::new(),
            heard: now,
            own_source,
            cluster,
            metrics,
            status,
            stop,
        })
    }

    /// Applies until the shutdown or a fault.
    pub async fn run(mut self) -> Result<()> {
        let applied = self.apply().await;
        for part in std::mem::take(&mut self.lanes).into_keys() {
            self.forget(&part);
        }
        self.metrics.keyed.partitions.set(0);
        self.group.leave().await;
        applied
    }

    async fn apply(&mut self) -> Result<()> {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                event = self.group.next() => self.handle(event?).await?,
                done = self.reports.recv() => self.handle_done(done)?,
                _ = ticks.tick() => self.tick().await?,
            }
        }
    }

    async fn handle(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Records(records) => {
                self.ensure_another_source().await?;
                self.handle_records(records);
            }
            Event::Assigned(assigned) => self.handle_assigned(assigned).await?,
            Event::Revoked(revoked) => self.handle_revoked(revoked).await?,
            Event::Looked(topics) => self.handle_looked(topics).await?,
        }
        self.heard = Instant::now();
        Ok(())
    }

    /// With the first record there is a position, if there ever is one: both are of one Kafka transaction.
    async fn ensure_another_source(&mut self) -> Result<()> {
        match self.own_source.take() {
            Some(own_source) => own_source.ensure_another().await.map(drop),
            None => Ok(()),
        }
    }

    /// Topics that are new, or not what they were, are looked at before anything of them is applied.
    async fn handle_looked(&mut self, topics: Vec<(String, i32)>) -> Result<()> {
        if topics == self.topics {
            return Ok(());
        }
        let limit = self.config.target.answer_timeout.duration();
        let changed: Vec<_> = topics.iter().filter(|topic| !self.topics.contains(topic)).collect();
        for (topic, partitions) in &changed {
            let doing = "looking at a topic's number of partitions";
            let asked = self.rows.ensure_partitions(&mut self.control, topic, *partitions);
            answered(limit, self.rows.place.clone(), doing, asked).await?;
        }
        let names: Vec<&str> = changed.iter().map(|(name, _)| name.as_str()).collect();
        for warning in ensure_none_compacted(&self.cluster, &names).await? {
            tracing::warn!(place = warning.place, remedy = warning.remedy, "{}", warning.cause);
        }
        self.topics = topics;
        Ok(())
    }

    /// Each partition's row is raised, and says where to begin.
    async fn handle_assigned(&mut self, Assigned { parts, answer }: Assigned) -> Result<()> {
        self.metrics.keyed.rebalances.inc();
        let limit = self.config.target.answer_timeout.duration() + TAKEOVER;
        let mut begins = Vec::new();
        for part in parts {
            let worker = self.idlest();
            let connection = self.workers[worker].connection;
            let taking = async {
                self.rows.ensure_known(&mut self.control, &part).await?;
                self.rows.take(&mut self.control, &part, connection).await
            };
            let row = answered(limit, self.rows.place.clone(), "taking a partition over", taking).await?;
            tracing::info!(
                topic = %part.topic, partition = part.number, epoch = row.epoch, offset = row.next_offset, "took a partition"
            );
            begins.push(Begin {
                part: part.clone(),
                epoch: row.epoch,
                offset: row.next_offset,
                ours: row.mark.seq.raw() > 0,
            });
            self.lanes.insert(part, Lane::new(row, worker));
            self.status.beat();
        }
        self.metrics.keyed.partitions.set(self.lanes.len() as i64);
        // A reader that has ended says why through the events.
        drop(answer.send(begins));
        Ok(())
    }

    /// The worker with the fewest partitions.
    fn idlest(&self) -> usize {
        let held = |worker: &usize| self.lanes.values().filter(|lane| lane.worker == *worker).count();
        (0..self.workers.len()).min_by_key(held).unwrap_or(0)
    }

    /// What is under way is waited for, so that the next owner finds no lock; whether it was committed its row says.
    async fn handle_revoked(&mut self, Revoked { parts, answer }: Revoked) -> Result<()> {
        self.metrics.keyed.rebalances.inc();
        for part in &parts {
            self.lanes.get_mut(part).into_iter().for_each(Lane::clear);
        }
        while parts.iter().any(|part| self.lanes.get(part).is_some_and(Lane::is_busy)) {
            let done = tokio::select! {
                done = self.reports.recv() => done,
                () = self.stop.cancelled() => return Ok(()),
            };
            let goes = done.as_ref().is_some_and(|done| parts.contains(&done.part));
            match self.handle_done(done) {
                // It has been known to be lost since.
                Err(Error::PartitionLost { .. }) if goes => {}
                other => other?,
            }
        }
        for part in &parts {
            tracing::info!(topic = %part.topic, partition = part.number, "gave a partition back");
            self.forget(part);
        }
        self.metrics.keyed.partitions.set(self.lanes.len() as i64);
        let _ = answer.send(());
        Ok(())
    }

    fn forget(&mut self, part: &Part) {
        self.lanes.remove(part);
        // There is none where nothing was to be told yet.
        let labels = [&*part.topic, &part.number.to_string()];
        let _ = self.metrics.keyed.partition_lag.remove_label_values(&labels);
    }

    fn handle_records(&mut self, records: Vec<Owned>) {
        let mut touched = Vec::new();
        for Owned { part, epoch, record } in records {
            // Fetched before the partition went, and came back.
            let Some(lane) = self.lanes.get_mut(&part).filter(|lane| lane.row.epoch == epoch) else {
                continue;
            };
            lane.push(record);
            if touched.last() != Some(&part) {
                touched.push(part);
            }
        }
        for part in touched {
            self.give(&part);
        }
    }

    /// Gives a lane's next batch to its worker, unless one is under way; and holds the client back from what is too much.
    fn give(&mut self, part: &Part) {
        let share = (self.config.memory.queues.bytes() as usize / self.lanes.len().max(1)).max(LEAST_SHARE);
        let Some(lane) = self.lanes.get_mut(part) else { return };
        let (rows, bytes) = (self.config.apply.batch_rows, self.config.apply.batch_bytes.bytes() as usize);
        let records = lane.take(rows, bytes.min(share));
        if !records.is_empty() {
            let job = Job { part: part.clone(), row: lane.row, records };
            // A worker that is gone is said by its reports' end.
            drop(self.workers[lane.worker].jobs.send(job));
        }
        if !lane.paused && lane.bytes() > share {
            lane.paused = true;
            self.group.tell(Command::Pause(part.clone()));
        } else if lane.paused && lane.bytes() <= share / 2 {
            lane.paused = false;
            self.group.tell(Command::Resume(part.clone()));
        }
    }

    fn handle_done(&mut self, done: Option<Done>) -> Result<()> {
        let Some(Done { part, epoch, result }) = done else { return Err(workers_gone()) };
        let lane = self.lanes.get_mut(&part).filter(|lane| lane.row.epoch == epoch);
        match result {
            Ok(row) => {
                self.status.moving();
                if let Some(lane) = lane {
                    lane.done(row);
                    self.give(&part);
                }
                Ok(())
            }
            Err(error) => {
                if matches!(error, Error::PartitionLost { .. }) {
                    self.metrics.keyed.fenced.inc();
                    tracing::warn!(topic = %part.topic, partition = part.number, epoch, "fenced: another process has the partition");
                }
                if let Some(lane) = lane {
                    lane.done(lane.row);
                }
                Err(error)
            }
        }
    }

    async fn tick(&mut self) -> Result<()> {
        self.status.beat();
        self.tell_lag();
        if self.heard.elapsed() >= GIVE_UP {
            return Err(self.cluster.silent());
        }
        if self.hinted.elapsed() >= self.config.apply.offsets_interval.duration() {
            self.hinted = Instant::now();
            self.hint();
        }
        if self.pinged.elapsed() >= PING_INTERVAL {
            self.pinged = Instant::now();
            let limit = self.config.target.answer_timeout.duration();
            let (place, doing) = (self.rows.place.clone(), "an idle ping");
            let pinged = async { self.control.ping().await.map_err(Error::target(&self.control, doing)) };
            answered(limit, place, doing, pinged).await?;
        }
        Ok(())
    }

    fn tell_lag(&self) {
        let now = now_us();
        let mut oldest = None;
        for (part, lane) in &self.lanes {
            let since_us = lane.oldest_ms().filter(|ms| *ms > 0).map(|ms| ms * 1000);
            let lag = since_us.map_or(0.0, |since| (now - since).max(0) as f64 / 1e6);
            let labels = [&*part.topic, &part.number.to_string()];
            self.metrics.keyed.partition_lag.with_label_values(&labels).set(lag);
            oldest = oldest.into_iter().chain(since_us).min();
        }
        let silent = Some(self.heard.elapsed()).filter(|silent| *silent >= SILENCE);
        // What Kafka has by now nobody knows: the lag grows from when it last answered.
        self.metrics.lag.note(oldest, now - silent.map_or(0, |silent| silent.as_micros() as i64));
        let bytes: usize = self.lanes.values().map(Lane::bytes).sum();
        self.metrics.queue_bytes.set(bytes as i64);
        self.metrics.parked.set(self.lanes.values().filter(|lane| lane.paused).count() as i64);
        self.metrics.in_flight.set(self.lanes.values().filter(|lane| lane.is_busy()).count() as i64);
        if let Some(silent) = silent.filter(|_| oldest.is_none()) {
            let why = self.group.complaint().map_or_else(String::new, |why| format!(": {why}"));
            self.status.waiting(format!("Kafka has not answered for {} s{why}", silent.as_secs()));
        } else if oldest.is_none() {
            self.status.idle(match (self.topics.len(), self.lanes.len()) {
                (0, _) => format!("no topic of prefix {} to read yet", self.config.prefix),
                (_, 0) => "the group has given this process no partition".to_owned(),
                (_, lanes) => format!("all that was read of {lanes} partitions is applied"),
            });
        }
    }

    /// Tells the group how far partitions are applied: for `kafka-consumer-groups`, and never read here.
    fn hint(&mut self) {
        let moved = self.lanes.iter_mut().filter(|(_, lane)| lane.row.next_offset > lane.hinted);
        let offsets: Vec<_> = moved
            .map(|(part, lane)| {
                lane.hinted = lane.row.next_offset;
                (part.clone(), lane.hinted)
            })
            .collect();
        if !offsets.is_empty() {
            self.group.tell(Command::Hint(offsets));
        }
    }
}

fn workers_gone() -> Error {
    Error::Task { cause: "the workers that apply by key have ended".into() }
}

type Opened = (Conn, Arc<Rows>, Vec<Hand>, mpsc::UnboundedReceiver<Done>);

async fn open(config: &Config, server: &ServerOptions, cluster_id: String, tools: &Tools) -> Result<Opened> {
    let mut control = connect_session(server, &session_settings(LOCK_WAIT_S)).await?;
    private_schema::create_keyed(&mut control).await?;
    let identity =
        Identity { origin: config.origin().to_owned(), sink: config.name().to_owned(), cluster_id };
    let run = ServerRun::read(&mut control).await?;
    let rows = Arc::new(Rows { identity, server: run, place: server.place() });
    let (tell, reports) = mpsc::unbounded_channel();
    let mut workers = Vec::new();
    for _ in 0..config.apply.lanes {
        let (worker, connection) = worker(config, server, tools, &rows).await?;
        let (jobs, given) = mpsc::unbounded_channel();
        tokio::spawn(worker.work(given, tell.clone()));
        workers.push(Hand { jobs, connection });
    }
    Ok((control, rows, workers, reports))
}

async fn worker(
    config: &Config,
    server: &ServerOptions,
    tools: &Tools,
    rows: &Arc<Rows>,
) -> Result<(Worker, u64)> {
    let limit = config.target.answer_timeout.duration();
    let lock_wait_s = config.target.lock_wait.duration().as_secs().max(1) as u32;
    let mut session = LaneSession::open(server, lock_wait_s, limit).await?;
    session.run(b"SET SESSION autocommit = 0", "SET autocommit").await?;
    let mut catalog = connect_session(server, &session_settings(LOCK_WAIT_S)).await?;
    let (apply, routes) = (&config.apply, Arc::clone(&tools.routes));
    let tables =
        KnownTables::new(&mut catalog, routes, apply.allow_triggers, apply.allow_narrower, limit).await?;
    let planner = Planner::new(
        tables,
        tools.registry.clone(),
        apply,
        config.keyed.allow.clone(),
        Some(Arc::clone(rows)),
    );
    let connection = session.connection_id();
    let worker = Worker { session, catalog, planner, rows: Arc::clone(rows), metrics: tools.metrics.clone() };
    Ok((worker, connection))
}
