//! The start procedure: the one way in, after a crash, a fault or a first start alike.
//!
//! 1. Look at the source: settings, rights, identity.
//! 2. Fence: `init_transactions` aborts whatever an older instance had open, and keeps it from writing more.
//! 3. Read the position topic to its end. What is there is final now. Nothing there beside topics that hold
//!    records is refused: to begin anew would publish twice.
//! 4. Hold the position against the source: what was published must be executed there and what follows must not be
//!    purged. On the same server it may still come, for a transaction is streamed before it is executed; on
//!    another one it is lost.
//! 5. Commit attempt + 1, with the number of an unfinished transaction that cannot be resumed declared void,
//!    before any record carries that attempt: so no attempt is ever used twice.
//! 6. Stream, from before the last transaction that was read, to compare it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use strait_mysql::{
    binlog::Framer,
    gtid::{Gtid, GtidSet},
    server::{self, ServerFacts},
    stream::StartAt,
};
use strait_schemas::{Fingerprint, Flavor, GenerationBegin, Inside, Position, Seq, topics};
use strait_service::{CancellationToken, Component};
use tokio::runtime::Handle;

use crate::{
    Error, Result,
    commit_rule::CommitRule,
    config::{Config, PositionMode},
    executed::ExecutedGate,
    filter::Filter,
    kafka::{self, Cluster, Producer, Purpose, Topics},
    metrics::Metrics,
    numbering::Numbering,
    progress::{Progress, parse_file_id},
    publisher::{Publisher, State},
    schema_registry::SchemaRegistry,
    side_topics::{HeartbeatTopic, TransactionTopic},
    silence::Silence,
    source::Source,
    tables::Tables,
};

/// Entries of the spine that are gathered at most.
const MOST_PARTS: usize = 20_000;
/// Batches of a producer, unless a topic takes less.
pub const BATCH_BYTES: usize = 512 << 10;

/// What outlives a single run.
#[derive(Clone)]
pub struct Shared {
    pub config: Arc<Config>,
    pub metrics: Metrics,
    pub status: Component,
    pub stop: CancellationToken,
    pub runtime: Handle,
    /// Largest batch that every topic seen so far takes.
    pub batch_bytes: Arc<AtomicUsize>,
    /// How long nothing may come from the source.
    pub silence: Arc<std::sync::Mutex<Silence>>,
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
}

/// Runs steps 1 to 5; blocking.
pub fn start(shared: &Shared) -> Result<Ready> {
    let config = &shared.config;
    shared.status.starting("looking at the source");
    let mut source = Source::new(config.server_options(), shared.runtime.clone(), shared.stop.clone());
    let mut facts = source.facts()?;
    crate::check::ensure_source(shared, &mut source, &facts)?;

    shared.status.starting("fencing older instances off (init_transactions)");
    let cluster = Cluster::new(config);
    let batch_bytes = shared.batch_bytes.load(Ordering::Relaxed);
    let producer = Producer::start(&cluster, batch_bytes, &shared.stop, &shared.status)?;
    let mut topics = Topics::new(&cluster, &config.topics, shared.runtime.clone(), shared.stop.clone())?;
    let position = topics.ensure(&topics::position_topic(&config.prefix), Purpose::Position)?;
    let spine = topics.ensure(&topics::spine_topic(&config.prefix), Purpose::Spine)?;

    shared.status.starting("reading the position");
    let filter = Filter::new(&config.databases);
    let beginning = match kafka::read_position(&cluster, &config.prefix, &shared.stop)? {
        Some(stored) => go_on(shared, &mut source, &mut facts, &filter, &stored)?,
        None => begin_first(shared, &cluster, &topics, &facts, &filter)?,
    };

    let registry = SchemaRegistry::new(config)?;
    let heartbeats = match config.publish.heartbeat_topic {
        true => Some(HeartbeatTopic::prepare(config, &mut topics, &registry)?),
        false => None,
    };
    let transactions = match config.publish.transaction_metadata {
        true => Some(TransactionTopic::prepare(config, &mut topics, &registry)?),
        false => None,
    };
    let (start, compare) = where_to_stream(&beginning.progress, &facts, &mut source)?;
    let mut publisher = Publisher {
        producer,
        topics,
        tables: Tables::new(config, filter.clone(), registry),
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
        begin: beginning.begin,
        end_at_start: facts.binlog.as_ref().map(|end| (end.file.clone(), end.pos)),
        metrics: shared.metrics.clone(),
        status: shared.status.clone(),
        stop: shared.stop.clone(),
        source,
        progress: beginning.progress,
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
    publisher.commit(true)?;
    tracing::info!(%start, attempt = beginning.attempt, next_seq = %beginning.next_seq, "streaming");
    Ok(Ready { publisher, start, server_uuid: facts.server_uuid })
}

fn framer(start: &StartAt) -> Framer {
    match start {
        StartAt::Gtid(_) => Framer::new("", 0),
        StartAt::File { file, pos } => Framer::new(file, *pos),
    }
}

/// A start with a position.
fn go_on(
    shared: &Shared,
    source: &mut Source,
    facts: &mut ServerFacts,
    filter: &Filter,
    stored: &Position,
) -> Result<Beginning> {
    let config = &shared.config;
    let mut progress = Progress::from_position(stored).map_err(|error| {
        Error::refused(
            format!("the stored position cannot be read: {error}"),
            format!("topic {}", topics::position_topic(&config.prefix)),
            "it was not written by this version of the connector: start the version that wrote it, or choose another `prefix`",
        )
    })?;
    ensure_mode(config, &progress)?;
    ensure_flavor(config, facts, &progress)?;
    let same_server = facts.server_uuid.as_deref() == Some(progress.server_uuid.as_str());
    if let Some(published) = &progress.gtids {
        ensure_executed(shared, source, facts, published, same_server)?;
        ensure_not_purged(facts, published)?;
    } else if !same_server {
        return Err(other_server(facts, &progress));
    }
    let filter = filter.fingerprint();
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
    }
    if !same_server {
        tracing::warn!(before = progress.server_uuid, now = ?facts.server_uuid, "another server: it holds everything that was published");
        progress.server_uuid = facts.server_uuid.clone().unwrap_or_default();
    }
    let (next_seq, attempt) = (stored.next_seq, stored.attempt + 1);
    Ok(Beginning { progress, next_seq, attempt, begin: None, unfinished, void })
}

fn void_reason(config: &Config, stored: &Position, same_server: bool, filter: &str) -> Option<&'static str> {
    if !same_server {
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
        let executed = parse_executed(facts)?;
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
        source.has_executed(&missing, std::time::Duration::from_secs(1))?;
        *facts = source.facts()?;
    }
}

fn parse_executed(facts: &ServerFacts) -> Result<GtidSet> {
    facts.executed().map_err(|source| Error::Source {
        attempted: "read gtid_executed",
        place: facts.place.clone(),
        source,
    })
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

fn ensure_not_purged(facts: &ServerFacts, published: &GtidSet) -> Result<()> {
    let purged = facts.purged().map_err(|source| Error::Source {
        attempted: "read gtid_purged",
        place: facts.place.clone(),
        source,
    })?;
    let purged = purged.beyond(published);
    if purged.is_empty() {
        return Ok(());
    }
    Err(Error::refused(
        format!("the source has purged binary logs that were not read yet; gone: {purged}"),
        facts.place.clone(),
        "restore the binary logs, or make the readers equal and start anew with another `prefix`; keep binary logs longer than the longest stop \
         (SET PERSIST binlog_expire_logs_seconds)",
    ))
}

/// The very first start.
fn begin_first(
    shared: &Shared,
    cluster: &Cluster,
    topics: &Topics,
    facts: &ServerFacts,
    filter: &Filter,
) -> Result<Beginning> {
    let config = &shared.config;
    for (topic, partitions) in topics.of_prefix(&config.prefix)? {
        if !kafka::is_empty_log(cluster, &topic, partitions, &shared.stop)? {
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
    let (gtids, file, pos) = first_place(config, facts)?;
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
        left_out_xids: Vec::new(),
        as_of_us: crate::reader::now_us(),
        filter: filter.fingerprint(),
    };
    Ok(Beginning {
        progress,
        next_seq: Seq::new(1, 1),
        attempt: 1,
        begin: Some(GenerationBegin { generation: 1, start: begin_at, snapshot: false }),
        unfinished: None,
        void: None,
    })
}

/// `source.start`, resolved.
fn first_place(config: &Config, facts: &ServerFacts) -> Result<(Option<GtidSet>, String, u64)> {
    let refuse =
        |cause: String, remedy: &str| Error::refused(cause, "setting source.start".to_owned(), remedy);
    let now = facts.binlog.as_ref().map(|place| (place.file.clone(), place.pos));
    let start = config.source.start.trim();
    if config.source.position == PositionMode::File {
        let (file, pos) = match start {
            "now" => now.ok_or_else(|| {
                refuse(
                    "the server does not tell its position".into(),
                    "GRANT REPLICATION CLIENT ON *.* to the account",
                )
            })?,
            "earliest" => (String::new(), 4),
            place => place
                .rsplit_once(':')
                .and_then(|(file, pos)| Some((file.to_owned(), pos.parse().ok()?)))
                .ok_or_else(|| {
                    refuse(
                        format!("\"{place}\" is no place in the binary log"),
                        "\"now\", \"earliest\", or such as \"binlog.000003:157\"",
                    )
                })?,
        };
        return Ok((None, file, pos));
    }
    let executed = parse_executed(facts)?;
    let purged = facts.purged().map_err(|source| Error::Source {
        attempted: "read gtid_purged",
        place: facts.place.clone(),
        source,
    })?;
    let gtids = match start {
        "now" => executed,
        "earliest" => purged,
        text => {
            let wanted: GtidSet = text.parse().map_err(|error| {
                refuse(
                    format!("{error}"),
                    "\"now\", \"earliest\", or a GTID set as SELECT @@gtid_executed prints it",
                )
            })?;
            let mut unknown = wanted.clone();
            unknown.subtract(&executed);
            if !unknown.is_empty() {
                return Err(refuse(
                    format!("the source has never executed {unknown}"),
                    "give a GTID set that is part of the source's own gtid_executed",
                ));
            }
            ensure_not_purged(facts, &wanted)?;
            wanted
        }
    };
    let (file, pos) = now.unwrap_or_default();
    Ok((Some(gtids), file, pos))
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
            let purged = facts.purged().map_err(|source| Error::Source {
                attempted: "read gtid_purged",
                place: facts.place.clone(),
                source,
            })?;
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
