//! A server's binary log as MySQL's own `mysqlbinlog -vv` prints it.
//!
//! Nothing of Strait's decoder takes part, so counts and commit times taken here can judge it.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowKind {
    Insert,
    Update,
    Delete,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRow {
    pub kind: RowKind,
    /// `database.table`
    pub table: Arc<str>,
    /// The leading columns of each image, as printed; empty where there is no such image.
    pub before: Vec<String>,
    pub after: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoggedTransaction {
    pub gtid: String,
    /// When this server committed it, in microseconds since 1970.
    pub commit_us: i64,
    pub rows: Vec<LoggedRow>,
}

impl LoggedTransaction {
    /// Whether a sink wrote it: any of its rows is in the sink's own schema. Wider than what the connector looks at (the
    /// first row), so that a sink which writes its lane too late shows as a loop.
    pub fn is_applied(&self) -> bool {
        self.rows.iter().any(|row| row.table.starts_with("strait."))
    }
}

/// How to print a log: the tool with everything but the file names.
#[derive(Debug)]
pub struct BinlogReader {
    command: Command,
    kept_columns: usize,
}

impl BinlogReader {
    /// `mysqlbinlog` is the tool as it is run on this machine, connection options included.
    pub fn new(mut mysqlbinlog: Command, first_file: &str) -> Self {
        mysqlbinlog
            .args(["--read-from-remote-server", "--to-last-log", "-vv", "--base64-output=DECODE-ROWS"])
            .arg(first_file);
        Self { command: mysqlbinlog, kept_columns: 1 }
    }

    /// How many leading columns of each row image are kept.
    #[must_use]
    pub fn keep_columns(mut self, count: usize) -> Self {
        self.kept_columns = count;
        self
    }

    /// Calls `visit` with each transaction in order.
    pub fn read(mut self, visit: impl FnMut(LoggedTransaction)) -> Result<()> {
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .context("starting mysqlbinlog")?;
        let output = child.stdout.take().context("mysqlbinlog's output is a pipe")?;
        parse(BufReader::with_capacity(1 << 20, output), self.kept_columns, visit)?;
        let status = child.wait()?;
        ensure!(status.success(), "mysqlbinlog ended with {status}");
        Ok(())
    }
}

/// Where the lines of column values belong.
enum Image {
    Before,
    After,
}

struct Parser<F> {
    visit: F,
    kept_columns: usize,
    current: Option<LoggedTransaction>,
    image: Image,
    /// One allocation a table, however many rows.
    tables: HashSet<Arc<str>>,
}

fn parse(mut lines: impl BufRead, kept_columns: usize, visit: impl FnMut(LoggedTransaction)) -> Result<()> {
    let mut parser =
        Parser { visit, kept_columns, current: None, image: Image::After, tables: HashSet::new() };
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        parser.take_line(&text);
        line.clear();
    }
    parser.end_transaction();
    Ok(())
}

impl<F: FnMut(LoggedTransaction)> Parser<F> {
    fn take_line(&mut self, line: &str) {
        if let Some(row) = line.strip_prefix("### ") {
            self.take_row_line(row);
        } else if let Some(at) = line.find("immediate_commit_timestamp=") {
            // The GTID event's own line; the comments that repeat it come after, within the same transaction.
            if line.contains("\tGTID\t") || line.contains("\tAnonymous_GTID\t") {
                self.end_transaction();
                let digits = &line[at + "immediate_commit_timestamp=".len()..];
                let digits = digits.split_once(|c: char| !c.is_ascii_digit()).map_or(digits, |(d, _)| d);
                let commit_us = digits.parse().unwrap_or_default();
                self.current = Some(LoggedTransaction { commit_us, ..LoggedTransaction::default() });
            }
        } else if let Some(rest) = line.strip_prefix("SET @@SESSION.GTID_NEXT= '")
            && let (Some(current), Some((gtid, _))) = (&mut self.current, rest.split_once('\''))
            && gtid != "AUTOMATIC"
        {
            gtid.clone_into(&mut current.gtid);
        }
    }

    fn take_row_line(&mut self, line: &str) {
        if let Some(value) = line.strip_prefix("  @") {
            self.take_value(value);
        } else if line == "SET" {
            self.image = Image::After;
        } else if line == "WHERE" {
            self.image = Image::Before;
        } else if let Some(table) = line.strip_prefix("INSERT INTO ") {
            self.begin_row(RowKind::Insert, table);
        } else if let Some(table) = line.strip_prefix("UPDATE ") {
            self.begin_row(RowKind::Update, table);
        } else if let Some(table) = line.strip_prefix("DELETE FROM ") {
            self.begin_row(RowKind::Delete, table);
        }
    }

    fn begin_row(&mut self, kind: RowKind, quoted: &str) {
        let name = quoted.trim_matches('`').replace("`.`", ".");
        let table = if let Some(table) = self.tables.get(name.as_str()) {
            Arc::clone(table)
        } else {
            let table: Arc<str> = name.into();
            self.tables.insert(Arc::clone(&table));
            table
        };
        if let Some(current) = &mut self.current {
            current.rows.push(LoggedRow { kind, table, before: Vec::new(), after: Vec::new() });
        }
    }

    /// `3='text' /* VARSTRING(..) .. */`
    fn take_value(&mut self, value: &str) {
        let Some(row) = self.current.as_mut().and_then(|current| current.rows.last_mut()) else { return };
        let image = match self.image {
            Image::Before => &mut row.before,
            Image::After => &mut row.after,
        };
        if image.len() < self.kept_columns
            && let Some((_, rest)) = value.split_once('=')
        {
            image.push(rest.rsplit_once(" /* ").map_or(rest, |(text, _)| text).to_owned());
        }
    }

    fn end_transaction(&mut self) {
        if let Some(transaction) = self.current.take() {
            (self.visit)(transaction);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = r"# at 158
#251122 18:40:00 server id 1  end_log_pos 237 CRC32 0x1 	GTID	last_committed=0	sequence_number=1	rbr_only=yes	original_committed_timestamp=1763836800000001	immediate_commit_timestamp=1763836800000002	transaction_length=310
# original_commit_timestamp=1763836800000001 (2025-11-22 18:40:00.000001 UTC)
# immediate_commit_timestamp=1763836800000002 (2025-11-22 18:40:00.000002 UTC)
SET @@SESSION.GTID_NEXT= 'aa:1'/*!*/;
### UPDATE `shop`.`order`
### WHERE
###   @1=7 /* INT meta=0 nullable=0 is_null=0 */
###   @2='a /* b' /* VARSTRING(80) meta=80 nullable=1 is_null=0 */
### SET
###   @1=8 /* INT meta=0 nullable=0 is_null=0 */
###   @2='c' /* VARSTRING(80) meta=80 nullable=1 is_null=0 */
### DELETE FROM `strait`.`lane`
### WHERE
###   @1=9 /* INT meta=0 nullable=0 is_null=0 */
COMMIT/*!*/;
#251122 18:40:00 server id 1  end_log_pos 237 CRC32 0x1 	GTID	last_committed=1	sequence_number=2	rbr_only=yes	original_committed_timestamp=3	immediate_commit_timestamp=4	transaction_length=310
SET @@SESSION.GTID_NEXT= 'aa:2'/*!*/;
### INSERT INTO `strait`.`lane`
### SET
###   @1='beijing'
SET @@SESSION.GTID_NEXT= 'AUTOMATIC' /* added by mysqlbinlog */ /*!*/;
";

    #[test]
    fn rows_times_and_gtids_are_read_as_printed() {
        let mut read = Vec::new();
        parse(PRINTED.as_bytes(), 2, |transaction| read.push(transaction)).expect("bytes can be read");
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].gtid.as_str(), read[0].commit_us), ("aa:1", 1_763_836_800_000_002));
        assert_eq!(read[0].rows[0].kind, RowKind::Update);
        assert_eq!(&*read[0].rows[0].table, "shop.order");
        assert_eq!(read[0].rows[0].before, ["7", "'a /* b'"]);
        assert_eq!(read[0].rows[0].after, ["8", "'c'"]);
        assert_eq!(read[0].rows[1].kind, RowKind::Delete);
        assert!(read[0].is_applied(), "wherever in it the lane's row is");
        assert_eq!((read[1].gtid.as_str(), read[1].commit_us), ("aa:2", 4));
        assert!(read[1].is_applied());
        read[0].rows.pop();
        assert!(!read[0].is_applied());
    }
}
