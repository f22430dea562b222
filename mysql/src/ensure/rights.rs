//! What the account may do at the source.

use mysql_async::{Conn, Row, prelude::Queryable};

use super::{Finding, Grants, Verdict};
use crate::{
    Result,
    client::{code, server_code, text},
    server::{Error, Flavor, ServerFacts},
};

/// REPLICATION SLAVE to stream, REPLICATION CLIENT (MariaDB: BINLOG MONITOR) to ask where the log stands.
pub fn ensure_replication_rights(facts: &ServerFacts, grants: &Grants) -> Vec<Finding> {
    let client = match facts.flavor {
        Flavor::Mysql => "REPLICATION CLIENT",
        Flavor::MariaDb => "BINLOG MONITOR",
    };
    let wanted = [("REPLICATION SLAVE", "read the binary log"), (client, "ask where the binary log stands")];
    wanted
        .into_iter()
        .filter(|(privilege, _)| !grants.globally(privilege))
        .map(|(privilege, purpose)| {
            Finding::refusal(
                "replication_rights",
                &facts.place,
                format!("the account has no right {privilege}: it may not {purpose}"),
                format!("GRANT {privilege} ON *.* TO {};", grants.grantee()),
            )
        })
        .collect()
}

/// SELECT, to read what a snapshot brings. The server hides tables that the account has no right on: a snapshot would
/// pass them over without a word. `databases`: what is to be read; empty: all.
pub fn ensure_snapshot_rights(facts: &ServerFacts, grants: &Grants, databases: &[String]) -> Vec<Finding> {
    if grants.globally("SELECT") {
        return Vec::new();
    }
    if databases.is_empty() {
        return vec![Finding::warning(
            "snapshot_rights",
            &facts.place,
            "the account has no right SELECT on all databases: the snapshot brings only what it may see, while changes of \
             the rest are published all the same",
            format!(
                "GRANT SELECT ON *.* TO {}; or name the databases that are meant in database.include.list",
                grants.grantee()
            ),
        )];
    }
    let hidden = databases.iter().filter(|database| !grants.in_database("SELECT", database));
    hidden
        .map(|database| {
            Finding::refusal(
                "snapshot_rights",
                &facts.place,
                format!(
                    "the account has no right SELECT on database {database}, which the snapshot is to bring"
                ),
                format!(
                    "GRANT SELECT ON `{database}`.* TO {}; or snapshot.mode = \"never\"",
                    grants.grantee()
                ),
            )
        })
        .collect()
}

/// No other replica may use our `server_id`: the server would end one stream for the other, for ever. Best
/// effort: a registration may outlive its connection for a while, and our own is among them while we run.
pub async fn ensure_server_id_free(conn: &mut Conn, facts: &ServerFacts, server_id: u32) -> Result<Verdict> {
    if server_id == 0 {
        return Ok(Err(Finding::refusal(
            "server_id",
            &facts.place,
            "server_id = 0 is no replica's id",
            "set source.server_id to a number that no server or replica around here uses",
        )));
    }
    if server_id == facts.server_id {
        return Ok(Err(Finding::refusal(
            "server_id",
            &facts.place,
            format!("server_id {server_id} is the source's own"),
            "set source.server_id to a number that no server or replica around here uses",
        )));
    }
    let Some(host) = registered(conn, facts, server_id).await? else { return Ok(Ok(())) };
    Ok(Err(Finding::warning(
        "server_id",
        &facts.place,
        format!(
            "a replica with server_id {server_id} is connected ({host}). If it is not this connector itself, the two \
             would end each other's stream"
        ),
        "set source.server_id to another number; SHOW REPLICAS lists those in use",
    )))
}

/// The host under which a replica of that id has registered.
async fn registered(conn: &mut Conn, facts: &ServerFacts, server_id: u32) -> Result<Option<String>> {
    let query = match facts.flavor {
        Flavor::Mysql => "SHOW REPLICAS",
        Flavor::MariaDb => "SHOW SLAVE HOSTS",
    };
    let rows: Vec<Row> = match conn.query(query).await {
        Ok(rows) => rows,
        Err(error)
            if matches!(server_code(&error), Some(code::SPECIFIC_ACCESS_DENIED | code::PARSE_ERROR)) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(Error::query(&facts.place, "listing the replicas")(error).into()),
    };
    let wanted = server_id.to_string();
    Ok(rows.iter().find(|row| text(row, 0).as_deref() == Some(wanted.as_str())).map(|row| {
        match text(row, 1).filter(|host| !host.is_empty()) {
            Some(host) => format!("it calls itself {host:?}"),
            None => "it gives no host name".to_owned(),
        }
    }))
}
