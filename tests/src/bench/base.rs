//! What a target held before the backlog: kept beside its tables once, and put back before each drain, so that one backlog can be
//! drained again and again. Nothing of it is logged.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use mysql_async::{Conn, prelude::Queryable};

use super::load::{DATABASE, Table, set_durability};
use crate::MySql;

const PATIENCE: Duration = Duration::from_mins(5);
/// Pages; the server itself always has some.
const FEW: u64 = 100;

/// Copies the tables as they are now.
pub async fn keep(server: &MySql, tables: &[Table]) -> Result<()> {
    let mut conn = quiet(server).await?;
    conn.query_drop("CREATE DATABASE base").await?;
    for table in tables.iter().map(|table| table.name()) {
        conn.query_drop(format!("CREATE TABLE base.{table} LIKE {DATABASE}.{table}")).await?;
        conn.query_drop(format!("INSERT INTO base.{table} SELECT * FROM {DATABASE}.{table}")).await?;
    }
    end(conn).await
}

/// Makes the tables as they were, drops what was logged since, and waits until the server has nothing left to flush.
pub async fn restore(server: &MySql, tables: &[Table]) -> Result<()> {
    let mut conn = quiet(server).await?;
    conn.query_drop("SET SESSION foreign_key_checks = 0").await?;
    for table in tables.iter().map(|table| table.name()) {
        conn.query_drop(format!("TRUNCATE {DATABASE}.{table}")).await?;
        conn.query_drop(format!("INSERT INTO {DATABASE}.{table} SELECT * FROM base.{table}")).await?;
    }
    conn.query_drop("RESET BINARY LOGS AND GTIDS").await?;
    flush(&mut conn).await?;
    end(conn).await
}

/// Pages that the restoring left dirty would be written while the next drain is measured.
async fn flush(conn: &mut Conn) -> Result<()> {
    let usual: Option<f64> = conn.query_first("SELECT @@GLOBAL.innodb_max_dirty_pages_pct").await?;
    conn.query_drop("SET GLOBAL innodb_max_dirty_pages_pct = 0").await?;
    let began = Instant::now();
    loop {
        let status = "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'";
        let dirty = conn.query_first::<(String, u64), _>(status).await?.map_or(0, |(_, pages)| pages);
        if dirty <= FEW {
            break;
        }
        ensure!(began.elapsed() < PATIENCE, "{dirty} pages are still dirty after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    conn.query_drop(format!("SET GLOBAL innodb_max_dirty_pages_pct = {}", usual.unwrap_or(90.0))).await?;
    Ok(())
}

async fn quiet(server: &MySql) -> Result<Conn> {
    let mut conn = server.conn().await?;
    conn.query_drop("SET SESSION sql_log_bin = 0").await?;
    set_durability(&mut conn, 0).await?;
    Ok(conn)
}

async fn end(mut conn: Conn) -> Result<()> {
    set_durability(&mut conn, 1).await?;
    Ok(conn.disconnect().await?)
}
