//! A partition's row of `strait.keyed_lane`: taken over at the assignment, advanced with the rows.
//!
//! **Taking over** raises the row's epoch and reads it, in one transaction. The UPDATE waits for whoever holds the row: so a
//! commit of the former owner that is in flight is either in what is read, or comes later, finds another epoch, and matches
//! no row. A former owner that was paused in the middle of a transaction holds the row until its session ends; after a
//! second its connection, which the row names, is killed. One's own user needs no privilege for that.

use strait_mysql::client::{Conn, Queryable, Row, code, params, quote_text, server_code};
use strait_schemas::Seq;

use super::Mark;
use crate::{
    checkpoint::{Identity, ServerRun},
    error::{Error, Result},
};

/// `KILL` of a connection that is already gone.
const NO_SUCH_THREAD: u16 = 1094;
/// Another process inserts the row at the same time, say: then it is raised.
const TRIES: u32 = 20;

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    pub topic: std::sync::Arc<str>,
    pub number: i32,
}

/// What the row says, once it is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneRow {
    pub epoch: u64,
    /// -1: nothing was applied yet.
    pub next_offset: i64,
    pub mark: Mark,
}

/// Where the row is.
#[derive(Debug)]
pub struct Rows {
    pub identity: Identity,
    pub server: ServerRun,
    /// The target, for messages.
    pub place: String,
}

impl Rows {
    fn condition(&self, part: &Part) -> String {
        format!(
            "origin = {} AND sink = {} AND topic = {} AND part = {}",
            quote_text(&self.identity.origin),
            quote_text(&self.identity.sink),
            quote_text(&part.topic),
            part.number
        )
    }

    /// Moves a row on, from what it was left at; must match one row.
    pub fn advance(&self, part: &Part, from: &LaneRow, to: i64, mark: Mark) -> String {
        format!(
            "UPDATE strait.keyed_lane SET next_offset = {to}, seq = {}, record_index = {}, attempt = {} \
             WHERE {} AND epoch = {} AND next_offset = {}",
            mark.seq.raw(),
            mark.index,
            mark.attempt,
            self.condition(part),
            from.epoch,
            from.next_offset
        )
    }

    pub fn lost(&self, part: &Part, row: &LaneRow) -> Error {
        Error::PartitionLost {
            topic: part.topic.to_string(),
            partition: part.number,
            epoch: row.epoch,
            offset: row.next_offset,
            place: format!("table strait.keyed_lane at {}, {}", self.place, self.condition(part)),
        }
    }

    /// Takes a partition over for `connection`. The session of `conn` waits for a lock no longer than a second.
    pub async fn take(&self, conn: &mut Conn, part: &Part, connection: u64) -> Result<LaneRow> {
        let mut tries = 0;
        loop {
            tries += 1;
            let taken = self.try_to_take(conn, part, connection).await;
            let Err(Error::Target { doing, place, source }) = taken else { return taken };
            conn.query_drop("ROLLBACK").await.map_err(Error::target(conn, "ROLLBACK"))?;
            match server_code(&source) {
                Some(code::LOCK_WAIT_TIMEOUT) if tries < TRIES => self.end_owner(conn, part).await?,
                Some(code::DUPLICATE_ENTRY | code::DEADLOCK) if tries < TRIES => {}
                _ => return Err(Error::Target { doing, place, source }),
            }
        }
    }

    async fn try_to_take(&self, conn: &mut Conn, part: &Part, connection: u64) -> Result<LaneRow> {
        let row = self.condition(part);
        let (server, cluster) = (quote_text(&self.server.uuid), quote_text(&self.identity.cluster_id));
        let owner = format!(
            "connection_id = {connection}, server_uuid = {server}, server_started = {}",
            self.server.started
        );
        conn.query_drop("START TRANSACTION").await.map_err(Error::target(conn, "START TRANSACTION"))?;
        // An offset means something within its cluster alone; where there is none yet, this one is as good as another.
        let cluster_id = format!("cluster_id = IF(next_offset < 0, {cluster}, cluster_id)");
        let raise =
            format!("UPDATE strait.keyed_lane SET epoch = epoch + 1, {cluster_id}, {owner} WHERE {row}");
        conn.query_drop(raise).await.map_err(Error::target(conn, "raising an epoch in strait.keyed_lane"))?;
        if conn.affected_rows() == 0 {
            let (origin, sink) = (quote_text(&self.identity.origin), quote_text(&self.identity.sink));
            let insert = format!(
                "INSERT INTO strait.keyed_lane SET origin = {origin}, sink = {sink}, topic = {}, part = {}, epoch = 1, \
                 next_offset = -1, seq = 0, record_index = 0, attempt = 0, cluster_id = {cluster}, {owner}",
                quote_text(&part.topic),
                part.number
            );
            conn.query_drop(insert)
                .await
                .map_err(Error::target(conn, "adding a row to strait.keyed_lane"))?;
        }
        let columns = "epoch, next_offset, seq, record_index, attempt, cluster_id";
        let found: Option<Row> = conn
            .query_first(format!("SELECT {columns} FROM strait.keyed_lane WHERE {row} FOR UPDATE"))
            .await
            .map_err(Error::target(conn, "reading strait.keyed_lane"))?;
        let read = found.and_then(|row| strait_mysql::client::from_row_opt(row).ok());
        let Some((epoch, next_offset, seq, index, attempt, cluster_id)) = read else {
            let found = format!("no such row as this version writes ({row})");
            return Err(Error::Checkpoint { table: "strait.keyed_lane", column: "epoch", found });
        };
        let cluster_id: String = cluster_id;
        if next_offset >= 0 && cluster_id != self.identity.cluster_id {
            return Err(Error::OtherCluster {
                found: self.identity.cluster_id.clone(),
                expected: cluster_id,
                place: format!("table strait.keyed_lane at {}, {row}", self.place),
            });
        }
        conn.query_drop("COMMIT").await.map_err(Error::target(conn, "COMMIT of the raised epoch"))?;
        Ok(LaneRow { epoch, next_offset, mark: Mark { seq: Seq::from_raw(seq), index, attempt } })
    }

    /// Somebody holds the row in an open transaction: the former owner, which the row names.
    async fn end_owner(&self, conn: &mut Conn, part: &Part) -> Result<()> {
        let owner: Option<(u64, String, i64)> = conn
            .exec_first(
                "SELECT connection_id, server_uuid, server_started FROM strait.keyed_lane WHERE origin = :origin \
                 AND sink = :sink AND topic = :topic AND part = :part",
                params! {
                    "origin" => &self.identity.origin, "sink" => &self.identity.sink, "topic" => &*part.topic,
                    "part" => part.number,
                },
            )
            .await
            .map_err(Error::target(conn, "reading strait.keyed_lane"))?;
        let Some((connection, uuid, started)) = owner else { return Ok(()) };
        if connection == 0 || !self.server.is_same(&ServerRun { uuid, started }) {
            return Ok(());
        }
        match conn.query_drop(format!("KILL {connection}")).await {
            Ok(()) => tracing::warn!(
                topic = %part.topic, partition = part.number, connection,
                "ended the connection of the partition's former owner: it held the row"
            ),
            Err(error) if server_code(&error) == Some(NO_SUCH_THREAD) => {}
            Err(source) => return Err(Error::target(conn, format!("KILL {connection}"))(source)),
        }
        Ok(())
    }
}
