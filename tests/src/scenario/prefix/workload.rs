//! Transactions whose every kind keeps something unchanged, made inside the server, by several sessions at once.

use anyhow::Result;
use futures_util::future::try_join_all;
use mysql_async::prelude::Queryable;

use super::DATABASE;
use crate::MySql;

const WRITERS: u64 = 8;

/// In an order in which a child comes after its parent.
const TABLES: [&str; 8] = [
    "account (id INT UNSIGNED NOT NULL PRIMARY KEY, balance BIGINT NOT NULL)",
    "slot (id INT UNSIGNED NOT NULL PRIMARY KEY, place INT UNSIGNED UNIQUE)",
    "grand (id INT UNSIGNED NOT NULL PRIMARY KEY)",
    "parent (id INT UNSIGNED NOT NULL PRIMARY KEY, grand INT UNSIGNED NOT NULL, \
     FOREIGN KEY (grand) REFERENCES grand (id) ON DELETE CASCADE)",
    "child (id INT UNSIGNED NOT NULL PRIMARY KEY, parent INT UNSIGNED NOT NULL, \
     FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE)",
    "moved (id INT UNSIGNED NOT NULL PRIMARY KEY, v INT UNSIGNED NOT NULL)",
    "progress (writer INT UNSIGNED NOT NULL PRIMARY KEY, n BIGINT UNSIGNED NOT NULL)",
    "seen (writer INT UNSIGNED NOT NULL, other INT UNSIGNED NOT NULL, n BIGINT UNSIGNED NOT NULL, PRIMARY KEY (writer, other))",
];

/// What each server begins with: as many accounts, slots and movable rows as there are numbers.
const NUMBERS: &str = "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 999) SELECT";

/// A session's share. Whoever meets a deadlock goes on with the next transaction.
const PROCEDURE: &str = "CREATE PROCEDURE work(me INT UNSIGNED, total INT UNSIGNED, seed BIGINT UNSIGNED)
BEGIN
  DECLARE i INT UNSIGNED DEFAULT 0;
  DECLARE a, b, base, p, q INT UNSIGNED;
  DECLARE r BIGINT UNSIGNED;
  SET base = (me + 1) * 100000000;
  WHILE i < total DO
    BEGIN
      DECLARE EXIT HANDLER FOR 1205, 1213 ROLLBACK;
      SET r = CONV(LEFT(SHA2(CONCAT(seed, '-', me, '-', i), 256), 15), 16, 10);
      SET a = r DIV 8 MOD 1000, b = (a + 1 + r DIV 8000 MOD 999) MOD 1000;
      START TRANSACTION;
      UPDATE progress SET n = n + 1 WHERE writer = me;
      CASE r MOD 8
        WHEN 0 THEN
          UPDATE account SET balance = balance - 1 WHERE id = a MOD 20;
          UPDATE account SET balance = balance + 1 WHERE id = b;
        WHEN 1 THEN
          UPDATE account SET balance = balance - 7 WHERE id = LEAST(a, b);
          UPDATE account SET balance = balance + 7 WHERE id = GREATEST(a, b);
        WHEN 2 THEN
          SELECT place INTO p FROM slot WHERE id = LEAST(a, b) FOR UPDATE;
          SELECT place INTO q FROM slot WHERE id = GREATEST(a, b) FOR UPDATE;
          UPDATE slot SET place = NULL WHERE id = LEAST(a, b);
          UPDATE slot SET place = p WHERE id = GREATEST(a, b);
          UPDATE slot SET place = q WHERE id = LEAST(a, b);
        WHEN 3 THEN
          UPDATE moved SET id = IF(id < 1000000, id + 1000000, id - 1000000), v = v WHERE id IN (a, a + 1000000);
        WHEN 4 THEN
          UPDATE seen JOIN progress ON progress.writer = other SET seen.n = progress.n
            WHERE seen.writer = me AND other = b MOD 8;
        WHEN 5 THEN
          DELETE FROM grand WHERE id BETWEEN base AND base + GREATEST(i, 40) - 40 LIMIT 1;
        ELSE
          INSERT INTO grand VALUES (base + i);
          INSERT INTO parent VALUES (base + i, base + i);
          INSERT INTO child VALUES (base + 2 * i, base + i), (base + 2 * i + 1, base + i);
      END CASE;
      COMMIT;
    END;
    SET i = i + 1;
  END WHILE;
END";

/// Makes all of it on each server by itself, outside the log.
pub async fn create(servers: &[&MySql]) -> Result<()> {
    for server in servers {
        let mut conn = server.conn().await?;
        conn.query_drop("SET SESSION sql_log_bin = 0").await?;
        conn.query_drop(format!("CREATE DATABASE {DATABASE}")).await?;
        conn.query_drop(format!("USE {DATABASE}")).await?;
        for table in TABLES {
            conn.query_drop(format!("CREATE TABLE {table}")).await?;
        }
        for fill in [
            format!("INSERT INTO account {NUMBERS} n, 0 FROM n"),
            format!("INSERT INTO slot {NUMBERS} n, n FROM n"),
            format!("INSERT INTO moved {NUMBERS} n, n FROM n"),
            format!("INSERT INTO progress {NUMBERS} n, 0 FROM n WHERE n < {WRITERS}"),
            "INSERT INTO seen SELECT w.writer, o.writer, 0 FROM progress w, progress o".to_owned(),
        ] {
            conn.query_drop(fill).await?;
        }
    }
    servers[0].run([format!("USE {DATABASE}").as_str(), "SET SESSION sql_log_bin = 0", PROCEDURE]).await
}

/// All sessions' work; how many transactions were committed.
pub async fn run(source: &MySql, transactions: u64, seed: u64) -> Result<u64> {
    let relaxed = |level| {
        [
            format!("SET GLOBAL sync_binlog = {level}"),
            format!("SET GLOBAL innodb_flush_log_at_trx_commit = {level}"),
        ]
    };
    source.run(relaxed(0)).await?;
    let share = transactions / WRITERS;
    try_join_all((0..WRITERS).map(async |writer| {
        let mut conn = source.conn_to(DATABASE).await?;
        conn.query_drop("SET SESSION transaction_isolation = 'READ-COMMITTED'").await?;
        conn.query_drop(format!("CALL work({writer}, {share}, {seed})")).await?;
        anyhow::Ok(())
    }))
    .await?;
    source.run(relaxed(1)).await?;
    let mut conn = source.conn_to(DATABASE).await?;
    Ok(conn.query_first("SELECT CAST(SUM(n) AS UNSIGNED) FROM progress").await?.unwrap_or_default())
}
