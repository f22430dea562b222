//! The statements of a batch.
//!
//! Many rows share a statement as long as it stays below about 1 MB, where the server's gain from more rows is
//! gone. Real UPDATEs are one a row; many of them share a text, whose matched rows are summed: by primary key
//! each matches one row or none, so the sum tells whether any row was missing.

use std::{io::Write as _, sync::Arc};

use strait_mysql::catalog::Column;

use super::condition;
use crate::{
    apply::{Computed, Expect, Form, OnDuplicate, OnMissing, Statement, Work},
    datum::{Datum, Row},
    error::{Error, Result},
    plan::{Action, Batch, Change, Stage, Step, StepRow},
    table_map::{ColumnClass, Mapping},
};

/// A text is not extended beyond this many bytes: about a thousand rows. More gain nothing, and each lane holds some copies of one.
const TEXT_BYTES: usize = 256 << 10;
/// Longer lists are given up by the server's range optimizer sooner than they gain anything.
const KEYS_IN_LIST: usize = 2_000;
/// What a packet needs besides the text.
const PACKET_OVERHEAD: usize = 64;

/// Where SQL differs between servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Mysql,
    MariaDb,
}

/// A batch that is applied as SQL.
#[derive(Debug)]
pub struct SqlBatch {
    pub batch: Batch,
    pub dialect: Dialect,
    /// The target's max_allowed_packet.
    pub packet_bytes: usize,
}

type Refusal = (String, String);

impl Work for SqlBatch {
    fn statements(&self, form: Form) -> Result<Vec<Statement>> {
        let steps = match form {
            Form::Folded | Form::Events => self.batch.steps(),
            Form::Original => self.batch.original_steps(),
        };
        self.write(&steps, form)
    }
}

impl SqlBatch {
    /// A change's row, as one of many by their keys.
    pub fn write_keys_row(&self, mapping: &Mapping, change: usize, sql: &mut Vec<u8>) -> Result<()> {
        let place = self.batch.place(change);
        let Some(row) = &self.batch.changes[change].after else { return Err(Error::NoImage { place }) };
        let table = || mapping.target.label.to_string();
        condition::keys_row(mapping, row, sql).map_err(|(column, cause)| Error::Value {
            table: table(),
            column,
            cause,
            place,
        })
    }

    /// The statements of steps that were planned elsewhere.
    pub fn write(&self, steps: &[Step], form: Form) -> Result<Vec<Statement>> {
        let mut statements = Vec::with_capacity(steps.len());
        for step in steps {
            Writer { batch: self, step, form, statements: &mut statements }.write()?;
        }
        Ok(statements)
    }
}

struct Writer<'a> {
    batch: &'a SqlBatch,
    step: &'a Step,
    form: Form,
    statements: &'a mut Vec<Statement>,
}

/// A text that grows row by row.
#[derive(Default)]
struct Text {
    sql: Vec<u8>,
    rows: usize,
    /// The first row's change.
    first: usize,
}

impl Writer<'_> {
    fn write(&mut self) -> Result<()> {
        let bytes = match self.form {
            Form::Folded | Form::Events => {
                TEXT_BYTES.min(self.batch.packet_bytes.saturating_sub(PACKET_OVERHEAD))
            }
            // Each row by itself: an error is that row's.
            Form::Original => 0,
        };
        let mut text = Text::default();
        let mut row_text = Vec::new();
        let tail = self.tail();
        for row in &self.step.rows {
            if self.step.lenient {
                self.ensure_nothing_fits(*row)?;
            }
            row_text.clear();
            self.row(*row, &mut row_text)?;
            let full = text.rows > 0
                && (self.is_scan()
                    || text.sql.len() + row_text.len() + tail.len() > bytes
                    || (self.step.action == Action::Delete && text.rows == KEYS_IN_LIST));
            if full {
                self.finish(std::mem::take(&mut text), &tail)?;
            }
            if text.rows == 0 {
                text.first = row.after;
                self.head(&mut text.sql);
            } else {
                text.sql.extend_from_slice(match self.step.action {
                    Action::Delete => condition::keys_separator(self.mapping()),
                    _ if self.is_listed() => b",",
                    _ => b";",
                });
            }
            text.sql.append(&mut row_text);
            text.rows += 1;
        }
        if text.rows > 0 {
            self.finish(text, &tail)?;
        }
        Ok(())
    }

    /// Whether each row is found by looking at the whole table: then it has a text, and the time, of its own.
    fn is_scan(&self) -> bool {
        matches!(self.step.action, Action::UpdateEqual | Action::DeleteEqual)
    }

    /// Whether rows are listed in one statement; otherwise each row is a statement of its own.
    fn is_listed(&self) -> bool {
        matches!(
            self.step.action,
            Action::Insert | Action::Upsert | Action::Delete | Action::Keep | Action::Replace
        )
    }

    fn mapping(&self) -> &Mapping {
        &self.step.mapping
    }

    /// What comes before the first row.
    fn head(&self, sql: &mut Vec<u8>) {
        match self.step.action {
            Action::Insert | Action::Upsert | Action::Keep => self.insert_head(sql),
            Action::Replace => self.replace_head(sql),
            Action::Delete => {
                // Through the primary key whatever the statistics say: a scan would wait for every row that
                // another lane holds. Another key may be invisible, and then must not be named.
                let table = &self.mapping().target.quoted;
                let by = if self.mapping().by_primary_key { " FORCE INDEX (PRIMARY)" } else { "" };
                write!(sql, "DELETE t FROM {table} AS t{by} WHERE ").expect(INFALLIBLE);
                condition::keys_head(self.mapping(), sql);
            }
            Action::Update | Action::Move | Action::UpdateEqual | Action::DeleteEqual | Action::Clear => {}
        }
    }

    fn insert_head(&self, sql: &mut Vec<u8>) {
        self.write_head("INSERT ", sql);
    }

    fn replace_head(&self, sql: &mut Vec<u8>) {
        self.write_head("REPLACE ", sql);
    }

    fn write_head(&self, verb: &str, sql: &mut Vec<u8>) {
        let lenient = if self.step.lenient { self.lenient() } else { "" };
        let mariadb = self.batch.dialect == Dialect::MariaDb;
        if mariadb {
            sql.extend_from_slice(lenient.as_bytes());
        }
        sql.extend_from_slice(verb.as_bytes());
        if !mariadb {
            sql.extend_from_slice(lenient.as_bytes());
        }
        write!(sql, "INTO {} (", self.mapping().target.quoted).expect(INFALLIBLE);
        for (at, place) in self.told(self.first_after()).enumerate() {
            if at > 0 {
                sql.push(b',');
            }
            sql.extend_from_slice(self.mapping().columns[place].quoted.as_bytes());
        }
        sql.extend_from_slice(b") VALUES ");
    }

    /// Places of the columns that an image tells, and gives a value. A step whose rows do not tell all of them is of one row.
    fn told(&self, row: Option<&Row>) -> impl Iterator<Item = usize> {
        let row = if self.step.alone { row } else { None };
        let places = 0..self.mapping().columns.len();
        let is_told = |datum: &Datum| !matches!(datum, Datum::Absent | Datum::Nothing);
        places.filter(move |place| row.is_none_or(|row| is_told(&row[*place])))
    }

    fn values(&self, row: &Row, sql: &mut Vec<u8>) -> Result<(), Refusal> {
        sql.push(b'(');
        for (at, place) in self.told(Some(row)).enumerate() {
            if at > 0 {
                sql.push(b',');
            }
            condition::value(&self.mapping().columns[place], &row[place], sql)?;
        }
        sql.push(b')');
        Ok(())
    }

    fn first_after(&self) -> Option<&Row> {
        self.step.rows.first().and_then(|row| self.change(row.after).after.as_ref())
    }

    /// Lets an ENUM's invalid value pass, for one statement.
    fn lenient(&self) -> &'static str {
        match self.batch.dialect {
            Dialect::Mysql => {
                "/*+ SET_VAR(sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_BACKSLASH_ESCAPES') */ "
            }
            Dialect::MariaDb => {
                "SET STATEMENT sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_BACKSLASH_ESCAPES' FOR "
            }
        }
    }

    /// What comes after the last row.
    fn tail(&self) -> Vec<u8> {
        let mut sql = Vec::new();
        match self.step.action {
            Action::Upsert => {
                let mysql = self.batch.dialect == Dialect::Mysql;
                sql.extend_from_slice(if mysql {
                    b" AS strait_row ON DUPLICATE KEY UPDATE "
                } else {
                    b" ON DUPLICATE KEY UPDATE "
                });
                // The key's columns too: a collation-equal key keeps its old bytes otherwise.
                for (at, column) in self.mapping().columns.iter().enumerate() {
                    if at > 0 {
                        sql.push(b',');
                    }
                    let name = &column.quoted;
                    let new = if mysql { format!("strait_row.{name}") } else { format!("VALUES({name})") };
                    // From one ENUM or SET to another the server goes by the labels, and loses the empty one of a SET.
                    let labelled = matches!(column.class, ColumnClass::Enum | ColumnClass::Set);
                    match (labelled, mysql) {
                        (false, _) => write!(sql, "{name}={new}"),
                        (true, true) => write!(sql, "{name}=CAST({new} AS UNSIGNED)"),
                        // The same here would warn of the highest bit.
                        (true, false) => write!(sql, "{name}={new}|0"),
                    }
                    .expect(INFALLIBLE);
                }
            }
            Action::Delete => sql.push(b')'),
            // What else may stand in the way than the row itself, the caller looks at; or an error tells, row by row.
            Action::Keep
                if self.form != Form::Original || self.mapping().unique.is_empty() && !self.computes() =>
            {
                let table = &self.mapping().target.quoted;
                let key = &self.mapping().columns[condition::key(self.mapping())[0]].quoted;
                write!(sql, " ON DUPLICATE KEY UPDATE {key}={table}.{key}").expect(INFALLIBLE);
            }
            Action::Keep | Action::Replace => {}
            Action::Insert
            | Action::Update
            | Action::Move
            | Action::UpdateEqual
            | Action::DeleteEqual
            | Action::Clear => {}
        }
        sql
    }

    fn row(&self, row: StepRow, sql: &mut Vec<u8>) -> Result<()> {
        let written = match self.step.action {
            Action::Insert | Action::Upsert | Action::Keep | Action::Replace => {
                self.values(self.after(row)?, sql)
            }
            Action::Delete => condition::keys_row(self.mapping(), self.before(row)?, sql),
            Action::Update | Action::Move => {
                self.update(self.before(row)?, self.after(row)?, self.kept(row), sql)
            }
            Action::UpdateEqual => {
                self.update_equal(self.before(row)?, self.after(row)?, self.kept(row), sql)
            }
            Action::DeleteEqual => self.delete_equal(self.before(row)?, sql),
            Action::Clear => {
                write!(sql, "DELETE FROM {}", self.mapping().target.quoted).expect(INFALLIBLE);
                Ok(())
            }
        };
        written.map_err(|(column, cause)| Error::Value {
            table: self.mapping().target.label.to_string(),
            column,
            cause,
            place: self.batch.batch.place(row.after),
        })
    }

    fn change(&self, at: usize) -> &Change {
        &self.batch.batch.changes[at]
    }

    fn before(&self, row: StepRow) -> Result<&Row> {
        self.change(row.before).old().ok_or_else(|| self.no_image(row))
    }

    fn after(&self, row: StepRow) -> Result<&Row> {
        self.change(row.after).after.as_ref().ok_or_else(|| self.no_image(row))
    }

    fn no_image(&self, row: StepRow) -> Error {
        Error::NoImage { place: self.batch.batch.place(row.after) }
    }

    /// The image whose raw bytes the statement leaves alone.
    fn kept(&self, row: StepRow) -> Option<&Row> {
        let change = self.change(row.after);
        change.before.as_ref().filter(|_| change.keeps_raw())
    }

    fn update(
        &self,
        before: &Row,
        after: &Row,
        kept: Option<&Row>,
        sql: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        self.set(after, kept, sql)?;
        condition::by_key(self.mapping(), before, sql)
    }

    fn update_equal(
        &self,
        before: &Row,
        after: &Row,
        kept: Option<&Row>,
        sql: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        self.set(after, kept, sql)?;
        condition::by_image(self.mapping(), before, self.batch.dialect, sql)?;
        sql.extend_from_slice(b" LIMIT 1");
        Ok(())
    }

    fn delete_equal(&self, before: &Row, sql: &mut Vec<u8>) -> Result<(), Refusal> {
        write!(sql, "DELETE FROM {} WHERE ", self.mapping().target.quoted).expect(INFALLIBLE);
        condition::by_image(self.mapping(), before, self.batch.dialect, sql)?;
        sql.extend_from_slice(b" LIMIT 1");
        Ok(())
    }

    /// `UPDATE t SET a=1,b='x' WHERE `.
    fn set(&self, after: &Row, kept: Option<&Row>, sql: &mut Vec<u8>) -> Result<(), Refusal> {
        let lenient = if self.step.lenient { self.lenient() } else { "" };
        let table = &self.mapping().target.quoted;
        match self.batch.dialect {
            Dialect::Mysql => write!(sql, "UPDATE {lenient}{table} SET "),
            Dialect::MariaDb => write!(sql, "{lenient}UPDATE {table} SET "),
        }
        .expect(INFALLIBLE);
        let is_kept = |place: usize| {
            kept.is_some_and(|kept| matches!(after[place], Datum::Raw(_)) && kept[place] == after[place])
        };
        let mut written = 0;
        for place in self.told(Some(after)).filter(|place| !is_kept(*place)) {
            let column = &self.mapping().columns[place];
            if written > 0 {
                sql.push(b',');
            }
            sql.extend_from_slice(column.quoted.as_bytes());
            sql.push(b'=');
            condition::value(column, &after[place], sql)?;
            written += 1;
        }
        if written == 0 {
            // The row must be there, and nothing of it changes.
            let column = &self.mapping().columns[0].quoted;
            write!(sql, "{column}={column}").expect(INFALLIBLE);
        }
        sql.extend_from_slice(b" WHERE ");
        Ok(())
    }

    fn finish(&mut self, text: Text, tail: &[u8]) -> Result<()> {
        let Text { mut sql, rows, first } = text;
        sql.extend_from_slice(tail);
        let place = self.batch.batch.place(first);
        let limit = self.batch.packet_bytes;
        if sql.len() + PACKET_OVERHEAD > limit {
            let (table, bytes) = (self.mapping().target.label.to_string(), sql.len());
            return Err(Error::RowTooLarge { table, bytes, limit, place });
        }
        let original = self.form == Form::Original;
        let row = StepRow { before: first, after: first };
        let stage = self.change(first).stage;
        // Also a row that is made sure of may be there.
        let pending = stage != Stage::Steady || self.step.action == Action::Keep;
        let (on_duplicate, on_missing, computed) = match original {
            true => (self.on_duplicate(row)?, self.on_missing(row)?, Some(self.computed(row)?)),
            false => (None, None, None),
        };
        self.statements.push(Statement {
            sql,
            foreign_key_checks: self.step.foreign_key_checks,
            rows,
            table: self.mapping().target.label.clone(),
            what: self.what(),
            place,
            is_events: false,
            expect: match self.step.action {
                // A snapshot has not brought it yet.
                Action::Delete if pending => Expect::Any,
                _ if stage == Stage::Ahead || pending && self.change(first).is_partial() => Expect::Any,
                Action::Update
                | Action::Move
                | Action::Delete
                | Action::UpdateEqual
                | Action::DeleteEqual => Expect::Rows(rows as u64),
                Action::Insert | Action::Upsert | Action::Clear | Action::Keep | Action::Replace => {
                    Expect::Any
                }
            },
            on_duplicate,
            pending,
            on_missing,
            invalid: if self.step.lenient { Some(self.invalid(row)?) } else { None },
            computed,
        });
        Ok(())
    }

    /// An insert that finds its own primary key makes the row there the new image.
    fn on_duplicate(&self, row: StepRow) -> Result<Option<OnDuplicate>> {
        let mapping = self.mapping();
        let mut sql = Vec::new();
        let keeps = self.step.action == Action::Keep;
        let written = match (self.step.action, &mapping.primary) {
            (Action::Insert, Some(_)) => {
                let after = self.after(row)?;
                self.update(after, after, None, &mut sql)
            }
            // The row that is there stays as it is.
            (Action::Keep, Some(key)) => {
                let (table, key) = (&mapping.target.quoted, &mapping.columns[key[0]].quoted);
                write!(sql, "UPDATE {table} SET {key}={key} WHERE ").expect(INFALLIBLE);
                condition::by_key(mapping, self.after(row)?, &mut sql)
            }
            _ => return Ok(None),
        };
        written.map_err(|(column, cause)| self.refused(row, column, cause))?;
        Ok(Some(if keeps { OnDuplicate::Keep(sql) } else { OnDuplicate::Write(sql) }))
    }

    /// An update that finds no row with its primary key writes the row anew; a delete has nothing to do then.
    fn on_missing(&self, row: StepRow) -> Result<Option<OnMissing>> {
        if self.step.action == Action::Delete {
            return Ok(Some(OnMissing::Gone));
        }
        // A row that is not told whole cannot be written anew.
        if !matches!(self.step.action, Action::Update | Action::Move) || self.change(row.after).is_partial() {
            return Ok(None);
        }
        let mut sql = Vec::new();
        self.insert_head(&mut sql);
        self.values(self.after(row)?, &mut sql)
            .map_err(|(column, cause)| self.refused(row, column, cause))?;
        Ok(Some(OnMissing::Write(sql)))
    }

    /// Whether the target has generated columns.
    fn computes(&self) -> bool {
        self.mapping().target.table.columns.iter().any(|column| column.generated.is_some())
    }

    /// Finds the row as it is to be. Not only a table with generated columns computes: so does an index on an expression.
    fn computed(&self, row: StepRow) -> Result<Computed> {
        let mapping = self.mapping();
        let Some(after) = &self.change(row.after).after else { return Ok(Computed::Nothing) };
        let mut sql = format!("SELECT 1 FROM {} WHERE ", mapping.target.quoted).into_bytes();
        let mut conditions = || {
            if self.change(row.after).is_keyed() {
                condition::by_key(mapping, after, &mut sql)?;
                sql.extend_from_slice(b" AND ");
            }
            condition::by_image(mapping, after, self.batch.dialect, &mut sql)
        };
        conditions().map_err(|(column, cause)| self.refused(row, column, cause))?;
        sql.extend_from_slice(b" LIMIT 1");
        Ok(Computed::Row(sql))
    }

    /// The columns that the row has an ENUM's invalid value in, or none. A lenient step is of one row.
    fn invalid(&self, row: StepRow) -> Result<Vec<Arc<str>>> {
        let after = self.after(row)?;
        let columns = self.mapping().columns.iter().zip(after.iter());
        Ok(columns
            .filter(|(_, value)| matches!(value, Datum::Index(0) | Datum::Nothing))
            .map(|(column, _)| column.name.clone())
            .collect())
    }

    /// Where a column gets no value by not being named, it must not have one already; and MySQL has no GEOMETRY without.
    fn ensure_nothing_fits(&self, row: StepRow) -> Result<()> {
        let change = self.change(row.after);
        let (Some(after), before) = (&change.after, &change.before) else { return Ok(()) };
        let nothing = |row: &Row, at: usize| row[at] == Datum::Nothing;
        let is_filled = |column: &Column| column.nullable || column.default.is_some();
        for (at, column) in self.mapping().columns.iter().enumerate().filter(|(at, _)| nothing(after, *at)) {
            let cause = if self.batch.dialect == Dialect::Mysql && column.class == ColumnClass::Geometry {
                "it has no bytes, as MariaDB leaves a GEOMETRY NOT NULL that is added to rows, and MySQL holds no such value: let the \
                 column be NULL at the source, or give the rows a value before it is published"
            } else if before.is_none()
                && self.mapping().target.table.column(&column.name).is_some_and(is_filled)
            {
                "it has no bytes, as MariaDB leaves a GEOMETRY NOT NULL that is added to rows, and a column that is left out gets \
                 NULL or its default here: give the rows a value at the source before it is published"
            } else if before.as_ref().is_some_and(|before| !nothing(before, at)) {
                "an update has left it without bytes, which no statement can do here: let the column be NULL at the source"
            } else {
                continue;
            };
            return Err(self.refused(row, column.name.to_string(), cause.into()));
        }
        Ok(())
    }

    fn refused(&self, row: StepRow, column: String, cause: String) -> Error {
        let table = self.mapping().target.label.to_string();
        Error::Value { table, column, cause, place: self.batch.batch.place(row.after) }
    }

    fn what(&self) -> Arc<str> {
        let verb = match self.step.action {
            Action::Insert => "insert into",
            Action::Upsert => "upsert into",
            Action::Keep | Action::Replace => "snapshot of",
            Action::Update | Action::UpdateEqual => "update of",
            Action::Move => "key change in",
            Action::Delete | Action::DeleteEqual => "delete from",
            Action::Clear => "truncate of",
        };
        format!("{verb} {}", self.mapping().target.label).into()
    }
}

const INFALLIBLE: &str = "writing to a Vec cannot fail";

/// `(1,'x')`.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{
        Operation, Places,
        tests::{change, mapping},
    };

    type Person = (String, Option<String>, i64);

    fn batch(unique: bool, operation: Operation, people: &[Person], packet_bytes: usize) -> SqlBatch {
        let mapping = mapping(unique);
        let changes = people
            .iter()
            .map(|person| {
                let before = (operation != Operation::Insert).then_some(person);
                let after = (operation != Operation::Delete).then_some(person);
                change(&mapping, operation, before, after)
            })
            .collect();
        let batch = Batch { changes, places: Places::default(), fold: true };
        SqlBatch { batch, dialect: Dialect::Mysql, packet_bytes }
    }

    fn people(count: i64) -> Vec<Person> {
        (0..count).map(|n| (format!("p{n}"), None, n)).collect()
    }

    fn texts(batch: &SqlBatch, form: Form) -> Vec<String> {
        let statements = batch.statements(form).expect("it can be written");
        statements.into_iter().map(|it| String::from_utf8(it.sql).expect("text")).collect()
    }

    #[test]
    fn an_upsert_assigns_the_key_too() {
        let texts = texts(&batch(false, Operation::Insert, &people(2), 1 << 20), Form::Folded);
        let expected = "INSERT INTO `shop`.`people` (`name`,`email`,`note`) VALUES ('p0',NULL,0),('p1',NULL,1) \
                        AS strait_row ON DUPLICATE KEY UPDATE `name`=strait_row.`name`,\
                        `email`=strait_row.`email`,`note`=strait_row.`note`";
        assert_eq!(texts, [expected]);
    }

    #[test]
    fn updates_share_a_text_whose_matches_are_counted() {
        let batch = batch(true, Operation::Update, &people(3), 1 << 20);
        let statements = batch.statements(Form::Folded).expect("it can be written");
        assert_eq!(statements.len(), 1);
        assert_eq!((statements[0].rows, statements[0].expect), (3, Expect::Rows(3)));
        let original = batch.statements(Form::Original).expect("it can be written");
        assert_eq!(original.len(), 3, "each error is one row's");
        assert!(original.iter().all(|it| it.on_missing.is_some()));
    }

    #[test]
    fn texts_stay_below_the_packet_and_a_row_above_it_is_refused() {
        let many = batch(false, Operation::Delete, &people(100), 400);
        let texts = texts(&many, Form::Folded);
        assert!(texts.len() > 1 && texts.iter().all(|text| text.len() <= 400), "{}", texts.len());
        let large = vec![("x".repeat(1000), None, 0)];
        let refused = batch(false, Operation::Insert, &large, 1000).statements(Form::Folded);
        assert!(matches!(refused, Err(Error::RowTooLarge { limit: 1000, .. })), "{refused:?}");
    }
}
