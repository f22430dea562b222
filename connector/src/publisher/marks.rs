//! What our own sinks write into `strait`: the marks of the transactions that they apply, and the schema changes that
//! they are about to make.

use strait_mysql::binlog::{RowsEvent, TableMap};

use super::Publisher;
use crate::{
    Error, Result,
    current::Current,
    intents::{self, IntentColumns},
    loop_test::{self, LaneColumns},
};

impl Publisher {
    /// Takes over the marks of an event of `strait.lane`; the origin of the first.
    pub(super) fn read_marks(
        &mut self,
        current: &Current,
        map: &TableMap,
        rows: &RowsEvent<'_>,
        pos: u64,
    ) -> Result<Option<String>> {
        let place = || format!("strait.lane, transaction {}, {}:{pos}", current.id, current.head.file);
        let bad = |cause: &dyn std::fmt::Display| {
            Error::refused(
                cause.to_string(),
                place(),
                "two sinks share a name, the database `strait` was restored, or somebody writes strait.lane by hand: give each sink its own \
                 `sink.name`; the rows of this transaction have not been published",
            )
        };
        let columns = LaneColumns::of(map).map_err(|cause| bad(&cause))?;
        let mut origin = None;
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let unreadable = |source| Error::Binlog { place: place(), source };
        let mut images = rows.rows(map).map_err(unreadable)?;
        while images.next(&mut before, &mut after).map_err(unreadable)? {
            if after.is_empty() {
                continue;
            }
            let row = columns.read(&after).map_err(|cause| bad(&cause))?;
            loop_test::accept(&mut self.progress.lanes, &row).map_err(|cause| bad(&cause))?;
            intents::settle(&mut self.progress.intents, &row);
            origin.get_or_insert(row.origin);
        }
        Ok(origin)
    }

    /// Takes note of the schema changes that a sink is about to make.
    pub(super) fn read_intents(
        &mut self,
        current: &Current,
        map: &TableMap,
        rows: &RowsEvent<'_>,
        pos: u64,
    ) -> Result<()> {
        let place = || format!("strait.ddl, transaction {}, {}:{pos}", current.id, current.head.file);
        let bad = |cause: &dyn std::fmt::Display| {
            Error::refused(
                cause.to_string(),
                place(),
                "is the table of another version? Start the sink and the connector of one version; whether a schema change \
                 at this server is the sink's own cannot be told without it",
            )
        };
        let columns = IntentColumns::of(map).map_err(|cause| bad(&cause))?;
        let unreadable = |source| Error::Binlog { place: place(), source };
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut images = rows.rows(map).map_err(unreadable)?;
        while images.next(&mut before, &mut after).map_err(unreadable)? {
            if !after.is_empty() {
                let (sink, intent) = columns.read(&after).map_err(|cause| bad(&cause))?;
                self.progress.intents.insert(sink, intent);
            }
        }
        Ok(())
    }
}
