//! The moment at which a reader reads: behind everything that was streamed before its window opened (step 2), and where
//! in the binary log that is (step 3).

use std::time::Duration;

use strait_mysql::{
    client::{Conn, Queryable as _},
    gtid::GtidSet,
    server::{Flavor, read_binlog_place, read_snapshot_place},
    snapshot::Shape,
};

use super::{
    desk::{LogPlace, Opened, Shows, Streamed, WindowId},
    reader::{Reader, Reading},
    watermark,
};
use crate::{Error, Result};

/// Between two looks at how far the server has come.
const STEP: Duration = Duration::from_millis(2);
const SNAPSHOT: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

/// What is to be done with a window.
pub(super) enum Moment {
    /// Read now.
    Open(WindowId),
    /// It was discarded at once.
    Missed(WindowId),
    Over,
}

impl Reader<'_> {
    /// Opens a window and waits until a SELECT sees everything that was streamed before.
    pub async fn open_moment(&mut self, reading: &Reading) -> Result<Moment> {
        let key: Vec<String> =
            reading.shape.key.iter().map(|at| reading.shape.map.columns[*at].name.clone()).collect();
        let Reading { table, looked, name, cascading, .. } = reading;
        let (id, streamed) = match self.desk.open(*table, *looked, name, &key, cascading).await {
            Opened::Open(id, streamed) => (id, streamed),
            Opened::Discarded(id) => return Ok(Moment::Missed(id)),
            Opened::Closed => return Ok(Moment::Over),
        };
        if self.options.watermarks {
            tracing::debug!(table = %reading.name, "writing a watermark");
        }
        let mut told = false;
        let shows = loop {
            if let Some(shows) = self.sees(&streamed).await? {
                break shows;
            }
            if !std::mem::replace(&mut told, true) {
                tracing::debug!(table = %reading.name, "waiting until what was streamed is executed");
            }
            if self.desk.is_closed() {
                return Ok(Moment::Over);
            }
            tokio::time::sleep(STEP).await;
        };
        self.desk.shows(id, shows);
        Ok(Moment::Open(id))
    }

    /// What a SELECT sees from now on, if all that was streamed is in it. MariaDB: a transaction is left open that does.
    async fn sees(&mut self, streamed: &Streamed) -> Result<Option<Shows>> {
        if self.options.watermarks {
            // The row comes behind it, and is committed behind all that lies before.
            let place = self.end_of_log().await?;
            watermark::write(&mut self.conn, &self.options.server.place()).await?;
            return Ok(Some(Shows::Before(place)));
        }
        if self.options.flavor == Flavor::Mysql {
            let executed = self.executed().await?;
            return Ok(executed.contains_set(&streamed.gtids).then_some(Shows::Gtids(executed)));
        }
        let asking = self.sql("ask for XA transactions that are being committed");
        if !self.options.committing.is_over(&mut self.conn).await.map_err(asking)? {
            return Ok(None);
        }
        let failed = self.sql("begin a consistent read");
        let begin = async |conn: &mut Conn| {
            conn.query_drop(SNAPSHOT).await?;
            read_snapshot_place(conn).await
        };
        let Some((file, pos)) = begin(&mut self.conn).await.map_err(failed)? else {
            return Err(Error::refused(
                "the source does not tell what a consistent snapshot sees (status binlog_snapshot_file), which a snapshot must know",
                self.options.server.place(),
                "log_bin must be set; or snapshot.mode = \"never\"",
            ));
        };
        if !streamed.place.is_passed_at(&file, pos) {
            self.end_transaction().await?;
            return Ok(None);
        }
        let place = LogPlace { file, pos };
        self.sees = Some(place.clone());
        Ok(Some(Shows::Before(place)))
    }

    /// For several reads: they all see the same. Where in the binary log that is.
    pub async fn hold_moment(&mut self, shape: &Shape) -> Result<LogPlace> {
        if let Some(place) = self.sees.take() {
            return Ok(place);
        }
        self.conn.query_drop(SNAPSHOT).await.map_err(self.sql("begin a consistent read"))?;
        // The engine's view is taken by the first look at the table.
        let probe = format!("SELECT 1 FROM {} LIMIT 1", shape.quoted);
        self.conn.query_drop(probe).await.map_err(self.sql("read rows for the snapshot"))?;
        self.end_of_log().await
    }

    /// After a read: the place in the binary log that lies behind everything that it saw.
    /// MyISAM and its like show a SELECT what is there, whatever the transaction saw first.
    pub async fn end_moment(&mut self, transactional: bool) -> Result<LogPlace> {
        let Some(place) = self.sees.take() else { return self.end_of_log().await };
        self.end_transaction().await?;
        if transactional { Ok(place) } else { self.end_of_log().await }
    }

    pub async fn end_transaction(&mut self) -> Result<()> {
        self.conn.query_drop("COMMIT").await.map_err(self.sql("end a consistent read"))
    }

    async fn executed(&mut self) -> Result<GtidSet> {
        let place = self.options.server.place();
        let text: Option<String> = self
            .conn
            .query_first("SELECT @@GLOBAL.gtid_executed")
            .await
            .map_err(self.sql("ask for gtid_executed"))?;
        text.unwrap_or_default().parse().map_err(|source: strait_mysql::gtid::ParseError| Error::Source {
            attempted: "read gtid_executed",
            place,
            source: source.into(),
        })
    }

    pub async fn end_of_log(&mut self) -> Result<LogPlace> {
        let place =
            read_binlog_place(&mut self.conn).await.map_err(self.failed("ask where the binary log ends"))?;
        let place = place.map(|place| LogPlace { file: place.file, pos: place.pos });
        place.ok_or_else(|| unknown_end(&self.options.server.place()))
    }
}

pub fn unknown_end(place: &str) -> Error {
    Error::refused(
        "the account may not ask where the binary log ends, which a snapshot must know",
        place,
        "GRANT REPLICATION CLIENT ON *.* to the account; or snapshot.mode = \"never\"",
    )
}
