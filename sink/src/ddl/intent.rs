//! `strait.ddl`: what this sink is about to run. One row a sink: the next schema change writes over it.

use strait_mysql::{
    client::{Conn, Queryable, Row, from_value_opt, params},
    server::{ServerOptions, connect_session, place_of},
};
use strait_schemas::Seq;

use crate::{
    apply::session,
    checkpoint::{Identity, ServerRun},
    error::{Error, Result},
};

/// Nobody holds the rows for longer than a commit takes.
const LOCK_WAIT_S: u32 = 50;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    pub seq: Seq,
    /// Empty: the statement runs under none of ours.
    pub gtid: String,
    pub connection_id: u64,
    /// Whose connection that is.
    pub server: ServerRun,
    pub database: String,
    pub statement: Vec<u8>,
    /// What a human has found: "ran" or "not-run".
    pub outcome: String,
}

/// Commits an intent, if no other sink has taken over.
pub async fn commit(options: &ServerOptions, identity: &Identity, epoch: u64, intent: &Intent) -> Result<()> {
    let mut conn = connect_session(options, &session(LOCK_WAIT_S)).await?;
    let place = place_of(&conn);
    let failed = |source| Error::Target {
        doing: "noting a schema change in strait.ddl".into(),
        place: place.clone(),
        source,
    };
    conn.query_drop("START TRANSACTION").await.map_err(failed)?;
    // A takeover writes these rows: it comes before, and is seen here, or after, and finds the intent.
    let epochs: Vec<u64> = conn
        .exec(
            "SELECT epoch FROM strait.lane WHERE origin = :origin AND sink = :sink LOCK IN SHARE MODE",
            params! { "origin" => &identity.origin, "sink" => &identity.sink },
        )
        .await
        .map_err(failed)?;
    if epochs.is_empty() || epochs.iter().any(|found| *found != epoch) {
        let place =
            format!("table strait.lane at {place}, origin {}, sink {}", identity.origin, identity.sink);
        return Err(Error::Fenced { lane: 0, epoch, seq: intent.seq, place, successor: None });
    }
    conn.exec_drop(
        "INSERT INTO strait.ddl (origin, sink, epoch, seq, gtid, connection_id, server_uuid, server_started, database_name, \
         statement, outcome) VALUES (:origin, :sink, :epoch, :seq, :gtid, :connection, :uuid, :started, :database, :statement, '') \
         ON DUPLICATE KEY UPDATE epoch = VALUES(epoch), seq = VALUES(seq), gtid = VALUES(gtid), \
         connection_id = VALUES(connection_id), server_uuid = VALUES(server_uuid), server_started = VALUES(server_started), \
         database_name = VALUES(database_name), statement = VALUES(statement), outcome = ''",
        params! {
            "origin" => &identity.origin, "sink" => &identity.sink, "epoch" => epoch, "seq" => intent.seq.raw(),
            "gtid" => &intent.gtid, "connection" => intent.connection_id, "uuid" => &intent.server.uuid,
            "started" => intent.server.started, "database" => &intent.database, "statement" => &intent.statement,
        },
    )
    .await
    .map_err(failed)?;
    conn.query_drop("COMMIT").await.map_err(failed)
}

/// The last one that was noted.
pub async fn read(conn: &mut Conn, identity: &Identity) -> Result<Option<Intent>> {
    let row: Option<Row> = conn
        .exec_first(
            "SELECT seq, gtid, connection_id, server_uuid, server_started, database_name, statement, outcome FROM strait.ddl \
             WHERE origin = :origin AND sink = :sink",
            params! { "origin" => &identity.origin, "sink" => &identity.sink },
        )
        .await
        .map_err(Error::target(conn, "reading strait.ddl"))?;
    row.map(|mut row| {
        Ok(Intent {
            seq: Seq::from_raw(column(&mut row, 0, "seq")?),
            gtid: column(&mut row, 1, "gtid")?,
            connection_id: column(&mut row, 2, "connection_id")?,
            server: ServerRun {
                uuid: column(&mut row, 3, "server_uuid")?,
                started: column(&mut row, 4, "server_started")?,
            },
            database: column(&mut row, 5, "database_name")?,
            statement: column(&mut row, 6, "statement")?,
            outcome: column(&mut row, 7, "outcome")?,
        })
    })
    .transpose()
}

fn column<T: strait_mysql::client::FromValue>(row: &mut Row, at: usize, name: &'static str) -> Result<T> {
    let value = row.take(at).unwrap_or(strait_mysql::client::Value::NULL);
    from_value_opt(value).map_err(|error| Error::Checkpoint {
        table: "strait.ddl",
        column: name,
        found: format!("{error}"),
    })
}
