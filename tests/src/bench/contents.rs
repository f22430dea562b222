//! What a server's tables hold, as sums that the server computes: the proof that a benchmark did its work.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;

use super::load::{DATABASE, Table};
use crate::MySql;

/// Checksum and number of rows, by table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    address: String,
    sums: BTreeMap<String, (u64, u64)>,
}

impl Contents {
    pub async fn of(server: &MySql, tables: &[Table]) -> Result<Self> {
        let mut conn = server.conn().await?;
        let mut sums = BTreeMap::new();
        for table in tables.iter().map(|table| table.name()) {
            let sum = format!("CHECKSUM TABLE {DATABASE}.{table}");
            let (_, sum): (String, Option<u64>) = conn.query_first(sum).await?.context("no checksum")?;
            let sum =
                sum.with_context(|| format!("{DATABASE}.{table} is missing at {}", server.address()))?;
            let count: Option<u64> =
                conn.query_first(format!("SELECT COUNT(*) FROM {DATABASE}.{table}")).await?;
            sums.insert(table, (sum, count.unwrap_or_default()));
        }
        conn.disconnect().await?;
        Ok(Self { address: server.address(), sums })
    }

    pub fn ensure_same(&self, other: &Self) -> Result<()> {
        for (table, expected) in &self.sums {
            let found = other.sums.get(table);
            ensure!(
                found == Some(expected),
                "{table} differs (checksum, rows): {expected:?} at {}, {found:?} at {}",
                self.address,
                other.address
            );
        }
        Ok(())
    }
}
