//! The database `strait` at the target: created once, by the sink itself.
//!
//! `lane` is at once the exactly-once checkpoint, the fence and the marker by which the connector beside this
//! server knows the sink's own transactions; `offset` holds hints where to begin reading each partition;
//! `snapshot` lists the tables that a snapshot has not brought whole yet; `ddl` says what schema change is about to be
//! made, for the next start and for that connector. `keyed_lane` is what `lane` and `offset` are, where the order is that of
//! keys: a row for each partition.
//! All text is binary-collated, so that what identifies a row is compared byte by byte. Where the tables
//! exist nothing is executed: a CREATE ... IF NOT EXISTS would go to the binary log at every start.

use strait_mysql::{
    client::{Conn, Queryable},
    server::place_of,
};

use crate::error::{Error, Result};

const CREATE_DATABASE: &str =
    "CREATE DATABASE IF NOT EXISTS strait CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

const TABLES: [(&str, &str); 5] = [
    (
        "lane",
        "CREATE TABLE IF NOT EXISTS strait.lane (
  origin VARCHAR(64) NOT NULL COMMENT 'the site whose changes these are',
  sink VARCHAR(64) NOT NULL COMMENT 'sink.name',
  lane SMALLINT UNSIGNED NOT NULL,
  epoch BIGINT UNSIGNED NOT NULL COMMENT 'grows at each start of the sink: the fence',
  seq BIGINT UNSIGNED NOT NULL COMMENT 'last transaction applied by this lane; 0: none',
  attempt INT UNSIGNED NOT NULL,
  vector VARCHAR(4096) NOT NULL COMMENT 'last seq of each lane when this was written',
  spine_offset BIGINT NOT NULL COMMENT 'where to read the spine on; a hint',
  cluster_id VARCHAR(64) NOT NULL COMMENT 'the Kafka cluster whose offsets these are',
  connection_id BIGINT UNSIGNED NOT NULL,
  server_uuid VARCHAR(36) NOT NULL COMMENT 'the server that connection_id belongs to',
  server_started BIGINT NOT NULL COMMENT 'start of that server, seconds since 1970',
  PRIMARY KEY (origin, sink, lane)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='Strait: how far each sink has applied'",
    ),
    (
        "offset",
        "CREATE TABLE IF NOT EXISTS strait.offset (
  origin VARCHAR(64) NOT NULL,
  sink VARCHAR(64) NOT NULL,
  topic VARCHAR(249) NOT NULL,
  part INT NOT NULL,
  next_offset BIGINT NOT NULL COMMENT 'every record before it is applied; a hint',
  cluster_id VARCHAR(64) NOT NULL,
  PRIMARY KEY (origin, sink, topic, part)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='Strait: where to begin reading'",
    ),
    (
        "start",
        "CREATE TABLE IF NOT EXISTS strait.start (
  origin VARCHAR(64) NOT NULL,
  sink VARCHAR(64) NOT NULL,
  gtid_set MEDIUMTEXT NOT NULL COMMENT 'transactions that the target had from a backup at the very first start',
  PRIMARY KEY (origin, sink)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='Strait: what is never applied'",
    ),
    (
        "snapshot",
        "CREATE TABLE IF NOT EXISTS strait.snapshot (
  origin VARCHAR(64) NOT NULL,
  sink VARCHAR(64) NOT NULL,
  database_name VARCHAR(64) NOT NULL,
  table_name VARCHAR(64) NOT NULL,
  PRIMARY KEY (origin, sink, database_name, table_name)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='Strait: tables that a snapshot has not brought whole yet'",
    ),
    (
        "ddl",
        "CREATE TABLE IF NOT EXISTS strait.ddl (
  origin VARCHAR(64) NOT NULL,
  sink VARCHAR(64) NOT NULL,
  epoch BIGINT UNSIGNED NOT NULL,
  seq BIGINT UNSIGNED NOT NULL COMMENT 'the schema change that is made; done once a lane is past it',
  gtid VARCHAR(128) NOT NULL COMMENT 'what it runs under; empty: the server''s own',
  connection_id BIGINT UNSIGNED NOT NULL COMMENT 'which runs it',
  server_uuid VARCHAR(36) NOT NULL COMMENT 'the server that connection_id belongs to',
  server_started BIGINT NOT NULL COMMENT 'start of that server, seconds since 1970',
  database_name VARCHAR(64) NOT NULL,
  statement LONGBLOB NOT NULL,
  outcome VARCHAR(8) NOT NULL COMMENT 'set by hand where the server cannot tell: ran, not-run',
  PRIMARY KEY (origin, sink)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='Strait: schema changes under way'",
    ),
];

/// With `order = "key"` alone.
const KEYED: [(&str, &str); 2] = [
    (
        "keyed_lane",
        "CREATE TABLE IF NOT EXISTS strait.keyed_lane (
  origin VARCHAR(64) NOT NULL COMMENT 'the site whose changes these are',
  sink VARCHAR(64) NOT NULL COMMENT 'sink.name',
  topic VARCHAR(249) NOT NULL,
  part INT NOT NULL,
  epoch BIGINT UNSIGNED NOT NULL COMMENT 'grows with each assignment of the partition: the fence',
  next_offset BIGINT NOT NULL COMMENT 'every record before it is applied, none from it on; -1: none is',
  seq BIGINT UNSIGNED NOT NULL COMMENT 'of the last record of strait-connector; 0: there was none',
  record_index INT UNSIGNED NOT NULL,
  attempt INT UNSIGNED NOT NULL,
  cluster_id VARCHAR(64) NOT NULL COMMENT 'the Kafka cluster whose offset it is',
  connection_id BIGINT UNSIGNED NOT NULL,
  server_uuid VARCHAR(36) NOT NULL COMMENT 'the server that connection_id belongs to',
  server_started BIGINT NOT NULL COMMENT 'start of that server, seconds since 1970',
  PRIMARY KEY (origin, sink, topic, part)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='Strait: how far each partition is applied by key'",
    ),
    (
        "keyed_topic",
        "CREATE TABLE IF NOT EXISTS strait.keyed_topic (
  origin VARCHAR(64) NOT NULL,
  sink VARCHAR(64) NOT NULL,
  topic VARCHAR(249) NOT NULL,
  partitions INT NOT NULL COMMENT 'that the topic had; with another number records of a key lie in two partitions',
  key_forms VARCHAR(2000) NOT NULL COMMENT 'of the keys'' bytes, which choose the partition: those that are known, with commas between',
  PRIMARY KEY (origin, sink, topic)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='Strait: what leads a key to its partition'",
    ),
];

/// Creates what is missing of the private schema, and is needed where the order is that of transactions.
pub async fn create(conn: &mut Conn) -> Result<()> {
    create_tables(conn, &TABLES).await
}

/// What is needed where the order is that of keys.
pub async fn create_keyed(conn: &mut Conn) -> Result<()> {
    create_tables(conn, &KEYED).await
}

/// Sinks that begin at the same time take turns: CREATE TABLE IF NOT EXISTS of a table that another has just
/// made waits for every transaction on it, and whoever comes to the table next waits behind it.
async fn create_tables(conn: &mut Conn, tables: &[(&str, &str)]) -> Result<()> {
    let place = place_of(conn);
    let failed = |source| {
        let doing = "creating the private schema `strait`".into();
        Error::Target { doing, place: place.clone(), source }
    };
    if is_complete(conn, tables).await? {
        return Ok(());
    }
    conn.query_drop("DO GET_LOCK('strait.private_schema', 30)").await.map_err(failed)?;
    if !is_complete(conn, tables).await? {
        // In that database: MariaDB logs of a statement only the default one, by which a connector leaves it out.
        for statement in
            [CREATE_DATABASE, "USE strait"].into_iter().chain(tables.iter().map(|(_, create)| *create))
        {
            conn.query_drop(statement).await.map_err(failed)?;
        }
        tracing::info!("created the private schema strait at the target");
    }
    conn.query_drop("DO RELEASE_LOCK('strait.private_schema')").await.map_err(failed)
}

async fn is_complete(conn: &mut Conn, tables: &[(&str, &str)]) -> Result<bool> {
    let existing: Vec<String> = conn
        .query("SELECT CONVERT(TABLE_NAME USING utf8mb4) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'strait'")
        .await
        .map_err(Error::target(conn, "looking for the private schema `strait`"))?;
    Ok(tables.iter().all(|(name, _)| existing.iter().any(|table| table == name)))
}
