//! A model of the tables, changed by the decoded rows. Every before image must be a row that the model has.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use strait_mysql::{
    binlog::{Framer, RowsEvent, RowsKind, Step, TableMap, Xid},
    value::ColumnValue,
};

use super::render::{ABSENT, matches, normalize, render};

type Row = Vec<String>;

#[derive(Default)]
pub struct Model {
    tables: BTreeMap<String, Table>,
    /// Changes of the transaction under way.
    staged: Vec<Change>,
    prepared: HashMap<Xid, Vec<Change>>,
    /// Where the last transaction ended, and where the present one began.
    end: u64,
    began: u64,
}

struct Table {
    map: Arc<TableMap>,
    rows: Vec<Row>,
}

struct Change {
    map: Arc<TableMap>,
    before: Option<Row>,
    after: Option<Row>,
}

impl Model {
    pub fn take(&mut self, step: Step, framer: &Framer) {
        match step {
            Step::Begin { head, .. } => {
                self.begin(head.pos);
                assert!(head.thread.is_some());
                assert!(self.staged.is_empty());
            }
            Step::Rows { table, rows, .. } => self.stage(&table, &rows),
            Step::Commit(end) => {
                self.end(end.pos);
                let staged = std::mem::take(&mut self.staged);
                self.apply(staged);
            }
            Step::Rollback(end) => {
                self.end(end.pos);
                let staged = std::mem::take(&mut self.staged);
                self.apply(staged.into_iter().filter(|change| change.map.table == "myisam").collect());
            }
            Step::XaPrepare { xid, one_phase, end } => {
                self.end(end.pos);
                let staged = std::mem::take(&mut self.staged);
                if one_phase {
                    self.apply(staged);
                } else {
                    self.prepared.insert(xid, staged);
                }
            }
            Step::XaCommit { head, xid, end } => {
                self.begin(head.pos);
                self.end(end.pos);
                let prepared = self.prepared.remove(&xid).expect("an xid that was prepared");
                self.apply(prepared);
            }
            Step::XaRollback { head, xid, end } => {
                self.begin(head.pos);
                self.end(end.pos);
                self.prepared.remove(&xid).expect("an xid that was prepared");
            }
            Step::Ddl { head, query, end } => {
                self.begin(head.pos);
                self.end(end.pos);
                self.define(&query.text());
            }
            Step::Rotate { pos, .. } => self.end = pos,
            Step::Statement { event, statement } => panic!("{event}: {statement}"),
            Step::PreviousGtids(_) => self.end = framer.pos(),
            _ => {}
        }
    }

    /// Transactions follow each other without a gap.
    fn begin(&mut self, pos: u64) {
        assert_eq!(pos, self.end);
        self.began = pos;
    }

    fn end(&mut self, pos: u64) {
        assert!(pos > self.began);
        self.end = pos;
    }

    /// The few definitions in the fixtures that change rows.
    fn define(&mut self, statement: &str) {
        if statement.starts_with("ALTER TABLE t ADD COLUMN c INT DEFAULT 5") {
            let table = self.tables.get_mut("framing.t").expect("it has rows");
            table.rows.iter_mut().for_each(|row| row.push("5".into()));
        } else if statement.starts_with("DROP TABLE `copied`") {
            self.tables.remove("anonymous.copied");
        }
    }

    fn stage(&mut self, map: &Arc<TableMap>, rows: &RowsEvent) {
        assert!(map.full_metadata);
        let mut iter = rows.rows(map).expect("the table of the rows");
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut left = rows.images.len();
        while iter.next(&mut before, &mut after).unwrap_or_else(|error| panic!("{error:?}")) {
            assert!(iter.left().len() < left, "each row takes bytes");
            left = iter.left().len();
            assert_eq!(before.is_empty(), rows.kind == RowsKind::Insert);
            assert_eq!(after.is_empty(), rows.kind == RowsKind::Delete);
            let rendered = |values: &[ColumnValue]| {
                let columns = map.columns.iter().zip(values);
                (!values.is_empty()).then(|| columns.map(|(column, value)| render(column, value)).collect())
            };
            self.staged.push(Change { map: map.clone(), before: rendered(&before), after: rendered(&after) });
        }
        assert_eq!(left, 0);
    }

    fn apply(&mut self, changes: Vec<Change>) {
        for Change { map, before, after } in changes {
            let name = format!("{}.{}", map.database, map.table);
            let table = self
                .tables
                .entry(name.clone())
                .or_insert_with(|| Table { map: map.clone(), rows: Vec::new() });
            table.map = map;
            let old = before.map(|before| {
                let at = table.rows.iter().position(|row| agrees(row, &before));
                let at = at.unwrap_or_else(|| panic!("{name} has no row {before:?} among {:?}", table.rows));
                table.rows.swap_remove(at)
            });
            let Some(mut after) = after else { continue };
            if let Some(old) = old {
                for (new, old) in after.iter_mut().zip(old) {
                    if new == ABSENT {
                        *new = old;
                    }
                }
            }
            table.rows.push(after);
        }
    }

    pub fn assert_equals(self, expected: &str) {
        assert!(self.prepared.is_empty());
        let mut expected_rows: BTreeMap<&str, Vec<Vec<&str>>> = BTreeMap::new();
        for line in expected.lines() {
            // A name may hold the separator, a value never does.
            let name = self.tables.keys().find(|name| line.starts_with(&format!("{name}|")));
            let name = name.unwrap_or_else(|| panic!("no rows came for {line}"));
            expected_rows.entry(name).or_default().push(line[name.len() + 1..].split('|').collect());
        }
        for (name, table) in &self.tables {
            let mut rows = table.rows.clone();
            for expected in expected_rows.remove(name.as_str()).unwrap_or_default() {
                let columns = &table.map.columns;
                assert_eq!(expected.len(), columns.len(), "{name}: {expected:?}");
                let normal: Row =
                    columns.iter().zip(expected).map(|(it, shown)| normalize(it, shown)).collect();
                let at = rows
                    .iter()
                    .position(|row| row.iter().zip(&normal).all(|(row, shown)| matches(row, shown)));
                let at =
                    at.unwrap_or_else(|| panic!("{name}: the server has {normal:?}\n\nwe have {rows:?}"));
                rows.swap_remove(at);
            }
            assert!(rows.is_empty(), "{name}: the server does not have {rows:?}");
        }
    }
}

/// Whether a before image, which may lack columns, is this row.
fn agrees(row: &Row, before: &Row) -> bool {
    row.len() == before.len()
        && row.iter().zip(before).all(|(row, before)| before == ABSENT || row == ABSENT || row == before)
}
