//! What operators ask for, carried out between two transactions (see `crate::signals`).
//!
//! Tables that are to be brought are announced with how to make them. Their definitions are read from the server, which
//! is ahead of the stream: so the log says them only once the stream has passed the place that the server's log had when
//! they were read, and if no DDL has come until then, for otherwise they are read again.

use strait_mysql::{
    binlog::{RowsEvent, RowsKind, TableMap},
    catalog::TableName,
};
use strait_schemas::{PassedOver, PlannedTable, Signal};
use strait_service::{Disposition, Finding, Patterns, Refusal as _};

use super::Publisher;
use crate::{
    Error, Result,
    config::Config,
    current::{Current, Fate},
    kafka::{Cluster, SignalTopic},
    signals::{self, Asked, Wanted, understand},
    snapshot::{self, Definition, LogPlace},
};

/// Where signals come from.
pub struct SignalChannels {
    table: Option<TableName>,
    topic: SignalTopic,
    announced: Option<Announced>,
}

/// Tables as the server had them at a place in its log.
struct Announced {
    tables: Vec<(Definition, PlannedTable)>,
    high: LogPlace,
}

impl SignalChannels {
    pub fn new(config: &Config, cluster: &Cluster, offset: i64) -> Result<Self> {
        let named = config.signal.data.collection.as_deref();
        let table = named.and_then(|name| name.split_once('.'));
        Ok(Self {
            table: table.map(|(database, table)| TableName::new(database, table)),
            topic: SignalTopic::new(cluster, config.signal_topic(), &config.prefix, offset)?,
            announced: None,
        })
    }

    pub fn is_table(&self, map: &TableMap) -> bool {
        self.table.as_ref().is_some_and(|name| name.database == map.database && name.table == map.table)
    }

    /// A definition may be another now.
    pub fn forget_announced(&mut self) {
        self.announced = None;
    }
}

impl Publisher {
    pub(super) fn serve_signals(&mut self) -> Result<()> {
        for (next, signal) in self.signals.topic.take() {
            self.progress.signals.offset = next;
            self.progress.signals.waiting.extend(signal);
            self.state.moved = true;
        }
        // Asked between any two transactions.
        if self.signals.announced.as_ref().is_some_and(|announced| !self.has_passed(&announced.high)) {
            return Ok(());
        }
        while let Some(signal) = self.progress.signals.waiting.first().cloned() {
            let asked = understand(&signal);
            if let Ok(Asked::Execute(wanted)) = &asked
                && !self.execute(&signal, wanted)?
            {
                break;
            }
            match asked {
                Ok(Asked::Execute(_)) => {}
                Ok(Asked::Stop(patterns)) => self.stop_snapshot(&signal, &patterns)?,
                Ok(Asked::Pause) => self.pause_snapshot(true),
                Ok(Asked::Resume) => self.pause_snapshot(false),
                Ok(Asked::Log(message)) => tracing::info!(id = signal.id, "signal: {message}"),
                Err(why) => self.pass_over(&signal, why),
            }
            self.progress.signals.waiting.remove(0);
            self.state.moved = true;
        }
        Ok(())
    }

    /// In the log, and for whoever has asked.
    fn pass_over(&mut self, signal: &Signal, why: String) {
        tracing::warn!(id = signal.id, "a signal is passed over: {why}");
        self.progress.signals.passed_over = Some(PassedOver { id: signal.id.clone(), why });
    }

    /// False: it is not time yet.
    fn execute(&mut self, signal: &Signal, wanted: &[Wanted]) -> Result<bool> {
        let wanted: Result<Vec<_>, _> = wanted
            .iter()
            .map(|it| patterns([&it.tables]).map(|tables| (tables, it.condition.as_deref())))
            .collect();
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(refusal) => {
                self.pass_over(signal, refusal.cause);
                return Ok(true);
            }
        };
        let Some(Announced { tables, high }) = self.signals.announced.take() else {
            // Whoever may write a signal must not be able to stop the replication by it.
            return match self.announce(&wanted) {
                Ok(Ok(announced)) => {
                    self.signals.announced = Some(announced);
                    Ok(false)
                }
                Ok(Err(why)) => {
                    self.pass_over(signal, why);
                    Ok(true)
                }
                Err(error) if error.disposition() == Disposition::Halt => {
                    self.pass_over(signal, error.line());
                    Ok(true)
                }
                Err(error) => Err(error),
            };
        };
        if !self.has_passed(&high) {
            self.signals.announced = Some(Announced { tables, high });
            return Ok(false);
        }
        if tables.is_empty() {
            self.pass_over(signal, "no table that is published is meant by it".into());
            return Ok(true);
        }
        let names: Vec<String> =
            tables.iter().map(|(it, _)| format!("{}.{}", it.database, it.table)).collect();
        tracing::info!(id = signal.id, tables = names.join(", "), "a snapshot was asked for");
        self.add_to_snapshot(tables)?;
        Ok(true)
    }

    /// What the server itself says against a condition is no fault of ours.
    fn announce(&mut self, wanted: &[(Patterns, Option<&str>)]) -> Result<Result<Announced, String>> {
        let meant = |name: &TableName| {
            let whole = format!("{}.{}", name.database, name.table);
            wanted.iter().find(|(pattern, _)| pattern.matches(&whole)).map(|(_, condition)| *condition)
        };
        let (mut tables, high) =
            snapshot::look(&self.readers, &self.source, &self.filter, |name| meant(name).is_some())?;
        for (_, table) in &mut tables {
            let name = TableName::new(&table.database, &table.table);
            table.condition = meant(&name).flatten().map(str::to_owned);
        }
        let planned = tables.iter().map(|(_, planned)| planned);
        let refused = snapshot::try_conditions(&self.readers.server, &self.source, planned)?;
        Ok(refused.map_or(Ok(Announced { tables, high }), Err))
    }
}

/// Within a transaction: rows of the signal table. Those of another site are for its own connector.
pub(super) fn note(current: &mut Current, map: &TableMap, rows: &RowsEvent<'_>, pos: u64) -> Result<()> {
    if rows.kind != RowsKind::Insert || matches!(current.fate, Fate::Compared(_) | Fate::Looped) {
        return Ok(());
    }
    let place = || format!("transaction {}, {}:{pos}", current.id, current.head.file);
    let unreadable = |source| Error::Binlog { place: place(), source };
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut images = rows.rows(map).map_err(unreadable)?;
    while images.next(&mut before, &mut after).map_err(unreadable)? {
        match signals::read(map, &after) {
            Ok(signal) => current.signals.push(signal),
            Err(error) => {
                tracing::warn!(place = place(), "a row of the signal table is passed over: {error}");
            }
        }
    }
    Ok(())
}

/// Of whole names, as Debezium's lists are.
pub fn patterns<'a>(texts: impl IntoIterator<Item = &'a String>) -> Result<Patterns, Finding> {
    Patterns::new("data-collections", &texts.into_iter().map(|text| text.trim()).collect())
}
