//! How far one site is with what the other did.

use std::time::Duration;

use anyhow::{Context, Result};
use mysql_async::prelude::Queryable;

use super::Sites;
use crate::eventually;

impl Sites {
    /// Waits until everything that was done at one site up to now is done at the other: a row written now, into a table of
    /// its own in this database, has come there.
    pub async fn arrived(&self, from: usize, database: &str, patience: Duration) -> Result<()> {
        let (here, there) = (&self.sites[from].servers.mysql, &self.sites[1 - from]);
        let mut conn = here.conn_to(database).await?;
        conn.query_drop(format!("CREATE TABLE IF NOT EXISTS mark{from} (id INT AUTO_INCREMENT PRIMARY KEY)"))
            .await?;
        conn.query_drop(format!("INSERT INTO mark{from} VALUES ()")).await?;
        let mark = conn.last_insert_id().context("a number")?;
        let look = format!("SELECT COALESCE(MAX(id), 0) FROM mark{from}");
        eventually(patience, || async {
            // One that has halted is not waited for.
            if let Err(ended) = there.sink.running() {
                return Ok(Err(ended));
            }
            // The server may be away: it is asked anew each time.
            let found: Result<Option<u64>> =
                async { Ok(there.servers.mysql.conn_to(database).await?.query_first(&look).await?) }.await;
            match found {
                Ok(Some(found)) if found >= mark => Ok(Ok(())),
                other => Err(format!("{other:?}, not {mark}")),
            }
        })
        .await?
    }
}
