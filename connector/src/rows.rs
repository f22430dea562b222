//! A rows event becomes records: what each kind of change is in Debezium's terms, each record with its number.
//!
//! - insert: `c`. update: `u`. delete: `d`, then a tombstone.
//! - update of the key: `d` of the old key (header `__debezium.newkey`), a tombstone, `c` of the new key (header
//!   `__debezium.oldkey`): a key never changes within a record, so compaction and co-partitioning stay right.
//!
//! Every record, a tombstone too, has an index of its own in the transaction.

use strait_mysql::{
    binlog::{RowsEvent, RowsKind, TableMap, TransactionHead},
    value::ColumnValue,
};
use strait_schemas::{
    Change, Exact, ExactForm, Image, Op, Snapshot, Source as SourceBlock, TransactionBlock, Value,
    encode_exact, headers, partition::partition,
};

use crate::{
    Error, Result,
    kafka::{Producer, Record},
    mapping::Unreadable,
    metrics::Metrics,
    numbering::Numbering,
    reader::now_us,
    routing::write_chosen,
    side_topics::TransactionTopic,
    tables::PublishedTable,
};

/// Flags of a rows event that the applier needs (foreign keys).
const KEPT_FLAGS: u16 = (strait_schemas::seq::flags::NO_FOREIGN_KEY_CHECKS
    | strait_schemas::seq::flags::USE_SQL_FOREIGN_KEY) as u16;

/// Buffers that are used again for each event.
#[derive(Debug, Default)]
pub struct Scratch {
    key: Vec<u8>,
    new_key: Vec<u8>,
    /// What chooses the partition, where it is not the key.
    chosen: Vec<u8>,
    new_chosen: Vec<u8>,
    value: Vec<u8>,
}

/// Where the rows of one event go and what they belong to.
pub struct RowsOut<'a> {
    pub producer: &'a mut Producer,
    pub numbering: &'a mut Numbering,
    pub transactions: Option<&'a mut TransactionTopic>,
    pub metrics: &'a Metrics,
    pub scratch: &'a mut Scratch,
    /// The transaction, and how the log names it.
    pub head: &'a TransactionHead,
    pub id: &'a str,
    /// The site where the change was first made.
    pub origin: &'a str,
    /// Where the rows event begins.
    pub pos: u64,
    /// A snapshot is still to begin with the table.
    pub ahead: bool,
}

/// One row's images in both forms.
#[derive(Default)]
struct Images<'v> {
    values: Vec<Value<'v>>,
    exact: Vec<Exact<'v>>,
}

impl RowsOut<'_> {
    /// Publishes all rows of an event.
    pub fn publish(&mut self, table: &PublishedTable, map: &TableMap, event: &RowsEvent<'_>) -> Result<()> {
        let mut rows = event
            .rows_with(map, table.wanted.as_deref())
            .map_err(|source| self.unreadable_event(map, source))?;
        let (mut before_row, mut after_row) = (Vec::new(), Vec::new());
        let (mut before, mut after) = (Images::default(), Images::default());
        let now_us = now_us();
        let mut row = 0;
        while rows
            .next(&mut before_row, &mut after_row)
            .map_err(|source| self.unreadable_event(map, source))?
        {
            if event.kind == RowsKind::Update && !event.is_full() {
                complete(&before_row, &mut after_row);
            }
            let chosen = [&before_row, &after_row].map(|image| self.chooses(table, map, image));
            let [was, is] = chosen;
            let kind = match (event.kind, was?, is?) {
                (_, false, false) => None,
                (RowsKind::Update, true, false) => Some(RowsKind::Delete),
                (RowsKind::Update, false, true) => Some(RowsKind::Insert),
                (kind, ..) => Some(kind),
            };
            if let Some(kind) = kind {
                self.map_image(table, map, &before_row, Image::Before, &mut before)?;
                self.map_image(table, map, &after_row, Image::After, &mut after)?;
                let ahead = if self.ahead { strait_schemas::seq::flags::AHEAD } else { 0 };
                let flags = (event.flags & KEPT_FLAGS) as u8 | ahead;
                let mut one = OneRow { out: self, table, map, flags, row, snapshot: Snapshot::False, now_us };
                match kind {
                    RowsKind::Insert => one.insert(Op::Create, &after)?,
                    RowsKind::Update => one.update(&mut before, &after)?,
                    RowsKind::Delete => one.delete(&before)?,
                }
                self.count(kind);
            }
            row += 1;
        }
        Ok(())
    }

    /// Whether the condition for the table's rows holds for an image; not for one that is not there.
    fn chooses(&self, table: &PublishedTable, map: &TableMap, image: &[ColumnValue<'_>]) -> Result<bool> {
        if image.is_empty() {
            return Ok(false);
        }
        let Some(condition) = &table.condition else { return Ok(true) };
        let holds = condition.holds(image).map_err(|at| {
            self.unreadable_row(map, &Unreadable::Absent { column: map.columns[at].name.clone() })
        })?;
        Ok(holds == Some(true))
    }

    /// Publishes a row that a snapshot read, if it is chosen; whether it is.
    pub fn publish_read(
        &mut self,
        table: &PublishedTable,
        map: &TableMap,
        snapshot: Snapshot,
        row: &[ColumnValue<'_>],
    ) -> Result<bool> {
        if !self.chooses(table, map, row)? {
            return Ok(false);
        }
        let mut image = Images::default();
        self.map_image(table, map, row, Image::After, &mut image)?;
        // A chunk says what is there, effects of foreign keys and all.
        let flags = strait_schemas::seq::flags::NO_FOREIGN_KEY_CHECKS;
        let mut one = OneRow { out: self, table, map, flags, row: 0, snapshot, now_us: now_us() };
        one.insert(Op::Read, &image)?;
        Ok(true)
    }

    fn count(&self, kind: RowsKind) {
        match kind {
            RowsKind::Insert => self.metrics.rows_created.inc(),
            RowsKind::Update => self.metrics.rows_updated.inc(),
            RowsKind::Delete => self.metrics.rows_deleted.inc(),
        }
    }

    fn map_image<'v>(
        &self,
        table: &'v PublishedTable,
        map: &TableMap,
        row: &[ColumnValue<'v>],
        image: Image,
        images: &mut Images<'v>,
    ) -> Result<()> {
        images.values.clear();
        images.exact.clear();
        if row.is_empty() && !map.columns.is_empty() {
            return Ok(());
        }
        table
            .mapper
            .map(row, image, &mut images.values, &mut images.exact)
            .map_err(|cause| self.unreadable_row(map, &cause))
    }

    fn place(&self, map: &TableMap) -> String {
        format!(
            "table {}.{}, transaction {}, {}:{}",
            map.database, map.table, self.id, self.head.file, self.pos
        )
    }

    fn unreadable_event(&self, map: &TableMap, source: strait_mysql::binlog::Error) -> Error {
        Error::Binlog { place: self.place(map), source }
    }

    fn unreadable_row(&self, map: &TableMap, cause: &Unreadable) -> Error {
        let remedy = match cause {
            Unreadable::Absent { .. } => {
                "SET PERSIST binlog_row_image=FULL at the source (and in sessions that changed it); what was written before can be passed \
                 only by a new start: another `prefix` with source.start = \"now\" and equal databases"
            }
            Unreadable::Malformed { .. } | Unreadable::Json { .. } | Unreadable::Width { .. } => {
                "the connector cannot read what the server wrote: report it with the table's definition; leaving the table \
                 out (table.exclude.list) passes it"
            }
        };
        Error::refused(chain(cause), self.place(map), remedy)
    }
}

/// What an update does not name it has not changed.
fn complete<'v>(before: &[ColumnValue<'v>], after: &mut [ColumnValue<'v>]) {
    for (before, after) in before.iter().zip(after) {
        if matches!(after, ColumnValue::Absent) {
            *after = *before;
        }
    }
}

/// Which columns the images do not have, for readers of the envelope. `None`: they have all.
fn absent(exact: &[Exact<'_>]) -> Option<Vec<u8>> {
    let of = |image: Image| -> Vec<&str> {
        let absent = exact.iter().filter(|it| it.image == image && it.form == ExactForm::Absent);
        absent.map(|it| &*it.column).collect()
    };
    let (before, after) = (of(Image::Before), of(Image::After));
    if before.is_empty() && after.is_empty() {
        return None;
    }
    let mut told = serde_json::Map::new();
    for (name, columns) in [("before", before), ("after", after)] {
        if !columns.is_empty() {
            told.insert(name.into(), columns.into());
        }
    }
    serde_json::to_vec(&told).ok()
}

/// A message with those of its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// One row of an event on its way out.
struct OneRow<'o, 'a> {
    out: &'o mut RowsOut<'a>,
    table: &'o PublishedTable,
    map: &'o TableMap,
    flags: u8,
    row: u32,
    snapshot: Snapshot,
    now_us: i64,
}

/// Which of the two key buffers a record uses.
#[derive(Clone, Copy)]
enum Key {
    Old,
    New,
}

impl OneRow<'_, '_> {
    fn insert(&mut self, op: Op, after: &Images<'_>) -> Result<()> {
        self.encode_key(after, Key::New)?;
        self.encode_value(op, None, Some(after))?;
        self.send_value(Key::New, None, &after.exact)
    }

    fn delete(&mut self, before: &Images<'_>) -> Result<()> {
        self.encode_key(before, Key::Old)?;
        self.encode_value(Op::Delete, Some(before), None)?;
        self.send_value(Key::Old, None, &before.exact)?;
        self.send_tombstone(Key::Old)
    }

    fn update<'v>(&mut self, before: &mut Images<'v>, after: &Images<'v>) -> Result<()> {
        self.encode_key(before, Key::Old)?;
        self.encode_key(after, Key::New)?;
        if self.table.has_key && !self.table.flat && self.out.scratch.key != self.out.scratch.new_key {
            self.encode_value(Op::Delete, Some(before), None)?;
            self.send_value(Key::Old, Some(headers::NEW_KEY), &before.exact)?;
            self.send_tombstone(Key::Old)?;
            self.encode_value(Op::Create, None, Some(after))?;
            return self.send_value(Key::New, Some(headers::OLD_KEY), &after.exact);
        }
        self.encode_value(Op::Update, Some(before), Some(after))?;
        before.exact.extend_from_slice(&after.exact);
        self.send_value(Key::New, None, &before.exact)
    }

    fn failed(&self, attempted: &'static str) -> impl FnOnce(strait_schemas::Error) -> Error + use<> {
        let place = self.out.place(self.map);
        move |source| Error::Wire { attempted, place, source }
    }

    fn encode_key(&mut self, image: &Images<'_>, which: Key) -> Result<()> {
        let scratch = &mut *self.out.scratch;
        let (key, chosen) = match which {
            Key::Old => (&mut scratch.key, &mut scratch.chosen),
            Key::New => (&mut scratch.new_key, &mut scratch.new_chosen),
        };
        key.clear();
        if let Some(columns) = &self.table.partition_by {
            chosen.clear();
            columns
                .iter()
                .filter_map(|at| image.values.get(*at))
                .for_each(|value| write_chosen(value, chosen));
        }
        match self.table.encoder.encode_key(&image.values, key) {
            Ok(_has_key) => Ok(()),
            Err(error) => Err(self.failed("encode a key")(error)),
        }
    }

    fn encode_value(
        &mut self,
        op: Op,
        before: Option<&Images<'_>>,
        after: Option<&Images<'_>>,
    ) -> Result<()> {
        let (head, id) = (self.out.head, self.out.id);
        let transaction = match self.out.transactions.as_deref_mut() {
            Some(transactions) => {
                let (total_order, data_collection_order) = transactions.event(
                    id,
                    head.commit_us / 1000,
                    &self.table.collection,
                    self.out.producer,
                )?;
                Some(TransactionBlock { id, total_order, data_collection_order })
            }
            None => None,
        };
        let change = Change {
            before: before.map(|image| &*image.values),
            after: after.map(|image| &*image.values),
            source: SourceBlock {
                ts_us: head.commit_us,
                snapshot: self.snapshot,
                server_id: head.server_id,
                gtid: head.gtid.as_ref().map(|_| id),
                file: &head.file,
                pos: self.out.pos,
                row: self.row,
                thread: head.thread.map(u64::from),
                query: None,
            },
            op,
            transaction,
            ts_us: self.now_us,
        };
        self.out.scratch.value.clear();
        match self.table.encoder.encode_value(&change, &mut self.out.scratch.value) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.failed("encode a row")(error)),
        }
    }

    /// `counterpart`: the header that carries the other key of a key change.
    fn send_value(
        &mut self,
        which: Key,
        counterpart: Option<&'static str>,
        exact: &[Exact<'_>],
    ) -> Result<()> {
        self.send(which, counterpart, exact, true)
    }

    fn send_tombstone(&mut self, which: Key) -> Result<()> {
        if self.table.has_key && !self.table.flat { self.send(which, None, &[], false) } else { Ok(()) }
    }

    fn send(
        &mut self,
        which: Key,
        counterpart: Option<&'static str>,
        exact: &[Exact<'_>],
        with_value: bool,
    ) -> Result<()> {
        let RowsOut { producer, numbering, scratch, head, id, origin, .. } = &mut *self.out;
        let (key, other, chosen) = match which {
            Key::Old => (&scratch.key, &scratch.new_key, &scratch.chosen),
            Key::New => (&scratch.new_key, &scratch.key, &scratch.new_chosen),
        };
        let key = self.table.has_key.then_some(key.as_slice());
        let topic = &self.table.topic;
        let by = if self.table.partition_by.is_some() { Some(chosen.as_slice()) } else { key };
        let partition = by.map_or(0, |by| partition(by, topic.partitions));
        let Some(number) = numbering.record(id, head.commit_us, &topic.name, partition, self.flags) else {
            return Err(Error::refused(
                "the transaction has more than 4,294,967,295 records",
                self.out.place(self.map),
                "such a transaction cannot be published: begin anew after it with another `prefix` and equal databases",
            ));
        };
        let number = number.to_bytes();
        let absent = if exact.is_empty() { None } else { absent(exact) };
        let exact = if exact.is_empty() { Vec::new() } else { encode_exact(exact) };
        let mut all: [(&'static str, &[u8]); 5] =
            [(headers::SEQ, &number), (headers::ORIGIN, origin.as_bytes()), ("", &[]), ("", &[]), ("", &[])];
        let mut count = 2;
        if let Some(name) = counterpart {
            all[count] = (name, other);
            count += 1;
        }
        if !exact.is_empty() {
            all[count] = (headers::EXACT, &exact);
            count += 1;
        }
        if let Some(absent) = &absent {
            all[count] = (headers::ABSENT, absent);
            count += 1;
        }
        let value = with_value.then_some(scratch.value.as_slice());
        producer.send(&Record { topic, partition, key, value, headers: &all[..count] })?;
        Ok(())
    }
}
