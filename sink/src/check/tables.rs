//! Whether what the topics hold has its place at the target.
//!
//! The newest record of each topic is decoded and laid over the target's table by the code that `run` does it
//! with, so `check` says beforehand what `run` would halt with. The record tells the table's real name, which a
//! topic's name may only resemble, and the schema that it was written with: in Avro by its id in the registry, in
//! JSON with the record. What carries no types is held against the target's columns by name.
//!
//! A topic whose newest record is applied already may be that of a table that both sites have dropped since, or of
//! one whose column is just being dropped: what does not fit there is a warning. So it is where a schema change of the table, as
//! a snapshot begins with one, is still to come before the record: the sink will make it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use strait_mysql::{
    catalog::{TableName, list_tables},
    client::{Conn, Queryable, params},
    ddl::Kind,
    gtid::GtidSet,
    server::{connect_session, place_of},
};
use strait_schemas::{Seq, topics};
use strait_service::{Finding, Severity, registry::Registry};

use super::finding;
use crate::{
    apply::session,
    config::Config,
    ddl::{Action, decide},
    decode::Decoder,
    error::{Error, Place, Result},
    kafka::{Ends, Newest, TableChange},
    planner::KnownTables,
    routes::Routes,
};

/// For all topics together; those that are not reached are looked at by name.
const PATIENCE: Duration = Duration::from_mins(1);

/// A topic of the prefix, and its newest record.
#[derive(Debug)]
pub struct DataTopic {
    pub topic: String,
    /// `None`: it shows none.
    pub newest: Option<Newest>,
}

pub fn is_avro(newest: &Newest) -> bool {
    newest.record.value.as_ref().is_some_and(|value| value.first() == Some(&0))
}

/// Reads the newest record of each topic; blocking.
pub fn read_newest(config: &Config, topics: &[&str]) -> (Vec<DataTopic>, Vec<Finding>) {
    let (mut found, mut findings) = (Vec::new(), Vec::new());
    let ends = match Ends::new(config) {
        Ok(ends) => ends,
        Err(error) => return (found, vec![finding("kafka", &error)]),
    };
    let began = Instant::now();
    for (at, topic) in topics.iter().enumerate() {
        let newest = match began.elapsed() < PATIENCE {
            true => ends.newest(topic),
            false => Ok(None),
        };
        match newest {
            Ok(newest) => found.push(DataTopic { topic: (*topic).to_owned(), newest }),
            Err(error) => findings.push(finding("topic", &error)),
        }
        if began.elapsed() >= PATIENCE {
            findings.push(Finding {
                check: "topic".into(),
                severity: Severity::Warning,
                cause: format!(
                    "reading the newest records took too long: columns were compared for {} of {} topics",
                    at + 1,
                    topics.len()
                ),
                place: format!("prefix {}", config.prefix),
                remedy: "run check nearer to Kafka; `run` compares each table when its first row comes"
                    .into(),
            });
            found.extend(
                topics[at + 1..].iter().map(|topic| DataTopic { topic: (*topic).to_owned(), newest: None }),
            );
            break;
        }
    }
    (found, findings)
}

/// What does not fit, and the tables that the topics are about.
pub async fn look(
    config: &Config,
    registry: Option<Arc<Registry>>,
    topics: Vec<DataTopic>,
    changes: Vec<TableChange>,
) -> Result<(Vec<TableName>, Vec<Finding>)> {
    let (mut names, mut findings) = (Vec::new(), Vec::new());
    if topics.is_empty() {
        return Ok((names, findings));
    }
    let mut conn = connect_session(&config.server_options(), &session(1)).await?;
    let limit = config.target.answer_timeout.duration();
    let routes = Arc::new(Routes::new(&config.route).map_err(|findings| Error::Preflight { findings })?);
    let begun = begun(&mut conn, config).await;
    let mut look = Look {
        config,
        applied: applied(&mut conn, config).await,
        changes,
        skip: config.skip().unwrap_or_default(),
        tables: KnownTables::new(
            &mut conn,
            routes,
            config.apply.allow_triggers,
            config.apply.allow_narrower,
            limit,
        )
        .await?,
        decoder: Decoder::new(registry),
        conn,
    };
    for topic in &begun {
        look.tables.begun(topic);
    }
    let (written, silent): (Vec<_>, Vec<_>) = topics.into_iter().partition(|topic| topic.newest.is_some());
    for topic in written {
        let Some(newest) = topic.newest else { continue };
        let (name, found) = look.record(&topic.topic, newest).await;
        names.extend(name);
        // The registry's or the decoder's fault is the same for every topic.
        let known = |found: &Finding| {
            findings.iter().any(|known: &Finding| known.cause == found.cause && known.check == "registry")
        };
        findings.extend(found.filter(|found| !known(found)));
    }
    if !silent.is_empty() {
        let (known, missing) = look.by_name(&silent).await?;
        names.extend(known);
        findings.extend(missing);
    }
    Ok((names, findings))
}

struct Look<'a> {
    config: &'a Config,
    /// How far this sink has come.
    applied: Option<Seq>,
    /// Schema changes of the log's end.
    changes: Vec<TableChange>,
    /// What it never applies.
    skip: GtidSet,
    conn: Conn,
    tables: KnownTables,
    decoder: Decoder,
}

impl Look<'_> {
    /// The record's table, and why its row could not be applied.
    async fn record(&mut self, topic: &str, newest: Newest) -> (Option<TableName>, Option<Finding>) {
        let Newest { partition, record } = newest;
        let Some(value) = record.value else { return (None, None) };
        let mut place = Place {
            topic: topic.into(),
            partition,
            offset: record.offset,
            seq: record.place.seq,
            index: record.place.index,
            gtid: Arc::from("?"),
        };
        let decoded = self.decoder.decode(&value, &|| place.clone());
        let (columns, envelope) = match decoded {
            Ok(decoded) => decoded,
            Err(error @ (Error::Registry { .. } | Error::Setting { .. })) => {
                return (None, Some(finding("registry", &error)));
            }
            Err(error) => return (None, Some(finding("record", &error))),
        };
        let (database, table) = (&*envelope.source.database, &*envelope.source.table);
        let name = match self.tables.routes().table(database, table) {
            Ok(name) => name,
            Err(error) => return (None, Some(finding("route", &error))),
        };
        if let Some(gtid) = &envelope.source.gtid {
            place.gtid = Arc::from(&**gtid);
        }
        let mapped = self.tables.mapping(&mut self.conn, &columns, database, table, &|| place.clone()).await;
        let found = match mapped {
            // Refused tables are told by the target's own checks, which look at all of them.
            Ok(_) | Err(Error::TableRefused { .. }) => None,
            Err(error) => Some(self.judged(&error, &place, (database, table))),
        };
        (Some(name), found)
    }

    fn judged(&self, error: &Error, place: &Place, (database, table): (&str, &str)) -> Finding {
        let mut found = finding("table", error);
        found.place = format!("{}, {}", place_of(&self.conn), found.place);
        let skipped = place.gtid.parse().is_ok_and(|gtid| self.skip.contains(&gtid));
        let to_come = self.changes.iter().find(|change| {
            change.database == database
                && change.table == table
                && change.seq <= place.seq
                && self.applied.is_none_or(|applied| change.seq > applied)
                && mends(change.kind, error)
                && !change.gtid.parse().is_ok_and(|gtid| self.skip.contains(&gtid))
                && decide(&self.config.ddl, change.kind) == Action::Apply
        });
        if skipped || self.applied.is_some_and(|applied| place.seq <= applied) {
            found.severity = Severity::Warning;
            found.cause = format!(
                "{}; what its topic holds is applied, so it matters to what is still to come",
                found.cause
            );
            if matches!(error, Error::MissingTable { .. }) {
                found.remedy = format!(
                    "{}. If both sites have dropped it for good, delete topic {}",
                    found.remedy.trim_end_matches("; then start again"),
                    place.topic
                );
            }
        } else if let Some(change) = to_come {
            found.severity = Severity::Warning;
            found.cause = format!(
                "{}; {} at seq {} changes it before, and is still to come",
                found.cause,
                change.kind.name(),
                change.seq
            );
            found.remedy = format!(
                "nothing: `run` makes the change in its turn; if it halts all the same: {}",
                found.remedy
            );
        }
        found
    }

    /// Topics that show no record: their names tell the table, as far as a topic's name can.
    async fn by_name(&mut self, topics: &[DataTopic]) -> Result<(Vec<TableName>, Vec<Finding>)> {
        let prefix = &self.config.prefix;
        let tables = list_tables(&mut self.conn, &[]).await?;
        let folds = self.tables.facts().lower_case_table_names != 0;
        let is_of = |topic: &str, table: &TableName| {
            let named = topics::data_topic(prefix, &table.database, &table.table);
            if folds { named.eq_ignore_ascii_case(topic) } else { named == topic }
        };
        let (mut known, mut findings) = (Vec::new(), Vec::new());
        for DataTopic { topic, .. } in topics {
            if let Some(table) = tables.iter().find(|table| is_of(topic, table)) {
                known.push(table.clone());
                continue;
            }
            let named = topic.strip_prefix(prefix.as_str()).unwrap_or(topic).trim_start_matches('.');
            findings.push(Finding {
                check: "table".into(),
                severity: Severity::Warning,
                cause: format!("no table at the target is called {named}, as a topic is; that shows no record now"),
                place: format!("{}, topic {topic}", place_of(&self.conn)),
                remedy: format!(
                    "create it at the target as it is at the source (SHOW CREATE TABLE {named}), before its first row \
                     comes. If both sites have dropped it for good, delete topic {topic}"
                ),
            });
        }
        Ok((known, findings))
    }
}

/// Whether such a change may be what is missing.
fn mends(kind: Kind, error: &Error) -> bool {
    let makes = matches!(
        kind,
        Kind::CreateTable | Kind::CreateTableLike | Kind::CreateTableSelect | Kind::RenameTable
    );
    makes || kind == Kind::AlterTable && !matches!(error, Error::MissingTable { .. })
}

/// Topics of which rows are at the target.
async fn begun(conn: &mut Conn, config: &Config) -> Vec<String> {
    conn.exec(
        "SELECT DISTINCT topic FROM strait.offset WHERE origin = :origin AND sink = :sink",
        params! { "origin" => config.origin(), "sink" => config.name() },
    )
    .await
    // Before the first start there is no such table.
    .unwrap_or_default()
}

/// The last transaction at the target; `None`: nothing was ever applied under this name.
async fn applied(conn: &mut Conn, config: &Config) -> Option<Seq> {
    let seq: Option<Option<u64>> = conn
        .exec_first(
            "SELECT MAX(seq) FROM strait.lane WHERE origin = :origin AND sink = :sink",
            params! { "origin" => config.origin(), "sink" => config.name() },
        )
        .await
        // Before the first start there is no such table.
        .unwrap_or_default();
    seq.flatten().filter(|seq| *seq > 0).map(Seq::from_raw)
}
