//! The start procedure: the one way in, after a crash, a fault or a first start alike.
//!
//! 1. Look at the source (settings, rights, identity) and at the topics of the log.
//! 2. Look at the stored position, and hold it against the source; then at the registry. A connector that cannot go on
//!    from there (another site's source, another configuration) refuses here, and leaves one that runs alone; so does
//!    one that starts again and finds that another has taken over meanwhile.
//! 3. Fence: `init_transactions` aborts whatever an older instance had open, and keeps it from writing more.
//! 4. Read the position topic to its end, again. What is there is final now, and it alone counts. Nothing there beside
//!    topics that hold records is refused: to begin anew would publish twice.
//! 5. Hold the position against the source: what was published must be executed there and what follows must not be
//!    purged. On the same server it may still come, for a transaction is streamed before it is executed; on
//!    another one it is lost.
//! 6. Commit attempt + 1, with the number of an unfinished transaction that cannot be resumed declared void,
//!    before any record carries that attempt: so no attempt is ever used twice.
//! 7. Stream, from before the last transaction that was read, to compare it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use strait_mysql::{
    binlog::Framer,
    gtid::{Gtid, GtidSet},
    server::{self, ServerFacts},
    stream::StartAt,
};
use strait_schemas::{
    Fingerprint, Flavor, GenerationBegin, Inside, Position, Seq, Signals, SnapshotPlan, SnapshotProgress,
    topics,
};
use strait_service::{CancellationToken, Component};
use tokio::runtime::Handle;

use crate::{
    Error, Result,
    commit_rule::CommitRule,
    config::{Config, PositionMode, SnapshotMode},
    executed::ExecutedGate,
    filter::Filter,
    first_place::{self, FirstPlace},
    instance,
    kafka::{self, Cluster, Producer, Purpose, Topics},
    metrics::Metrics,
    numbering::Numbering,
    progress::{Progress, parse_file_id},
    publisher::{Publisher, STEP, SignalChannels, Snapshotting, State},
    routing::Routing,
    schema_changes::SchemaChanges,
    schema_registry::SchemaRegistry,
    side_topics::{HeartbeatTopic, TransactionTopic},
    silence::Silence,
    snapshot::{self, Begun, Committing, Listing, ReaderOptions},
    source::Source,
    tables::Tables,
};

/// Entries of the spine that are gathered at most.
const MOST_PARTS: usize = 20_000;
/// Batches of a producer, unless a topic takes less.
pub const BATCH_BYTES: usize = 512 << 10;
/// A wait for Kafka that the log tells.
const NOTICEABLE: Duration = Duration::from_secs(1);

/// JSON; null: no snapshot is under way.
pub type SnapshotShown = Arc<std::sync::Mutex<serde_json::Value>>;

/// What outlives a single run.
#[derive(Clone)]
pub struct Shared {
    pub config: Arc<Config>,
    pub metrics: Metrics,
    pub status: Component,
    pub stop: CancellationToken,
    pub runtime: Handle,
    /// Of this process, as the position has it.
    pub instance: Arc<str>,
    /// Largest batch that every topic seen so far takes.
    pub batch_bytes: Arc<AtomicUsize>,
    /// How long nothing may come from the source.
    pub silence: Arc<std::sync::Mutex<Silence>>,
    /// How far the snapshot under way is, for the status page.
    pub snapshot: SnapshotShown,
    /// server_uuid of the source that passed the preflight last.
    pub preflight_passed: Arc<std::sync::Mutex<Option<String>>>,
}

/// A run that is ready to stream.
pub struct Ready {
    pub publisher: Publisher,
    pub start: StartAt,
    /// The server that all of this is true of.
    pub server_uuid: Option<String>,
}

/// Where this run goes on, before it is committed.
struct Beginning {
    progress: Progress,
    next_seq: Seq,
    attempt: u32,
    begin: Option<GenerationBegin>,
    unfinished: Option<Inside>,
    /// Why the unfinished transaction is void instead.
    void: Option<Inside>,
    snapshot: Option<BegunSnapshot>,
}

/// A snapshot that is to go on, or to begin.
struct BegunSnapshot {
    plan: Arc<SnapshotPlan>,
    /// What is to come, unless the log says so already.
    listing: Option<Listing>,
}

/// Runs steps 1 to 6; blocking.
pub fn start(shared: &Shared) -> Result<Ready> {
    let config = &shared.config;
    shared.status.starting("looking at the source");
    let mut source = Source::new(config.server_options(), shared.runtime.clone(), shared.stop.clone());
    let mut facts = source.facts()?;
    crate::check::ensure_source(shared, &mut source, &facts)?;

    let cluster = Cluster::new(config);
    cluster.ensure_options()?;
    wait_for_kafka(shared, &cluster)?;
    let mut topics = Topics::new(&cluster, &config.topics, shared.runtime.clone(), shared.stop.clone())?;
    let position = topics.ensure(&topics::position_topic(&config.prefix), Purpose::Position)?;
    let spine = topics.ensure(&topics::spine_topic(&config.prefix), Purpose::Spine)?;

    shared.status.starting("looking at the position");
    // Without one nobody has begun under this prefix, so there is nobody to leave alone; and whether topics are
    // empty can be told after the fence only, while no Kafka transaction is half visible.
    if let Some(stored) = kafka::read_position(&cluster, &config.prefix, &shared.stop)? {
        instance::ensure_latest(shared, &stored)?;
        ensure_can_go_on(shared, &mut source, &mut facts, &stored)?;
    }
    let registry = SchemaRegistry::new(config)?;
    let heartbeats = match config.publish.heartbeat_topic {
        true => Some(HeartbeatTopic::prepare(config, &mut topics, &registry)?),
        false => None,
    };
    let transactions = match config.publish.transaction_metadata {
        true => Some(TransactionTopic::prepare(config, &mut topics, &registry)?),
        false => None,
    };
    let schema_changes = match config.schema.changes {
        true => Some(SchemaChanges::new(config, SchemaRegistry::new(config)?)),
        false => None,
    };

    shared.status.starting("fencing older instances off (init_transactions)");
    let batch_bytes = shared.batch_bytes.load(Ordering::Relaxed);
    let producer = Producer::start(&cluster, batch_bytes, &shared.stop, &shared.status)?;

    shared.status.starting("reading the position");
    let filter = Filter::new(config)
        .map_err(|findings| Error::Preflight { place: "the settings".into(), findings })?;
    let routing = Routing::new(&config.topics)
        .map_err(|findings| Error::Preflight { place: "the settings".into(), findings })?;
    let beginning = match kafka::read_position(&cluster, &config.prefix, &shared.stop)? {
        Some(stored) => go_on(shared, &mut source, &mut facts, &filter, &stored)?,
        None => begin_first(shared, &cluster, &topics, &source, &mut facts, &filter)?,
    };
    let (start, compare) = where_to_stream(&beginning.progress, &facts, &mut source)?;
    let signals = beginning.progress.signals.offset;
    let mut publisher = Publisher {
        producer,
        topics,
        tables: Tables::new(config, facts.flavor, filter.clone(), routing, registry),
        filter,
        numbering: Numbering::new(beginning.next_seq, beginning.attempt),
        framer: framer(&start),
        unfinished: beginning.unfinished,
        compare,
        gate: ExecutedGate::new(config.publish.when, &facts),
        rule: CommitRule {
            interval: config.publish.interval.duration(),
            bytes: config.publish.bytes.bytes(),
            parts: MOST_PARTS,
        },
        heartbeat_interval: config.publish.heartbeat_interval.duration(),
        spine,
        position,
        position_key: Position::key(&config.prefix),
        heartbeats,
        transactions,
        schema_changes,
        begin: beginning.begin,
        end_at_start: facts.binlog.as_ref().map(|end| (end.file.clone(), end.pos)),
        metrics: shared.metrics.clone(),
        status: shared.status.clone(),
        stop: shared.stop.clone(),
        flavor: facts.flavor,
        source,
        progress: beginning.progress,
        snapshot: None,
        shown: shared.snapshot.clone(),
        signals: SignalChannels::new(config, &cluster, signals)?,
        instance: shared.instance.clone(),
        readers: readers(shared, &facts),
        state: State::new(),
    };
    if let Some(inside) = beginning.void {
        publisher.numbering.void_unfinished(
            inside.seq,
            inside.next_index,
            &inside.gtid,
            publisher.progress.as_of_us,
        );
    }
    if let Some(BegunSnapshot { plan, listing }) = beginning.snapshot {
        let progress = publisher.progress.snapshot.get_or_insert_with(|| SnapshotProgress::new(plan.id));
        publisher.snapshot = Some(Snapshotting::new(plan, progress));
        if let Some(listing) = listing {
            publisher.begin_snapshot(&listing)?;
        }
    }
    publisher.commit(true)?;
    tracing::info!(%start, attempt = beginning.attempt, next_seq = %beginning.next_seq, "streaming");
    Ok(Ready { publisher, start, server_uuid: facts.server_uuid })
}

/// The log tells once what is waited for, long before patience ends.
fn wait_for_kafka(shared: &Shared, cluster: &Cluster) -> Result<()> {
    let config = &shared.config;
    let mut told = false;
    let waiting = |waited, text: String| {
        if !told && waited >= NOTICEABLE {
            told = true;
            tracing::warn!("{text}");
        }
        shared.status.starting(text);
    };
    let patience = config.kafka.delivery_timeout.duration();
    let topic = topics::position_topic(&config.prefix);
    Ok(kafka::wait_for_answer(cluster, &topic, patience, &shared.stop, waiting)?)
}

fn readers(shared: &Shared, facts: &ServerFacts) -> ReaderOptions {
    let config = &shared.config;
    ReaderOptions {
        server: config.server_options(),
        server_id: facts.server_id,
        runtime: shared.runtime.clone(),
        flavor: facts.flavor,
        watermarks: config.writes_watermarks(facts.flavor),
        server_uuid: facts.server_uuid.clone(),
        readers: usize::from(config.snapshot.readers),
        chunk_rows: u64::from(config.snapshot.chunk_rows),
        chunk_bytes: usize::try_from(config.snapshot.chunk_bytes.bytes()).unwrap_or(usize::MAX),
        committing: Committing::default(),
    }
}

fn framer(start: &StartAt) -> Framer {
    match start {
        StartAt::Gtid(_) => Framer::new("", 0),
        StartAt::File { file, pos } => Framer::new(file, *pos),
    }
}

/// Whether what was published up to a position can be followed by what this source has, under these settings. The
/// source is asked anew: one that follows another server may have got further since it was looked at.
fn ensure_can_go_on(
    shared: &Shared,
    source: &mut Source,
    facts: &mut ServerFacts,
    stored: &Position,
) -> Result<Progress> {
    let config = &shared.config;
    let progress = Progress::from_position(stored).map_err(|error| {
        Error::refused(
            format!("the stored position cannot be read: {error}"),
            format!("topic {}", topics::position_topic(&config.prefix)),
            "it was not written by this version of the connector: start the version that wrote it, or choose another `prefix`",
        )
    })?;
    ensure_mode(config, &progress)?;
    ensure_flavor(config, facts, &progress)?;
    *facts = source.facts()?;
    crate::check::ensure_source(shared, source, facts)?;
    let same_server = is_same_server(facts, &progress);
    if let Some(published) = &progress.gtids {
        ensure_executed(shared, source, facts, published, same_server)?;
        if config.snapshot.mode != SnapshotMode::WhenNeeded {
            first_place::ensure_not_purged(facts, published)?;
        }
    } else if !same_server {
        return Err(other_server(facts, &progress));
    }
    Ok(progress)
}

fn is_same_server(facts: &ServerFacts, progress: &Progress) -> bool {
    facts.server_uuid.as_deref() == Some(progress.server_uuid.as_str())
}

/// A start with a position.
fn go_on(
    shared: &Shared,
    source: &mut Source,
    facts: &mut ServerFacts,
    filter: &Filter,
    stored: &Position,
) -> Result<Beginning> {
    // Who was fenced off just now may have committed since the first look.
    instance::ensure_latest(shared, stored)?;
    let config = &shared.config;
    let mut progress = ensure_can_go_on(shared, source, facts, stored)?;
    if let Some(published) = &progress.gtids
        && let Err(gap) = first_place::ensure_not_purged(facts, published)
    {
        tracing::warn!("a new generation begins with a snapshot of everything: {gap}");
        return begin_again(shared, source, facts, filter, stored, progress);
    }
    let same_server = is_same_server(facts, &progress);
    let filter = filter.fingerprint().to_owned();
    let void_because = void_reason(config, stored, same_server, &filter);
    let (unfinished, void) = match (&stored.inside, void_because) {
        (Some(inside), Some(reason)) => {
            tracing::warn!(seq = %inside.seq, gtid = inside.gtid, reason, "the unfinished transaction cannot be resumed");
            (None, Some(inside.clone()))
        }
        (inside, _) => (inside.clone(), None),
    };
    if progress.filter != filter {
        tracing::info!(before = progress.filter, now = filter, "what is left out has changed");
        progress.filter = filter;
        // Their rows may be published now: what is not known is looked for.
        progress.left_out_xids.clear();
    }
    if !same_server {
        tracing::warn!(before = progress.server_uuid, now = ?facts.server_uuid, "another server: it holds everything that was published");
        progress.server_uuid = facts.server_uuid.clone().unwrap_or_default();
        progress.forget_places();
    }
    let (next_seq, attempt) = (stored.next_seq, stored.attempt + 1);
    let snapshot = snapshot_to_go_on(shared, &progress)?;
    Ok(Beginning { progress, next_seq, attempt, begin: None, unfinished, void, snapshot })
}

/// The plan of the snapshot that the position is in the middle of.
fn snapshot_to_go_on(shared: &Shared, progress: &Progress) -> Result<Option<BegunSnapshot>> {
    let Some(under_way) = &progress.snapshot else { return Ok(None) };
    let prefix = &shared.config.prefix;
    match kafka::read_snapshot_plan(&Cluster::new(&shared.config), prefix, &shared.stop)? {
        Some(plan) if plan.id == under_way.id => {
            tracing::info!(tables_done = under_way.next, rows = under_way.rows, "the snapshot goes on");
            Ok(Some(BegunSnapshot { plan: Arc::new(plan), listing: None }))
        }
        _ => Err(Error::refused(
            "the position is in the middle of a snapshot whose plan is not there",
            format!("topic {}", topics::position_topic(prefix)),
            "the topic lost records (it must be compacted, with no retention by time); begin anew with another `prefix`",
        )),
    }
}

fn void_reason(config: &Config, stored: &Position, same_server: bool, filter: &str) -> Option<&'static str> {
    if stored.inside.as_ref().is_some_and(|inside| inside.gtid.starts_with(STEP)) {
        Some("it is a table of the snapshot that is read anew")
    } else if !same_server {
        Some("another server may group its rows otherwise")
    } else if stored.filter != filter {
        Some("what is left out has changed")
    } else if config.publish.transaction_metadata {
        Some("its events would be counted anew (publish.transaction_metadata)")
    } else {
        None
    }
}

fn ensure_mode(config: &Config, progress: &Progress) -> Result<()> {
    let (wanted, stored) = (config.source.position, progress.gtids.is_some());
    if (wanted == PositionMode::Gtid) == stored {
        return Ok(());
    }
    let (is, set) = if stored { ("a GTID set", "gtid") } else { ("a file and position", "file") };
    Err(Error::refused(
        format!("the stored position is {is}, which source.position does not want"),
        format!("topic {}", topics::position_topic(&config.prefix)),
        format!(
            "source.position = \"{set}\"; the kind of position can be changed by a new start only: make the readers equal and use another `prefix`"
        ),
    ))
}

fn flavor(facts: &ServerFacts) -> Flavor {
    match facts.flavor {
        server::Flavor::Mysql => Flavor::Mysql,
        server::Flavor::MariaDb => Flavor::MariaDb,
    }
}

fn ensure_flavor(config: &Config, facts: &ServerFacts, progress: &Progress) -> Result<()> {
    let (stored, found) = (progress.flavor, flavor(facts));
    if stored == found {
        return Ok(());
    }
    Err(Error::refused(
        format!(
            "the stored position is one of {stored}, and the source is {found}: GTIDs and files mean nothing there"
        ),
        format!("topic {}, {}", topics::position_topic(&config.prefix), facts.place),
        "let source.host name the old server; to move to another kind of server, make the readers equal and use another `prefix`",
    ))
}

fn other_server(facts: &ServerFacts, progress: &Progress) -> Error {
    Error::refused(
        format!(
            "this is another server (server_uuid {}) than the one that was published from ({}); its files and positions mean something else",
            facts.server_uuid.as_deref().unwrap_or("unknown"),
            progress.server_uuid
        ),
        facts.place.clone(),
        "let source.host name the old server; a failover can be followed only with GTIDs (gtid_mode=ON, source.position = \"gtid\")",
    )
}

/// What was published must be executed at the source. After a wait the facts are new: where the log ends, too.
fn ensure_executed(
    shared: &Shared,
    source: &mut Source,
    facts: &mut ServerFacts,
    published: &GtidSet,
    same_server: bool,
) -> Result<()> {
    let began = Instant::now();
    let patience = shared.config.source.executed_timeout.duration();
    loop {
        let executed = first_place::executed(facts)?;
        if executed.contains_set(published) {
            return Ok(());
        }
        let mut missing = published.clone();
        missing.subtract(&executed);
        // MariaDB notes a GTID when it is logged, before anybody can read it: one that is not there will not come.
        let may_come = same_server && facts.flavor == server::Flavor::Mysql;
        if !may_come || began.elapsed() >= patience {
            return Err(lost_tail(facts, &missing, same_server));
        }
        let text = format!(
            "waiting for the source to execute {missing}: it was streamed and published, but is not in gtid_executed (yet); for {} s more",
            (patience.saturating_sub(began.elapsed())).as_secs()
        );
        tracing::warn!("{text}");
        shared.status.waiting(text);
        source.has_executed(&missing, Duration::from_secs(1))?;
        *facts = source.facts()?;
    }
}

fn lost_tail(facts: &ServerFacts, missing: &GtidSet, same_server: bool) -> Error {
    let what = if same_server {
        "the server has lost transactions that were published: a crash with sync_binlog other than 1, or a restored backup"
    } else {
        "this is another server than the one that was published from, and it lacks transactions that were published: a failover \
         that lost the newest ones, or the wrong server"
    };
    Error::refused(
        format!("{what}; missing here: {missing}"),
        format!("{}, server_uuid {}", facts.place, facts.server_uuid.as_deref().unwrap_or("unknown")),
        "bring these transactions back (from the old server's binary log, or let this server catch up), then start again; if they are gone for \
         good, readers of the topics hold changes that the source has not: make them equal and start anew with another `prefix`. \
         If this is simply another site: each has its own `prefix`",
    )
}

/// Without a position every topic of the prefix must be empty.
pub fn ensure_nothing_published(
    config: &Config,
    cluster: &Cluster,
    topics: &Topics,
    stop: &CancellationToken,
) -> Result<()> {
    for (topic, partitions) in topics.of_prefix(&config.prefix)? {
        if !kafka::is_empty_log(cluster, &topic, partitions, stop)? {
            return Err(Error::refused(
                format!(
                    "there is no position, but topic {topic} holds records: to begin anew would publish them twice"
                ),
                format!("topic {}, Kafka at {}", topics::position_topic(&config.prefix), cluster.brokers()),
                format!(
                    "restore the position topic; or, if nobody needs what is there, delete all topics that begin with {}. and their readers' state; \
                     or use another `prefix`",
                    config.prefix
                ),
            ));
        }
    }
    Ok(())
}

/// The very first start.
fn begin_first(
    shared: &Shared,
    cluster: &Cluster,
    topics: &Topics,
    source: &Source,
    facts: &mut ServerFacts,
    filter: &Filter,
) -> Result<Beginning> {
    let config = &shared.config;
    ensure_nothing_published(config, cluster, topics, &shared.stop)?;
    let begun = begin_snapshot(config, source, filter)?;
    if let Some(begun) = &begun {
        *facts = begun.facts.clone();
    }
    let FirstPlace { gtids, file, pos } = first_place::resolve(&config.source, facts)?;
    let begin_at = gtids.as_ref().map_or_else(|| crate::progress::file_id(&file, pos), ToString::to_string);
    tracing::info!(start = begin_at, "first start of this prefix");
    let progress = Progress {
        flavor: flavor(facts),
        before_last: None,
        server_uuid: facts.server_uuid.clone().unwrap_or_default(),
        gtids,
        file,
        pos,
        last: None,
        lanes: std::collections::BTreeMap::new(),
        intents: std::collections::BTreeMap::new(),
        left_out_xids: Vec::new(),
        prepared_xids: Vec::new(),
        snapshot: None,
        as_of_us: crate::reader::now_us(),
        filter: filter.fingerprint().to_owned(),
        signals: Signals::default(),
    };
    Ok(Beginning {
        progress,
        next_seq: Seq::new(1, 1),
        attempt: 1,
        begin: Some(GenerationBegin { generation: 1, start: begin_at, snapshot: false }),
        unfinished: None,
        void: None,
        snapshot: begun.map(|Begun { plan, listing, .. }| BegunSnapshot { plan, listing: Some(listing) }),
    })
}

/// What came after the last position is gone: all is brought anew. What is known of our own sinks stays true.
fn begin_again(
    shared: &Shared,
    source: &Source,
    facts: &mut ServerFacts,
    filter: &Filter,
    stored: &Position,
    progress: Progress,
) -> Result<Beginning> {
    let generation = stored.next_seq.generation() + 1;
    let begun = snapshot::begin(&shared.config, source, filter, u64::from(generation), true)?;
    *facts = begun.facts.clone();
    let gtids = first_place::executed(facts)?;
    let end = facts.binlog.as_ref();
    let begin = GenerationBegin { generation, start: gtids.to_string(), snapshot: true };
    let progress = Progress {
        server_uuid: facts.server_uuid.clone().unwrap_or_default(),
        gtids: Some(gtids),
        before_last: None,
        file: end.map(|end| end.file.clone()).unwrap_or_default(),
        pos: end.map(|end| end.pos).unwrap_or_default(),
        last: None,
        left_out_xids: Vec::new(),
        prepared_xids: Vec::new(),
        snapshot: None,
        filter: filter.fingerprint().to_owned(),
        ..progress
    };
    Ok(Beginning {
        progress,
        next_seq: Seq::new(generation, 1),
        attempt: stored.attempt + 1,
        begin: Some(begin),
        unfinished: None,
        void: None,
        snapshot: Some(BegunSnapshot { plan: begun.plan, listing: Some(begun.listing) }),
    })
}

/// What a first start finds at the source, unless the readers have it already.
fn begin_snapshot(config: &Config, source: &Source, filter: &Filter) -> Result<Option<Begun>> {
    let with_rows = match config.snapshot.mode {
        SnapshotMode::Never => return Ok(None),
        SnapshotMode::Initial | SnapshotMode::WhenNeeded => true,
        SnapshotMode::SchemaOnly => false,
    };
    if !config.snapshot_begins() {
        return Ok(None);
    }
    snapshot::begin(config, source, filter, 1, with_rows).map(Some)
}

/// The stream begins before the last transaction that was read, so that it is read again and compared.
fn where_to_stream(
    progress: &Progress,
    facts: &ServerFacts,
    source: &mut Source,
) -> Result<(StartAt, Option<Fingerprint>)> {
    let Some(last) = &progress.last else { return Ok((progress.start_at(), None)) };
    match &progress.gtids {
        Some(gtids) => {
            let purged = first_place::purged(facts)?;
            match last.gtid.parse() {
                Ok(gtid @ Gtid::Domain(_)) if gtids.contains(&gtid) && !purged.contains(&gtid) => {
                    // Without it the last one is not compared: it was read by nobody yet.
                    Ok(match &progress.before_last {
                        Some(before) => (StartAt::Gtid(before.clone()), Some(last.clone())),
                        None => (progress.start_at(), None),
                    })
                }
                Ok(gtid) if gtids.contains(&gtid) && !purged.contains(&gtid) => {
                    let mut before = gtids.clone();
                    before.remove(&gtid);
                    Ok((StartAt::Gtid(before), Some(last.clone())))
                }
                _ => {
                    tracing::warn!(
                        gtid = last.gtid,
                        "the last transaction that was read is purged at the source: it is not compared"
                    );
                    Ok((progress.start_at(), None))
                }
            }
        }
        None => match parse_file_id(&last.gtid) {
            // A file ends, is read to its end, and is purged with the last transaction in it.
            Some((file, _)) if !source.binlog_files()?.iter().any(|known| known == file) => {
                tracing::warn!(
                    file,
                    "the binary log with the last transaction that was read is purged at the source: it is not compared"
                );
                Ok((progress.start_at(), None))
            }
            Some((file, pos)) => Ok((StartAt::File { file: file.to_owned(), pos }, Some(last.clone()))),
            None => Ok((progress.start_at(), None)),
        },
    }
}
