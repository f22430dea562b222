//! One chunk, as statements: what the target must lose of its range, then the rows.
//!
//! Rows of the range are deleted only where the target is to be made equal (`snapshot.rows = "replace"`), the chunk says all
//! that its range held (no condition), and the range means the same here as at the source: the key is the target's, too,
//! with the same collations. Otherwise rows that the source does not have stay, and the log says so once a table.

use std::sync::Arc;

use strait_mysql::snapshot::{KeyColumn, KeyValue, key_literal, key_range};
use strait_schemas::{Chunk, KeyPart};

use crate::{
    apply::{Computed, Expect, Form, Statement, Work},
    config::SnapshotRows,
    error::{Place, Result},
    plan::{Action, Operation, Step, StepRow, Token},
    sql::{SqlBatch, condition, condition::can_be_listed},
    table_map::{ColumnClass, Mapping, Target},
};

/// Keys of one look whether all rows are there.
const KEYS_IN_LOOK: usize = 2_000;

/// What is done with a chunk besides writing its rows.
#[derive(Debug)]
pub struct ChunkPlan {
    pub rows: SnapshotRows,
    /// Removes what the chunk's range should not hold.
    pub clear: Option<Vec<u8>>,
    pub table: Arc<str>,
    pub place: Place,
}

impl ChunkPlan {
    pub fn clearing(
        chunk: &Chunk,
        target: &Target,
        rows_sql: &SqlBatch,
        rows: SnapshotRows,
    ) -> Result<Option<Vec<u8>>> {
        if rows == SnapshotRows::Keep || chunk.chosen {
            return Ok(None);
        }
        if chunk.key.is_empty() {
            // With rows, the first of them brought it.
            let empty = rows_sql.batch.changes.is_empty();
            return Ok(empty.then(|| format!("DELETE FROM {}", target.quoted).into_bytes()));
        }
        let Some((columns, by_primary_key)) = same_key(chunk, target) else {
            tracing::warn!(
                table = %target.label,
                "the key is not the target's with the same collations: rows that the source does not have stay"
            );
            return Ok(None);
        };
        let values = |key: &Option<Vec<KeyPart>>| key.as_deref().map(from_wire);
        let (above, through) = (values(&chunk.above), values(&chunk.through));
        let mut statement = format!(
            "DELETE t FROM {} AS t{} WHERE {}",
            target.quoted,
            if by_primary_key { " FORCE INDEX (PRIMARY)" } else { "" },
            key_range(&columns, above.as_deref(), through.as_deref())
        )
        .into_bytes();
        let mut rows = Vec::with_capacity(rows_sql.batch.changes.len());
        for (at, change) in rows_sql.batch.changes.iter().enumerate() {
            let mut key = Vec::new();
            rows_sql.write_keys_row(&change.mapping, at, &mut key)?;
            rows.push(key);
        }
        let window = chunk.window.iter().map(|key| {
            let literal = |(column, value): (&KeyColumn, KeyValue)| key_literal(column, &value);
            columns.iter().zip(from_wire(key)).map(literal).collect::<Vec<String>>()
        });
        let names: Vec<&str> = columns.iter().map(|column| column.quoted.as_str()).collect();
        // Labels of ENUMs and SETs, and their numbers, do not go into one list; the window's keys are all numbers.
        if can_be_listed(&classes(chunk, target)) {
            let kept: Vec<Vec<u8>> =
                window.map(|literals| tuple(&literals).into_bytes()).chain(rows).collect();
            if !kept.is_empty() {
                statement.extend_from_slice(format!(" AND {} NOT IN (", tuple(&names)).as_bytes());
                statement.extend_from_slice(&kept.join(&b","[..]));
                statement.push(b')');
            }
            return Ok(Some(statement));
        }
        let window = window.map(|literals| {
            let equal: Vec<String> =
                names.iter().zip(literals).map(|(name, literal)| format!("{name}={literal}")).collect();
            equal.join(" AND ").into_bytes()
        });
        for key in window.chain(rows) {
            statement.extend_from_slice(b" AND NOT (");
            statement.extend_from_slice(&key);
            statement.push(b')');
        }
        Ok(Some(statement))
    }
}

fn tuple<S: AsRef<str>>(parts: &[S]) -> String {
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    if let [only] = parts[..] { only.to_owned() } else { format!("({})", parts.join(",")) }
}

/// Of the key's columns at the target, which are all there.
fn classes(chunk: &Chunk, target: &Target) -> Vec<ColumnClass> {
    chunk.key.iter().filter_map(|name| target.table.column(name)).map(ColumnClass::of).collect()
}

fn from_wire(key: &[KeyPart]) -> Vec<KeyValue> {
    let value = |part: &KeyPart| match part.clone() {
        KeyPart::Number(number) => KeyValue::Number(number),
        KeyPart::Text(text) => KeyValue::Text(text),
        KeyPart::Characters(bytes) => KeyValue::Characters(bytes),
        KeyPart::Bytes(bytes) => KeyValue::Bytes(bytes),
    };
    key.iter().map(value).collect()
}

/// The key's columns at the target, if it tells rows apart by them, too, compared as at the source; and whether they are its
/// primary key.
fn same_key(chunk: &Chunk, target: &Target) -> Option<(Vec<KeyColumn>, bool)> {
    let table = &target.table;
    let index = table.primary_key.as_ref().or_else(|| table.identity()).filter(|index| index.plain())?;
    if !index.columns().eq(chunk.key.iter().map(String::as_str)) {
        return None;
    }
    let collations = chunk.collations.iter().map(String::as_str).chain(std::iter::repeat(""));
    let columns: Option<Vec<KeyColumn>> = chunk
        .key
        .iter()
        .zip(collations)
        .map(|(name, collation)| {
            let column = target.table.column(name)?;
            let same = column.collation.as_deref().unwrap_or_default() == collation;
            let charset = column.charset.clone().unwrap_or_else(|| "binary".into());
            same.then(|| KeyColumn { quoted: strait_mysql::client::quote_name(name), charset })
        })
        .collect();
    Some((columns?, table.primary_key.is_some()))
}

/// What a chunk touches. Two chunks of a snapshot have no key in common, so they may be applied at once where a range of keys
/// means the same here as at the source, and rows touch nothing but their keys. What the stream changed between their
/// reading lies between them in the log, and meets both. The first and the last one stand alone: another snapshot
/// of the table may have come before, or come after. `alone`: only this table's rows are led into the target.
pub fn tokens(chunk: &Chunk, target: &Target, alone: bool) -> Vec<Token> {
    let table = &target.table;
    let by_key = table.unique.is_empty() && target.cascades_to.is_empty();
    let inner = chunk.above.is_some() && chunk.through.is_some() && !chunk.last;
    if alone && inner && by_key && same_key(chunk, target).is_some() {
        return vec![Token::part(target.row_index)];
    }
    let unique = table.unique.iter().map(|index| crate::table_map::index_id(&table.name, &index.name));
    let mut tokens: Vec<Token> = std::iter::once(target.row_index)
        .chain(unique)
        .chain(target.cascades_to.iter().copied())
        .map(Token::whole)
        .collect();
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

/// The chunk as work for a lane.
#[derive(Debug)]
pub struct ChunkWork {
    pub plan: ChunkPlan,
    pub sql: SqlBatch,
}

impl ChunkWork {
    fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for (at, change) in self.sql.batch.changes.iter().enumerate() {
            let action = match (self.plan.rows, &change.mapping.primary) {
                _ if change.operation == Operation::Clear => Action::Clear,
                (_, None) => Action::Insert,
                (SnapshotRows::Keep, Some(_)) => Action::Keep,
                (SnapshotRows::Replace, Some(_))
                    if change.mapping.unique.is_empty() && !change.leaves_out() =>
                {
                    Action::Upsert
                }
                (SnapshotRows::Replace, Some(_)) => Action::Replace,
            };
            let lenient = change.is_lenient();
            let row = StepRow { before: at, after: at };
            match steps.last_mut() {
                Some(last)
                    if !lenient
                        && !last.alone
                        && last.action == action
                        && Arc::ptr_eq(&last.mapping, &change.mapping) =>
                {
                    last.rows.push(row);
                }
                _ => steps.push(Step {
                    mapping: change.mapping.clone(),
                    action,
                    foreign_key_checks: false,
                    lenient,
                    alone: lenient,
                    rows: vec![row],
                }),
            }
        }
        steps
    }

    fn statement(&self, sql: Vec<u8>, what: &str) -> Statement {
        Statement {
            sql,
            foreign_key_checks: false,
            rows: 0,
            table: self.plan.table.clone(),
            what: format!("{what} {}", self.plan.table).into(),
            place: self.plan.place.clone(),
            is_events: false,
            expect: Expect::Any,
            on_duplicate: None,
            pending: true,
            on_missing: None,
            invalid: None,
            // It may refuse rows that are there.
            computed: Some(Computed::Nothing),
        }
    }

    /// Rows that were kept out by another row with one of their unique values would be missing without a word.
    fn looks(&self, step: &Step) -> Result<Vec<Statement>> {
        let mapping: &Mapping = &step.mapping;
        if step.action != Action::Keep || mapping.unique.is_empty() {
            return Ok(Vec::new());
        }
        let looks = step.rows.chunks(KEYS_IN_LOOK).map(|rows| {
            let mut sql = Vec::new();
            let key = &mapping.columns[condition::key(mapping)[0]].quoted;
            sql.extend_from_slice(
                format!("UPDATE {} SET {key}={key} WHERE ", mapping.target.quoted).as_bytes(),
            );
            condition::keys_head(mapping, &mut sql);
            for (at, row) in rows.iter().enumerate() {
                sql.extend_from_slice(if at == 0 { b"" } else { condition::keys_separator(mapping) });
                self.sql.write_keys_row(mapping, row.after, &mut sql)?;
            }
            sql.push(b')');
            let what = "look at rows of the snapshot in";
            let expect = Expect::Rows(rows.len() as u64);
            Ok(Statement { sql, expect, ..self.statement(Vec::new(), what) })
        });
        looks.collect()
    }
}

impl Work for ChunkWork {
    fn statements(&self, form: Form) -> Result<Vec<Statement>> {
        let steps = self.steps();
        let mut statements = Vec::new();
        if let Some(clear) = &self.plan.clear {
            statements.push(self.statement(clear.clone(), "clearing a range of"));
        }
        statements.extend(self.sql.write(&steps, form)?);
        if form != Form::Original {
            for step in &steps {
                statements.extend(self.looks(step)?);
            }
        }
        Ok(statements)
    }
}

/// Work after which a table is no longer pending.
#[derive(Debug)]
pub struct Finishing {
    pub work: Arc<dyn Work>,
    pub finish: String,
    pub table: Arc<str>,
    pub place: Place,
}

impl Work for Finishing {
    fn statements(&self, form: Form) -> Result<Vec<Statement>> {
        let mut statements = self.work.statements(form)?;
        statements.push(Statement {
            sql: self.finish.clone().into_bytes(),
            foreign_key_checks: false,
            rows: 0,
            table: self.table.clone(),
            what: format!("the end of the snapshot of {}", self.table).into(),
            place: self.place.clone(),
            is_events: false,
            expect: Expect::Any,
            on_duplicate: None,
            pending: true,
            on_missing: None,
            invalid: None,
            computed: None,
        });
        Ok(statements)
    }
}
