//! Loops of small transactions inside the source: no client could send them as fast. They lie in a database that is not replicated.

use anyhow::Result;
use mysql_async::{Conn, Opts, prelude::Queryable};

use super::{DATABASE, LARGE_TRANSACTION, digest, row_of};

/// Of its hot rows.
const COUNTERS: u64 = 1_000;

/// What one call of a connection does, `total` times, with numbers from `first` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Procedure {
    /// Inserts and updates by turns, each connection in a table of its own.
    OneRow,
    /// Adds one to a counter.
    Hot,
    /// A parent with four children; every fourth transaction deletes a parent, whose children go with it.
    ForeignKeys,
    /// Ten rows with two unique values each, of which a row that was deleted leaves its own to another.
    Unique,
}

impl Procedure {
    const ALL: [Self; 4] = [Self::OneRow, Self::Hot, Self::ForeignKeys, Self::Unique];

    pub(super) fn name(self, connection: u64) -> String {
        match self {
            Self::OneRow => format!("one_row_{connection}"),
            Self::Hot => "hot".to_owned(),
            Self::ForeignKeys => "foreign_keys".to_owned(),
            Self::Unique => "uniques".to_owned(),
        }
    }

    /// The statements of transaction `i`, one of `total` beginning with 0; `first`, `total` and `seed` are in scope.
    fn body(self, connection: u64) -> String {
        match self {
            Self::OneRow => {
                let (inserted, changed) = (row_of("first + i"), digest("CONCAT(i, 'u')", 119));
                let table = format!("{DATABASE}.small{connection}");
                // An update meets any row inserted so far by this call.
                format!(
                    "IF i % 2 = 0 THEN INSERT INTO {table} SELECT {inserted};
                     ELSE UPDATE {table} SET k = k + 1, c = {changed}
                          WHERE id = first + 2 * (CRC32(CONCAT(seed, '/', i)) % ((i + 1) DIV 2));
                     END IF;"
                )
            }
            Self::Hot => format!(
                "UPDATE {DATABASE}.counters SET n = n + 1
                 WHERE id = 1 + CRC32(CONCAT(seed, '/', first + i)) % {COUNTERS};"
            ),
            Self::ForeignKeys => {
                let (parent, child) = (digest("first + i", 39), digest("CONCAT(first + i, 'c', n)", 39));
                format!(
                    "IF i % 4 = 3 THEN DELETE FROM {DATABASE}.parent WHERE id = first + i - 3;
                     ELSE START TRANSACTION;
                          INSERT INTO {DATABASE}.parent SELECT first + i, {parent};
                          INSERT INTO {DATABASE}.child SELECT (first + i) * 4 + n, first + i, {child}
                          FROM generator.thousand WHERE n < 4;
                          COMMIT;
                     END IF;"
                )
            }
            Self::Unique => {
                let other = digest("CONCAT((first + i) * 10 + n, 'o')", 39);
                let rest = digest("(first + i) * 10 + n", 119);
                format!(
                    "START TRANSACTION;
                     INSERT INTO {DATABASE}.uniq SELECT (first + i) * 10 + n, (first + i) * 10 + n, {other}, {rest}
                     FROM generator.thousand WHERE n < 10;
                     IF i > 0 THEN
                       SELECT one, other INTO @one, @other FROM {DATABASE}.uniq WHERE id = (first + i - 1) * 10;
                       DELETE FROM {DATABASE}.uniq WHERE id = (first + i - 1) * 10;
                       UPDATE {DATABASE}.uniq SET one = @one, other = @other WHERE id = (first + i) * 10 + 9;
                     END IF;
                     COMMIT;"
                )
            }
        }
    }
}

/// The numbers 0 to 999 and the loops.
pub async fn create_generator(source: &Opts) -> Result<()> {
    let mut conn = Conn::new(source.clone()).await?;
    conn.query_drop("SET SESSION sql_log_bin = 0").await?;
    conn.query_drop("CREATE DATABASE generator").await?;
    conn.query_drop("CREATE TABLE generator.thousand (n INT UNSIGNED NOT NULL PRIMARY KEY)").await?;
    let numbers: Vec<String> = (0..LARGE_TRANSACTION).map(|n| format!("({n})")).collect();
    conn.query_drop(format!("INSERT INTO generator.thousand VALUES {}", numbers.join(","))).await?;
    for procedure in Procedure::ALL {
        let connections = if procedure == Procedure::OneRow { 4 } else { 1 };
        for connection in 0..connections {
            let (name, body) = (procedure.name(connection), procedure.body(connection));
            conn.query_drop(format!(
                "CREATE PROCEDURE generator.{name}(IN first INT UNSIGNED, IN total INT UNSIGNED, IN seed BIGINT UNSIGNED)
                 BEGIN
                   DECLARE i INT UNSIGNED DEFAULT 0;
                   WHILE i < total DO {body} SET i = i + 1; END WHILE;
                 END"
            ))
            .await?;
        }
    }
    conn.disconnect().await?;
    Ok(())
}

/// The hot rows, before anything adds to them.
pub async fn create_counters(server: &Opts) -> Result<()> {
    let mut conn = Conn::new(server.clone()).await?;
    conn.query_drop("SET SESSION sql_log_bin = 0").await?;
    conn.query_drop(format!("INSERT INTO {DATABASE}.counters SELECT n + 1, 0 FROM generator.thousand"))
        .await?;
    conn.disconnect().await?;
    Ok(())
}
