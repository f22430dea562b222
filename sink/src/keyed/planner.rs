//! Records of one partition as changes of the target's rows.
//!
//! Each record is the whole of its row, or its end: what is there is overwritten or removed, whatever it was. So records of one
//! key may be merged to the last of them, and a snapshot's rows (`r`) are rows like any other.

use std::{collections::HashMap, sync::Arc};

use strait_mysql::{catalog::TableName, client::Conn, server::Flavor};
use strait_schemas::{Envelope, ExactForm, Op, RecordSeq, Seq, decode_exact, seq::flags};
use strait_service::registry::Registry;

use super::{LaneRow, Mark, Part, checkpoint::Rows, fit, key::Form, mark::Verdict};
use crate::{
    config::{Apply, Unordered},
    decode::{Columns, Decoder},
    error::{Error, Place, Result},
    kafka::KeyedRecord,
    merge::PartitionId,
    metrics::now_us,
    plan::{Batch, Change, Operation, Places, RecordAt, Stage},
    planner::{Images, KnownTables},
    sql::{Dialect, SqlBatch},
    table_map::Mapping,
};

#[derive(Debug)]
pub struct Planner {
    tables: KnownTables,
    decoder: Decoder,
    registry: Option<Arc<Registry>>,
    allow: Vec<Unordered>,
    fold: bool,
    /// Where forms of keys are known. `None`: nothing is to be noted, as in a check.
    rows: Option<Arc<Rows>>,
    /// By topic, what was last found to be in order: the table, and the key of its records.
    fitting: HashMap<Arc<str>, (Arc<Mapping>, Option<Form>)>,
}

/// What a batch of records amounts to.
#[derive(Debug)]
pub struct Planned {
    pub work: SqlBatch,
    /// After them.
    pub mark: Mark,
    pub records: u64,
    pub repeated: u64,
    /// When the changes were committed at the source, microseconds since 1970.
    pub commits_us: Vec<i64>,
}

impl Planner {
    pub fn new(
        tables: KnownTables,
        registry: Option<Arc<Registry>>,
        apply: &Apply,
        allow: Vec<Unordered>,
        rows: Option<Arc<Rows>>,
    ) -> Self {
        let decoder = Decoder::new(registry.clone());
        Self { tables, decoder, registry, allow, fold: apply.fold, rows, fitting: HashMap::new() }
    }

    /// # Errors
    /// What cannot be applied exactly as it is, or not by key.
    pub async fn plan(
        &mut self,
        conn: &mut Conn,
        part: &Part,
        row: LaneRow,
        records: &[KeyedRecord],
    ) -> Result<Planned> {
        if row.next_offset >= 0 {
            self.tables.begun(&part.topic);
        }
        let facts = self.tables.facts();
        let dialect = match facts.flavor {
            Flavor::Mysql => Dialect::Mysql,
            Flavor::MariaDb => Dialect::MariaDb,
        };
        let packet_bytes = usize::try_from(facts.max_allowed_packet).unwrap_or(usize::MAX);
        let topics = vec![(PartitionId(0), part.topic.clone(), part.number)];
        let places = Places { topics, transactions: Vec::new() };
        let batch = Batch { changes: Vec::new(), places, fold: self.fold };
        let mut planned = Planned {
            work: SqlBatch { batch, dialect, packet_bytes },
            mark: row.mark,
            records: 0,
            repeated: 0,
            commits_us: Vec::new(),
        };
        for record in records {
            self.record(conn, part, record, &mut planned).await?;
        }
        Ok(planned)
    }

    async fn record(
        &mut self,
        conn: &mut Conn,
        part: &Part,
        record: &KeyedRecord,
        planned: &mut Planned,
    ) -> Result<()> {
        if let Some(number) = record.place {
            let applied = planned.mark.attempt;
            match planned.mark.judge(number) {
                Verdict::Next => {}
                Verdict::Repeated => {
                    planned.repeated += 1;
                    return Ok(());
                }
                Verdict::Stale => {
                    let place = place(part, record, Arc::from("?"));
                    return Err(Error::StaleAttempt { attempt: number.attempt, applied, place });
                }
            }
        }
        planned.records += 1;
        // A tombstone says no more than the delete before it.
        let Some(value) = &record.value else { return Ok(()) };
        let unknown = || place(part, record, Arc::from("?"));
        let (columns, envelope) = self.decoder.decode(value, &unknown)?;
        let gtid: Arc<str> = envelope.source.gtid.as_deref().unwrap_or("?").into();
        let place = || place(part, record, gtid.clone());
        let operation = match envelope.op {
            Op::Create | Op::Read => Operation::Insert,
            Op::Update => Operation::Update,
            Op::Delete => Operation::Delete,
            Op::Truncate => {
                let (database, table) = (&envelope.source.database, &envelope.source.table);
                let table = self.tables.routes().table(database, table)?.to_string();
                return Err(Error::TruncateByKey { table, place: place() });
            }
        };
        let mapping = self.mapping(conn, &columns, &envelope, record, &place).await?;
        let exact = match &record.exact {
            Some(header) => {
                decode_exact(header).map_err(|source| Error::Decode { place: place(), source })?
            }
            None => Vec::new(),
        };
        let commit_us = envelope.source.ts_us;
        let images = Images { mapping: &mapping, columns: &columns, owner: value, exact: &exact };
        let (before, after) = images.rows(envelope.before, envelope.after).map_err(|(column, cause)| {
            Error::Value { table: mapping.target.label.to_string(), column, cause, place: place() }
        })?;
        let has_image = if operation == Operation::Delete { before.is_some() } else { after.is_some() };
        if !has_image {
            return Err(Error::NoImage { place: place() });
        }
        let number =
            record.place.unwrap_or(RecordSeq { seq: Seq::default(), index: 0, attempt: 0, flags: 0 });
        let transactions = &mut planned.work.batch.places.transactions;
        if transactions.last() != Some(&(number.seq, gtid.clone())) {
            transactions.push((number.seq, gtid.clone()));
        }
        let partial_log = exact.iter().any(|it| it.form == ExactForm::Absent);
        let mut change = Change {
            mapping,
            operation,
            before,
            after,
            flags: number.flags,
            // A row may be missing, or there, whatever the record says, unless it does not tell it whole.
            stage: if partial_log { Stage::Steady } else { Stage::Keep },
            partial_log,
            at: RecordAt {
                partition: PartitionId(0),
                offset: record.offset,
                index: number.index,
                transaction: transactions.len() as u32 - 1,
            },
        };
        // Parents and children come in any order. Only what the source's keys did without a word in its log must happen here, too.
        if change.mapping.target.has_foreign_keys && !change.cascades() {
            change.flags |= flags::NO_FOREIGN_KEY_CHECKS;
        }
        planned.commits_us.push(if commit_us > 0 { commit_us } else { now_us() });
        planned.work.batch.changes.push(change);
        Ok(())
    }

    /// The record's table, once it is known that it may be applied to by key, and that the record is keyed by its rows.
    async fn mapping(
        &mut self,
        conn: &mut Conn,
        columns: &Columns,
        envelope: &Envelope<'_>,
        record: &KeyedRecord,
        place: &(dyn Fn() -> Place + Sync),
    ) -> Result<Arc<Mapping>> {
        let (database, table) = (&*envelope.source.database, &*envelope.source.table);
        let mapping = self.tables.mapping(conn, columns, database, table, place).await?;
        let topic = place().topic;
        let form = Form::of(record.key.as_ref(), place)?;
        let known = self.fitting.get(&topic);
        if known.is_some_and(|(table, key)| Arc::ptr_eq(table, &mapping) && *key == form) {
            return Ok(mapping);
        }
        let mut findings = fit::refusals(&mapping, &self.allow);
        if findings.is_empty() {
            let source = TableName::new(database, table);
            let told = match (form.clone(), &record.key) {
                (Some(form), Some(key)) => Some(form.columns(key, self.registry.as_ref(), place)?),
                _ => None,
            };
            let led = |names: Vec<String>| {
                names
                    .iter()
                    .map(|name| self.tables.routes().column(&source, name))
                    .collect::<Result<Vec<_>>>()
            };
            findings.extend(fit::refused_key(&mapping.target, told.map(led).transpose()?.as_deref()));
        }
        if !findings.is_empty() {
            let table = mapping.target.label.to_string();
            return Err(Error::TableRefused { table, findings, place: place() });
        }
        if let (Some(rows), Some(form)) = (&self.rows, &form) {
            rows.ensure_form(conn, &form.name(), place).await?;
        }
        self.fitting.insert(topic, (mapping.clone(), form));
        Ok(mapping)
    }
}

fn place(part: &Part, record: &KeyedRecord, gtid: Arc<str>) -> Place {
    let number = record.place;
    Place {
        topic: part.topic.clone(),
        partition: part.number,
        offset: record.offset,
        seq: number.map_or(Seq::default(), |number| number.seq),
        index: number.map_or(0, |number| number.index),
        gtid,
    }
}
