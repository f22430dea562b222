//! How the server marks a schema change as this sink's, so that it can tell later whether it took effect.
//!
//! MySQL takes a GTID of our choice: of a UUID that belongs to this sink alone, one number after the other. So
//! `gtid_executed` gains one interval, and nobody else can take a number.
//!
//! MariaDB numbers a domain itself, and to choose a number there would race with everybody who commits; a domain of our
//! own would let a replica that applies domains side by side change the order. But it takes the server_id of a
//! GTID from the session: under one that belongs to this sink alone, `gtid_binlog_state` shows a number that was not
//! yet given before, exactly if the statement was logged. (A server that crashed meanwhile may have logged it
//! when it came up, under its own server_id: see `recovered`.)

use strait_mysql::{
    client::{ClientError, Conn, Queryable},
    gtid::{DomainGtid, Gtid, GtidSet, Uuid},
    server::{Flavor, place_of},
};

use crate::{
    checkpoint::Identity,
    error::{Error, Result},
};

/// Made of origin and name (FNV-1a), so that it is the same at every start.
fn own_number(identity: &Identity) -> u128 {
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for byte in
        b"strait ddl\0".iter().chain(identity.origin.as_bytes()).chain(&[0]).chain(identity.sink.as_bytes())
    {
        hash = (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    hash
}

fn own_uuid(identity: &Identity) -> Uuid {
    let mut bytes = own_number(identity).to_be_bytes();
    // Version 8, its maker's own; the variant of RFC 9562.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Uuid(bytes)
}

/// Large, for those that people give are small.
fn own_server_id(identity: &Identity) -> u32 {
    own_number(identity) as u32 | 1 << 31
}

/// MySQL: the one after all that this server has executed. MariaDB: the least that it can get, with our server_id.
pub async fn next(conn: &mut Conn, flavor: Flavor, identity: &Identity) -> Result<String> {
    let executed = executed(conn, flavor).await?;
    match flavor {
        Flavor::Mysql => {
            let uuid = own_uuid(identity);
            let ours = executed.of(uuid).to_string();
            let last = ours.rsplit([':', '-']).next().and_then(|number| number.parse::<u64>().ok());
            Ok(format!("{uuid}:{}", last.unwrap_or(0) + 1))
        }
        Flavor::MariaDb => {
            let domain: Option<u32> = conn
                .query_first("SELECT @@SESSION.gtid_domain_id")
                .await
                .map_err(Error::target(conn, "reading gtid_domain_id"))?;
            let domain = domain.unwrap_or(0);
            let gtid =
                DomainGtid { domain, server: own_server_id(identity), number: executed.last_in(domain) + 1 };
            Ok(gtid.to_string())
        }
    }
}

/// Whether it is the very one that the statement gets, and not the least one.
pub fn is_chosen(gtid: &str) -> bool {
    matches!(gtid.parse(), Ok(Gtid::Uuid(_)))
}

/// Lets the session's next statement run under it; waits for whoever holds it.
pub async fn take(conn: &mut Conn, gtid: &str) -> Result<(), ClientError> {
    match gtid.parse() {
        // A first phase of ALTER that is logged is no ALTER that took effect.
        Ok(Gtid::Domain(gtid)) => {
            let set = format!("SET SESSION binlog_alter_two_phase = 0, server_id = {}", gtid.server);
            conn.query_drop(set).await
        }
        _ => conn.query_drop(format!("SET SESSION gtid_next = '{gtid}'")).await,
    }
}

/// Whether the statement that ran under this GTID took effect.
pub async fn has_executed(conn: &mut Conn, gtid: &str) -> Result<bool> {
    let wrong = || Error::Checkpoint { table: "strait.ddl", column: "gtid", found: gtid.to_owned() };
    let gtid = gtid.parse().map_err(|_| wrong())?;
    let flavor = match gtid {
        Gtid::Uuid(_) => Flavor::Mysql,
        Gtid::Domain(_) => Flavor::MariaDb,
    };
    let mut ours = GtidSet::new();
    ours.add(&gtid);
    Ok(executed(conn, flavor).await?.contains_set(&ours))
}

async fn executed(conn: &mut Conn, flavor: Flavor) -> Result<GtidSet> {
    let place = place_of(conn);
    let variable = match flavor {
        Flavor::Mysql => "gtid_executed",
        Flavor::MariaDb => "gtid_binlog_state",
    };
    let text: Option<Vec<u8>> = conn
        .query_first(format!("SELECT @@GLOBAL.{variable}"))
        .await
        .map_err(Error::target(conn, "reading what the server has executed"))?;
    let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
    text.parse().map_err(|_| Error::Task { cause: format!("{variable} of {place} cannot be read: {text}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sink_has_a_name_of_its_own_for_ever() {
        let identity = |origin: &str, sink: &str| Identity {
            origin: origin.into(),
            sink: sink.into(),
            cluster_id: String::new(),
        };
        let beijing = identity("beijing", "main");
        let uuid = own_uuid(&beijing).to_string();
        assert_eq!(uuid, own_uuid(&identity("beijing", "main")).to_string());
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "8"));
        for other in [identity("beijing", "other"), identity("beijingm", "ain")] {
            assert_ne!(uuid, own_uuid(&other).to_string());
            assert_ne!(own_server_id(&beijing), own_server_id(&other));
        }
        assert!(own_server_id(&beijing) >= 1 << 31);
    }
}
