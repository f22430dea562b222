//! The start procedure: end the former run for certain, raise the epoch, read how far it got.

use strait_mysql::client::{Conn, Queryable, Row, params, server_code};
use strait_mysql::gtid::GtidSet;
use strait_mysql::server::{place_of, read_identity};
use strait_schemas::Seq;

use super::{Claim, LaneRow, OffsetRow, Vector};
use crate::{
    error::{Error, Result},
    private_schema,
};

/// `KILL` of a connection that is already gone; of somebody else's.
const NO_SUCH_THREAD: u16 = 1094;
const NOT_OWNER: u16 = 1095;
/// Two looks at one server's start may differ by rounding.
const START_TOLERANCE_S: i64 = 2;

/// The column that it is kept in.
const UUID_LENGTH: usize = 36;

/// Whose progress it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The site whose changes are applied.
    pub origin: String,
    /// `sink.name`: one set of tables, applied by one process at a time.
    pub sink: String,
    /// The Kafka cluster that offsets belong to.
    pub cluster_id: String,
}

/// One life of a server: connection ids mean something only within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRun {
    pub uuid: String,
    /// Seconds since 1970.
    pub started: i64,
}

impl ServerRun {
    pub async fn read(conn: &mut Conn) -> Result<Self> {
        let place = place_of(conn);
        let failed = |source| Error::Target {
            doing: "reading the server's identity".into(),
            place: place.clone(),
            source,
        };
        let uuid = read_identity(conn).await.map_err(failed)?.unwrap_or_default();
        let uptime: Option<(String, i64)> =
            conn.query_first("SHOW GLOBAL STATUS LIKE 'Uptime'").await.map_err(failed)?;
        let now: Option<i64> = conn.query_first("SELECT UNIX_TIMESTAMP()").await.map_err(failed)?;
        Ok(Self {
            // What tells servers without a uuid apart is at the end.
            uuid: uuid[uuid.ceil_char_boundary(uuid.len().saturating_sub(UUID_LENGTH))..].to_owned(),
            started: now.unwrap_or_default() - uptime.map_or(0, |(_, seconds)| seconds),
        })
    }

    fn is_of(&self, row: &LaneRow) -> bool {
        self.is_same(&Self { uuid: row.server_uuid.clone(), started: row.server_started })
    }

    /// Whether connection ids of the one mean the same in the other.
    pub fn is_same(&self, other: &Self) -> bool {
        self.uuid == other.uuid && (self.started - other.started).abs() <= START_TOLERANCE_S
    }
}

/// What the start procedure found and made certain.
#[derive(Debug, Clone)]
pub struct Started {
    pub identity: Identity,
    pub epoch: u64,
    /// The last transaction at the target; `None`: nothing was ever applied under this name.
    pub applied: Option<Seq>,
    /// Where to read the spine on; `None`: from its beginning.
    pub spine_offset: Option<i64>,
    /// Where to read partitions on; those not named, from their beginning.
    pub offsets: Vec<OffsetRow>,
    /// Each lane's last seq; lanes of a former, larger number of lanes included.
    pub lanes: Vector,
    pub server: ServerRun,
    /// Transactions that the target had at the very first start.
    pub skip: GtidSet,
}

/// Takes over the progress of (origin, sink) with `lanes` lanes. `conn` must be outside a transaction.
///
/// # Errors
/// `Fenced` where another process has taken over since `claim` was made; `CommitLost` where the rows contradict
/// each other; any fault of the connection.
pub async fn start(
    conn: &mut Conn,
    identity: Identity,
    lanes: u16,
    skip: &GtidSet,
    claim: &Claim,
) -> Result<Started> {
    private_schema::create(conn).await?;
    let server = ServerRun::read(conn).await?;
    end_former_run(conn, &identity, &server, claim).await?;
    let rows = raise_epoch(conn, &identity, lanes, skip, claim).await?;
    verify(&rows, &identity)?;

    let newest = rows.iter().max_by_key(|row| row.seq);
    let applied = newest.map(|row| row.seq).filter(|seq| seq.raw() > 0);
    let spine_offset = newest
        .filter(|row| row.seq.raw() > 0 && row.cluster_id == identity.cluster_id)
        .map(|row| row.spine_offset);
    let offsets = if spine_offset.is_some() { read_offsets(conn, &identity).await? } else { Vec::new() };
    Ok(Started {
        skip: read_skip(conn, &identity).await?,
        epoch: rows.first().map_or(1, |row| row.epoch),
        applied,
        spine_offset,
        offsets,
        lanes: Vector(rows.iter().map(|row| (row.lane, row.seq)).collect()),
        identity,
        server,
    })
}

/// Kills what is left of the former run on this life of the server. One's own user needs no privilege.
async fn end_former_run(
    conn: &mut Conn,
    identity: &Identity,
    server: &ServerRun,
    claim: &Claim,
) -> Result<()> {
    claim.ensure_held(conn, &identity.origin, &identity.sink).await?;
    let statement =
        format!("SELECT {} FROM strait.lane WHERE origin = :origin AND sink = :sink", LaneRow::COLUMNS);
    let rows: Vec<Row> = conn
        .exec(statement, params! { "origin" => &identity.origin, "sink" => &identity.sink })
        .await
        .map_err(Error::target(conn, "reading strait.lane"))?;
    let rows = rows.into_iter().map(LaneRow::read).collect::<Result<Vec<_>>>()?;
    for row in rows {
        if row.connection_id == 0 || !server.is_of(&row) {
            continue;
        }
        match conn.query_drop(format!("KILL {}", row.connection_id)).await {
            Ok(()) => tracing::info!(
                lane = row.lane,
                connection = row.connection_id,
                "ended a connection of the former run"
            ),
            Err(error) if server_code(&error) == Some(NO_SUCH_THREAD) => {}
            Err(error) if server_code(&error) == Some(NOT_OWNER) => tracing::warn!(
                lane = row.lane,
                connection = row.connection_id,
                "the former run's connection belongs to another account and cannot be ended: waiting for it; \
                 to end it now: KILL {}",
                row.connection_id
            ),
            Err(source) => {
                return Err(Error::target(conn, format!("KILL {}", row.connection_id))(source));
            }
        }
    }
    Ok(())
}

/// Raises the epoch of every row, adds missing rows, and reads them all, in one transaction.
async fn raise_epoch(
    conn: &mut Conn,
    identity: &Identity,
    lanes: u16,
    skip: &GtidSet,
    claim: &Claim,
) -> Result<Vec<LaneRow>> {
    let place = place_of(conn);
    let failed = |doing: &str| {
        let (doing, place) = (doing.to_owned(), place.clone());
        move |source| Error::Target { doing, place, source }
    };
    let who = || params! { "origin" => &identity.origin, "sink" => &identity.sink };
    conn.query_drop("ROLLBACK").await.map_err(failed("ROLLBACK"))?;
    conn.query_drop("START TRANSACTION").await.map_err(failed("START TRANSACTION"))?;
    // The row event of this UPDATE must be the transaction's first: it marks the transaction as ours.
    conn.exec_drop("UPDATE strait.lane SET epoch = epoch + 1 WHERE origin = :origin AND sink = :sink", who())
        .await
        .map_err(failed("raising the epoch in strait.lane"))?;
    let statement = format!(
        "SELECT {} FROM strait.lane WHERE origin = :origin AND sink = :sink ORDER BY lane FOR UPDATE",
        LaneRow::COLUMNS
    );
    let rows: Vec<Row> = conn.exec(statement, who()).await.map_err(failed("reading strait.lane"))?;
    let mut rows = rows.into_iter().map(LaneRow::read).collect::<Result<Vec<_>>>()?;
    let first_start = rows.is_empty();
    let epoch = rows.iter().map(|row| row.epoch).max().unwrap_or(1);
    if rows.iter().any(|row| row.epoch != epoch) {
        // Rows of lanes that were added later are younger: all go on from the greatest.
        conn.exec_drop(
            "UPDATE strait.lane SET epoch = :epoch WHERE origin = :origin AND sink = :sink",
            params! { "epoch" => epoch, "origin" => &identity.origin, "sink" => &identity.sink },
        )
        .await
        .map_err(failed("raising the epoch in strait.lane"))?;
        for row in &mut rows {
            row.epoch = epoch;
        }
    }
    for lane in 0..lanes {
        if rows.iter().any(|row| row.lane == lane) {
            continue;
        }
        conn.exec_drop(
            "INSERT INTO strait.lane (origin, sink, lane, epoch, seq, attempt, vector, spine_offset, cluster_id, \
             connection_id, server_uuid, server_started) VALUES (:origin, :sink, :lane, :epoch, 0, 0, '', 0, \
             :cluster, 0, '', 0)",
            params! {
                "origin" => &identity.origin, "sink" => &identity.sink, "lane" => lane, "epoch" => epoch,
                "cluster" => &identity.cluster_id,
            },
        )
        .await
        .map_err(failed("adding a row to strait.lane"))?;
        rows.push(LaneRow {
            lane,
            epoch,
            seq: Seq::from_raw(0),
            attempt: 0,
            vector: Vector::default(),
            spine_offset: 0,
            cluster_id: identity.cluster_id.clone(),
            connection_id: 0,
            server_uuid: String::new(),
            server_started: 0,
        });
    }
    if first_start && !skip.is_empty() {
        // Together with the first rows: a later setting, or none, changes nothing of what was begun with.
        conn.exec_drop(
            "INSERT INTO strait.start (origin, sink, gtid_set) VALUES (:origin, :sink, :skip)",
            params! { "origin" => &identity.origin, "sink" => &identity.sink, "skip" => skip.to_string() },
        )
        .await
        .map_err(failed("noting the start in strait.start"))?;
    }
    claim.note(epoch);
    conn.query_drop("COMMIT").await.map_err(failed("COMMIT of the raised epoch"))?;
    Ok(rows)
}

/// No row may be behind what another has seen of it.
fn verify(rows: &[LaneRow], identity: &Identity) -> Result<()> {
    for witness in rows {
        for (&lane, &seen) in &witness.vector.0 {
            let found = rows.iter().find(|row| row.lane == lane).map_or(Seq::from_raw(0), |row| row.seq);
            if found < seen {
                return Err(Error::CommitLost {
                    lane,
                    found,
                    witness: witness.lane,
                    seen,
                    place: format!(
                        "table strait.lane at the target, origin {}, sink {}",
                        identity.origin, identity.sink
                    ),
                });
            }
        }
    }
    Ok(())
}

async fn read_skip(conn: &mut Conn, identity: &Identity) -> Result<GtidSet> {
    let found: Option<String> = conn
        .exec_first(
            "SELECT gtid_set FROM strait.start WHERE origin = :origin AND sink = :sink",
            params! { "origin" => &identity.origin, "sink" => &identity.sink },
        )
        .await
        .map_err(Error::target(conn, "reading strait.start"))?;
    let Some(found) = found else { return Ok(GtidSet::new()) };
    found.parse().map_err(|_| Error::Checkpoint { table: "strait.start", column: "gtid_set", found })
}

async fn read_offsets(conn: &mut Conn, identity: &Identity) -> Result<Vec<OffsetRow>> {
    let rows: Vec<(String, i32, i64)> = conn
        .exec(
            "SELECT topic, part, next_offset FROM strait.offset WHERE origin = :origin AND sink = :sink \
             AND cluster_id = :cluster",
            params! {
                "origin" => &identity.origin, "sink" => &identity.sink, "cluster" => &identity.cluster_id,
            },
        )
        .await
        .map_err(Error::target(conn, "reading strait.offset"))?;
    Ok(rows
        .into_iter()
        .map(|(topic, partition, next_offset)| OffsetRow { topic, partition, next_offset })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(lane: u16, seq: u64, vector: &[(u16, u64)]) -> LaneRow {
        LaneRow {
            lane,
            epoch: 1,
            seq: Seq::new(1, seq),
            attempt: 1,
            vector: Vector(vector.iter().map(|&(lane, seq)| (lane, Seq::new(1, seq))).collect()),
            spine_offset: 0,
            cluster_id: String::new(),
            connection_id: 0,
            server_uuid: String::new(),
            server_started: 0,
        }
    }

    fn identity() -> Identity {
        Identity { origin: "beijing".into(), sink: "main".into(), cluster_id: String::new() }
    }

    #[test]
    fn a_row_behind_what_another_has_seen_of_it_is_refused() {
        let sound = [row(0, 5, &[(0, 4), (1, 3)]), row(1, 6, &[(0, 5), (1, 3)])];
        verify(&sound, &identity()).unwrap();
        let lost = [row(0, 4, &[(0, 3), (1, 3)]), row(1, 6, &[(0, 5), (1, 3)])];
        let error = verify(&lost, &identity()).unwrap_err();
        assert!(matches!(error, Error::CommitLost { lane: 0, witness: 1, .. }), "{error}");
    }
}
