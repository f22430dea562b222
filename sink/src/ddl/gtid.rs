//! The GTIDs that schema changes run under: of a UUID that belongs to this sink alone, one number after the other. So
//! `gtid_executed` gains one interval, and nobody else can take a number.

use strait_mysql::{
    client::{Conn, Queryable},
    gtid::{GtidSet, Uuid},
    server::place_of,
};

use crate::{
    checkpoint::Identity,
    error::{Error, Result},
};

/// Made of origin and name (FNV-1a), so that it is the same at every start.
fn own_uuid(identity: &Identity) -> Uuid {
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for byte in
        b"strait ddl\0".iter().chain(identity.origin.as_bytes()).chain(&[0]).chain(identity.sink.as_bytes())
    {
        hash = (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    let mut bytes = hash.to_be_bytes();
    // Version 8, its maker's own; the variant of RFC 9562.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Uuid(bytes)
}

/// The one after all that this server has executed.
pub async fn next(conn: &mut Conn, identity: &Identity) -> Result<String> {
    let executed = executed(conn).await?;
    let uuid = own_uuid(identity);
    let ours = executed.of(uuid).to_string();
    let last = ours.rsplit([':', '-']).next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
    Ok(format!("{uuid}:{}", last + 1))
}

/// Whether the statement that ran under this GTID took effect.
pub async fn has_executed(conn: &mut Conn, gtid: &str) -> Result<bool> {
    let wrong = || Error::Checkpoint { table: "strait.ddl", column: "gtid", found: gtid.to_owned() };
    Ok(executed(conn).await?.contains(&gtid.parse().map_err(|_| wrong())?))
}

async fn executed(conn: &mut Conn) -> Result<GtidSet> {
    let place = place_of(conn);
    let text: Option<Vec<u8>> = conn
        .query_first("SELECT @@GLOBAL.gtid_executed")
        .await
        .map_err(Error::target(conn, "reading gtid_executed"))?;
    let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
    text.parse()
        .map_err(|_| Error::Task { cause: format!("gtid_executed of {place} cannot be read: {text}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sink_has_a_uuid_of_its_own_for_ever() {
        let identity = |origin: &str, sink: &str| Identity {
            origin: origin.into(),
            sink: sink.into(),
            cluster_id: String::new(),
        };
        let uuid = own_uuid(&identity("beijing", "main")).to_string();
        assert_eq!(uuid, own_uuid(&identity("beijing", "main")).to_string());
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "8"));
        assert_ne!(uuid, own_uuid(&identity("beijing", "other")).to_string());
        assert_ne!(uuid, own_uuid(&identity("beijingm", "ain")).to_string());
    }
}
