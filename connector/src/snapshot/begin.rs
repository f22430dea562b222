//! The begin of a snapshot: which tables, and the place in the binary log that the stream goes on from.

use std::sync::Arc;

use strait_mysql::{
    catalog::TableName,
    client::{Queryable as _, quote_name, server_code},
    server::{ServerFacts, ServerOptions, connect, read_binlog_place, read_facts},
};
use strait_schemas::{PlannedTable, SnapshotPlan};

use super::{
    LogPlace,
    moment::unknown_end,
    plan::{self, Definition, Listing},
    reader::ReaderOptions,
    watermark,
};
use crate::{Error, Result, config::Config, filter::Filter, source::Source};

/// DDL that comes in between is soon over.
const TRIES: usize = 20;

/// What the first Kafka transaction of a snapshot brings.
#[derive(Debug)]
pub struct Begun {
    /// The server's state between the two listings: where the stream begins.
    pub facts: ServerFacts,
    pub plan: Arc<SnapshotPlan>,
    pub listing: Listing,
}

/// Some tables as they are now, and a place in the binary log behind that.
pub fn look(
    readers: &ReaderOptions,
    source: &Source,
    filter: &Filter,
    meant: impl Fn(&TableName) -> bool,
) -> Result<(Vec<(Definition, PlannedTable)>, LogPlace)> {
    let place = readers.server.place();
    let failed = |attempted| {
        let place = place.clone();
        move |source| Error::Source { attempted, place, source }
    };
    source.wait_for(async {
        let mut conn = connect(&readers.server).await.map_err(failed("connect for a snapshot"))?;
        if readers.watermarks {
            watermark::write(&mut conn, &place).await?;
        }
        let listing = plan::list(&mut conn, filter, &place, meant).await?;
        let planned = plan::estimate(&mut conn, &listing, &place).await?;
        let end = read_binlog_place(&mut conn).await.map_err(failed("ask where the binary log ends"))?;
        let end = end.ok_or_else(|| unknown_end(&place))?;
        let tables = listing.tables.into_iter().zip(planned).collect();
        Ok((tables, LogPlace { file: end.file, pos: end.pos }))
    })
}

/// Has the server look at the conditions of tables; the first that it refuses, and why.
pub fn try_conditions<'a>(
    server: &ServerOptions,
    source: &Source,
    tables: impl Iterator<Item = &'a PlannedTable>,
) -> Result<Option<String>> {
    let conditions: Vec<_> =
        tables.filter_map(|table| table.condition.as_ref().map(|condition| (table, condition))).collect();
    if conditions.is_empty() {
        return Ok(None);
    }
    let place = server.place();
    source.wait_for(async {
        let attempted = "connect for a snapshot";
        let failed = |source| Error::Source { attempted, place: place.clone(), source };
        let mut conn = connect(server).await.map_err(failed)?;
        for (table, condition) in conditions {
            let name = format!("{}.{}", quote_name(&table.database), quote_name(&table.table));
            let explain = format!("EXPLAIN SELECT 1 FROM {name} WHERE ({condition})");
            match conn.query_drop(explain).await {
                Ok(()) => {}
                Err(source) if server_code(&source).is_some() => {
                    return Ok(Some(format!("{name} does not take the condition {condition:?}: {source}")));
                }
                Err(source) => {
                    let attempted = "look at the condition of a snapshot";
                    return Err(Error::Sql { attempted, place: place.clone(), source });
                }
            }
        }
        Ok(None)
    })
}

/// Lists the tables around one moment (see `plan`). `with_rows`: not only their definitions.
pub fn begin(config: &Config, source: &Source, filter: &Filter, id: u64, with_rows: bool) -> Result<Begun> {
    let options = config.server_options();
    let place = options.place();
    let failed = |attempted| {
        let place = place.clone();
        move |source| Error::Source { attempted, place, source }
    };
    source.wait_for(async {
        let mut conn = connect(&options).await.map_err(failed("connect for the snapshot"))?;
        let mut before = plan::list(&mut conn, filter, &place, |_| true).await?;
        for _ in 0..TRIES {
            let facts = read_facts(&mut conn).await.map_err(failed("read the server's settings"))?;
            let after = plan::list(&mut conn, filter, &place, |_| true).await?;
            if before != after {
                before = after;
                continue;
            }
            let mut tables = plan::estimate(&mut conn, &after, &place).await?;
            if !with_rows {
                tables.clear();
            }
            if !tables.is_empty() && config.writes_watermarks(facts.flavor) {
                watermark::write(&mut conn, &place).await?;
            }
            let plan = Arc::new(SnapshotPlan { id, tables, initial: true });
            return Ok(Begun { facts, plan, listing: after });
        }
        Err(Error::Restart {
            why: "tables are created or altered all the time, so no moment was found to begin a snapshot at"
                .into(),
        })
    })
}
