//! A batch's folded steps as events, as far as events can say them.

use std::sync::Arc;

use strait_mysql::binlog::{
    RowsKind,
    encode::{Origin, RowsImage, table_map},
};

use super::{TableForm, origin, text};
use crate::{
    apply::{Expect, Form, Statement, Work},
    error::Result,
    plan::{Action, Batch, Operation, Stage, Step, StepRow},
    sql::SqlBatch,
    table_map::{Mapping, Target},
};

/// Rows events are not extended beyond this many bytes: as a text, about a thousand rows of sysbench's.
const EVENT_BYTES: usize = 192 << 10;
/// What a text has besides the rows, at most: the description of a table, and itself.
const ROOM: usize = 64 << 10;

/// A batch that is applied as events where that is possible, and as SQL where it is not.
#[derive(Debug)]
pub struct EventBatch(pub SqlBatch);

/// Fewer rows of a table are written in SQL.
const LEAST_ROWS: usize = 16;

impl Work for EventBatch {
    fn statements(&self, form: Form) -> Result<Vec<Statement>> {
        if form != Form::Events {
            return self.0.statements(form);
        }
        let tables = self.event_tables();
        let mut statements = Vec::new();
        for step in self.0.batch.steps() {
            let meant = tables.iter().any(|table| Arc::ptr_eq(table, &step.mapping.target));
            match if meant { self.events(&step) } else { None } {
                Some(events) => statements.extend(events),
                None => statements.extend(self.0.write(std::slice::from_ref(&step), Form::Folded)?),
            }
        }
        Ok(statements)
    }

    fn event_tables(&self) -> Vec<Arc<Target>> {
        let mut rows: Vec<(&Arc<Mapping>, usize)> = Vec::new();
        for change in &self.0.batch.changes {
            match rows.iter_mut().rev().find(|(mapping, _)| Arc::ptr_eq(mapping, &change.mapping)) {
                Some((_, rows)) => *rows += 1,
                None => rows.push((&change.mapping, 1)),
            }
        }
        let many = rows
            .into_iter()
            .filter(|(mapping, rows)| *rows >= LEAST_ROWS && mapping.events(self.0.dialect).is_some());
        let mut targets: Vec<Arc<Target>> = Vec::new();
        for (mapping, _) in many {
            if !targets.iter().any(|target| Arc::ptr_eq(target, &mapping.target)) {
                targets.push(Arc::clone(&mapping.target));
            }
        }
        targets
    }
}

/// Rows events, each of one kind, in the rows' order, until their text is long enough.
struct Text<'a> {
    form: &'a TableForm,
    origin: Origin,
    open: Option<(RowsKind, RowsImage)>,
    ended: Vec<Vec<u8>>,
    rows: usize,
    first: usize,
}

impl EventBatch {
    fn events(&self, step: &Step) -> Option<Vec<Statement>> {
        let is_one = matches!(step.action, Action::Insert | Action::Update | Action::Upsert | Action::Delete);
        if !is_one || step.foreign_key_checks || step.lenient || step.alone {
            return None;
        }
        let form = step.mapping.events(self.0.dialect)?;
        let batch = &self.0.batch;
        let limit = (self.0.packet_bytes / 4 * 3).saturating_sub(ROOM);
        let most = EVENT_BYTES.min(limit);
        let mut statements = Vec::new();
        let mut text = Text::new(form, step.rows.first()?.after);
        for row in &step.rows {
            if batch.changes[row.after].stage != Stage::Steady {
                return None;
            }
            if text.rows > 0 && text.bytes() > most {
                statements.push(text.statement(step, batch));
                text = Text::new(form, row.after);
            }
            text.push(kind_of(step, row, batch), row, batch)?;
            // As SQL the row may fit.
            if text.bytes() > limit {
                return None;
            }
        }
        statements.push(text.statement(step, batch));
        Some(statements)
    }
}

fn kind_of(step: &Step, row: &StepRow, batch: &Batch) -> RowsKind {
    match step.action {
        Action::Delete => RowsKind::Delete,
        Action::Insert => RowsKind::Insert,
        Action::Upsert if batch.changes[row.before].operation == Operation::Insert => RowsKind::Insert,
        _ => RowsKind::Update,
    }
}

impl<'a> Text<'a> {
    fn new(form: &'a TableForm, first: usize) -> Self {
        Self { form, origin: origin(), open: None, ended: Vec::new(), rows: 0, first }
    }

    fn bytes(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |(_, image)| image.bytes());
        open + self.ended.iter().map(Vec::len).sum::<usize>()
    }

    fn push(&mut self, kind: RowsKind, row: &StepRow, batch: &Batch) -> Option<()> {
        let open = match self.open.take() {
            Some((of, image)) if of == kind => image,
            other => {
                self.ended.extend(other.map(|(_, image)| image.end(false)));
                RowsImage::begin(kind, self.form.width(), self.origin)
            }
        };
        let (_, image) = self.open.insert((kind, open));
        if kind != RowsKind::Insert {
            self.form.write(batch.changes[row.before].old()?, image)?;
        }
        if kind != RowsKind::Delete {
            self.form.write(batch.changes[row.after].after.as_ref()?, image)?;
        }
        self.rows += 1;
        Some(())
    }

    fn statement(self, step: &Step, batch: &Batch) -> Statement {
        let map = table_map(&self.form.description, self.origin);
        let last = self.open.map(|(_, image)| image.end(true));
        let events: Vec<&[u8]> =
            std::iter::once(&map).chain(&self.ended).chain(&last).map(Vec::as_slice).collect();
        Statement {
            sql: text(&events).into_bytes(),
            foreign_key_checks: false,
            rows: self.rows,
            table: Arc::clone(&step.mapping.target.label),
            what: format!("rows of {}", step.mapping.target.label).into(),
            place: batch.place(self.first),
            // The server looks at each row itself.
            expect: Expect::Any,
            is_events: true,
            on_duplicate: None,
            pending: false,
            on_missing: None,
            invalid: None,
            computed: None,
        }
    }
}
