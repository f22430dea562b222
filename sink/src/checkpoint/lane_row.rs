//! One row of `strait.lane`.

use std::{collections::BTreeMap, fmt, str::FromStr};

use strait_mysql::client::{Row, from_value_opt};
use strait_schemas::Seq;

use crate::error::{Error, Result};

/// Every lane's last seq as it was known, "0:1-41 1:1-42".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vector(pub BTreeMap<u16, Seq>);

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (lane, seq)) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{lane}:{seq}")?;
        }
        Ok(())
    }
}

impl FromStr for Vector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::Checkpoint { table: "strait.lane", column: "vector", found: text.to_owned() };
        text.split_ascii_whitespace()
            .map(|entry| {
                let (lane, seq) = entry.split_once(':').ok_or_else(wrong)?;
                Ok((lane.parse().map_err(|_| wrong())?, seq.parse().map_err(|_| wrong())?))
            })
            .collect::<Result<_>>()
            .map(Self)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneRow {
    pub lane: u16,
    pub epoch: u64,
    /// `Seq` 0: nothing applied yet.
    pub seq: Seq,
    pub attempt: u32,
    pub vector: Vector,
    pub spine_offset: i64,
    pub cluster_id: String,
    pub connection_id: u64,
    pub server_uuid: String,
    pub server_started: i64,
}

impl LaneRow {
    pub const COLUMNS: &str = "lane, epoch, seq, attempt, vector, spine_offset, cluster_id, connection_id, \
                               server_uuid, server_started";

    /// Reads a row selected as `COLUMNS`.
    pub fn read(mut row: Row) -> Result<Self> {
        Ok(Self {
            lane: column(&mut row, 0, "lane")?,
            epoch: column(&mut row, 1, "epoch")?,
            seq: Seq::from_raw(column(&mut row, 2, "seq")?),
            attempt: column(&mut row, 3, "attempt")?,
            vector: column::<String>(&mut row, 4, "vector")?.parse()?,
            spine_offset: column(&mut row, 5, "spine_offset")?,
            cluster_id: column(&mut row, 6, "cluster_id")?,
            connection_id: column(&mut row, 7, "connection_id")?,
            server_uuid: column(&mut row, 8, "server_uuid")?,
            server_started: column(&mut row, 9, "server_started")?,
        })
    }
}

fn column<T: strait_mysql::client::FromValue>(row: &mut Row, at: usize, name: &'static str) -> Result<T> {
    let value = row.take(at).unwrap_or(strait_mysql::client::Value::NULL);
    from_value_opt(value).map_err(|error| Error::Checkpoint {
        table: "strait.lane",
        column: name,
        found: format!("{error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_survives_its_text_form() {
        let vector = Vector([(0, Seq::new(1, 41)), (3, Seq::new(2, 7))].into());
        assert_eq!(vector.to_string(), "0:1-41 3:2-7");
        assert_eq!("0:1-41 3:2-7".parse::<Vector>().unwrap(), vector);
        assert_eq!("".parse::<Vector>().unwrap(), Vector::default());
        assert!("0=1".parse::<Vector>().is_err());
    }
}
