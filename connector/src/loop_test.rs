//! Telling our own sink's transactions from everybody else's, so that a change does not travel in circles.
//!
//! The sink begins each of its transactions by writing its row of `strait.lane`, so the transaction is ours
//! if and only if its first rows event inserts or updates that table. The mark is a row, not a session
//! variable or a server id: it survives whatever lies between sink and binary log. Since a mark hides a
//! transaction from every reader, it must be plausible: under one epoch the seq of a lane never falls, and
//! the epoch itself never does. Anything else means that the table was written by hand, restored from a
//! backup, or is shared by two sinks; then halting is the only answer that loses nothing.

use std::{borrow::Cow, collections::BTreeMap};

use strait_mysql::{
    binlog::{RowsKind, TableMap},
    value::ColumnValue,
};
use strait_schemas::{LaneMark, Seq};

use crate::filter::STRAIT;

const LANE: &str = "lane";

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadMark {
    #[error("the sink's table has no column {0}")]
    NoColumn(&'static str),
    #[error("column {0} of the sink's table holds no plain value")]
    Value(&'static str),
    #[error(
        "column {0} of the sink's table is not in the row image: SET PERSIST binlog_row_image = FULL at this server, which a sink writes to"
    )]
    Absent(&'static str),
    #[error(
        "lane {lane} goes back from epoch {} seq {} to epoch {} seq {}: the transaction claims to be a sink's, but no sink of ours writes that",
        known.epoch, known.seq, read.epoch, read.seq
    )]
    Implausible { lane: String, known: LaneMark, read: LaneMark },
}

pub fn is_lane_table(map: &TableMap) -> bool {
    map.database == STRAIT && map.table == LANE
}

/// Whether a transaction whose first rows event is this one was written by a sink.
pub fn is_marked(map: &TableMap, kind: RowsKind) -> bool {
    is_lane_table(map) && kind != RowsKind::Delete
}

/// Where the columns of `strait.lane` are in its row images.
#[derive(Debug, Clone, Copy)]
pub struct LaneColumns {
    origin: usize,
    sink: usize,
    lane: usize,
    epoch: usize,
    seq: usize,
}

/// One row of `strait.lane`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneRow {
    pub origin: String,
    /// `origin/sink/lane`
    pub key: String,
    pub mark: LaneMark,
}

impl LaneColumns {
    pub fn of(map: &TableMap) -> Result<Self, BadMark> {
        let place = |name| map.column(name).ok_or(BadMark::NoColumn(name));
        Ok(Self {
            origin: place("origin")?,
            sink: place("sink")?,
            lane: place("lane")?,
            epoch: place("epoch")?,
            seq: place("seq")?,
        })
    }

    pub fn read(&self, row: &[ColumnValue<'_>]) -> Result<LaneRow, BadMark> {
        let origin = text(row, self.origin, "origin")?;
        let sink = text(row, self.sink, "sink")?;
        let lane = number(row, self.lane, "lane")?;
        let mark = LaneMark {
            epoch: number(row, self.epoch, "epoch")?,
            seq: Seq::from_raw(number(row, self.seq, "seq")?),
        };
        Ok(LaneRow { key: format!("{origin}/{sink}/{lane}"), origin, mark })
    }
}

pub fn text(row: &[ColumnValue<'_>], at: usize, name: &'static str) -> Result<String, BadMark> {
    String::from_utf8(bytes(row, at, name)?.into_owned()).map_err(|_| BadMark::Value(name))
}

/// Text that is only compared with others that are read so.
pub fn lossy(row: &[ColumnValue<'_>], at: usize, name: &'static str) -> Result<String, BadMark> {
    Ok(String::from_utf8_lossy(&bytes(row, at, name)?).into_owned())
}

fn bytes<'a>(row: &[ColumnValue<'a>], at: usize, name: &'static str) -> Result<Cow<'a, [u8]>, BadMark> {
    match row.get(at) {
        Some(ColumnValue::Text(bytes)) => Ok((*bytes).into()),
        Some(ColumnValue::Binary(value)) => Ok(value.to_bytes()),
        Some(ColumnValue::Absent) => Err(BadMark::Absent(name)),
        _ => Err(BadMark::Value(name)),
    }
}

pub fn number(row: &[ColumnValue<'_>], at: usize, name: &'static str) -> Result<u64, BadMark> {
    match row.get(at) {
        Some(ColumnValue::UInt(number)) => Ok(*number),
        Some(ColumnValue::Int(number)) => u64::try_from(*number).map_err(|_| BadMark::Value(name)),
        Some(ColumnValue::Absent) => Err(BadMark::Absent(name)),
        _ => Err(BadMark::Value(name)),
    }
}

/// Takes a mark over, if it is plausible after the ones before.
pub fn accept(lanes: &mut BTreeMap<String, LaneMark>, row: &LaneRow) -> Result<(), BadMark> {
    if let Some(known) = lanes.get_mut(&row.key) {
        if (row.mark.epoch, row.mark.seq) < (known.epoch, known.seq) {
            return Err(BadMark::Implausible { lane: row.key.clone(), known: *known, read: row.mark });
        }
        *known = row.mark;
    } else {
        lanes.insert(row.key.clone(), row.mark);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use strait_mysql::{
        binlog::{ColumnDef, ColumnType},
        value::BinaryValue,
    };

    fn lane_table(columns: &[&str]) -> TableMap {
        let columns = columns.iter().map(|name| ColumnDef {
            name: (*name).into(),
            ty: ColumnType::LongLong,
            unsigned: true,
            nullable: false,
            collation: None,
            labels: [].into(),
            visible: true,
        });
        TableMap::new("strait".into(), "lane".into(), columns.collect(), vec![], true)
    }

    fn row(epoch: u64, number: u64) -> LaneRow {
        let mark = LaneMark { epoch, seq: Seq::new(1, number) };
        LaneRow { origin: "beijing".into(), key: "beijing/main/0".into(), mark }
    }

    #[test]
    fn only_inserts_and_updates_of_the_lane_table_are_marks() {
        let lane = lane_table(&[]);
        assert!(is_marked(&lane, RowsKind::Update) && is_marked(&lane, RowsKind::Insert));
        assert!(!is_marked(&lane, RowsKind::Delete));
        let mut other = lane_table(&[]);
        other.database = "shop".into();
        assert!(!is_marked(&other, RowsKind::Update));
    }

    #[test]
    fn columns_are_found_by_name() {
        let map = lane_table(&["seq", "extra", "origin", "sink", "lane", "epoch"]);
        let columns = LaneColumns::of(&map).expect("has them all");
        let raw = Seq::new(1, 9).raw();
        let values = [
            ColumnValue::UInt(raw),
            ColumnValue::Null,
            ColumnValue::Text(b"beijing"),
            ColumnValue::Binary(BinaryValue::whole(b"main")),
            ColumnValue::UInt(3),
            ColumnValue::Int(7),
        ];
        let row = columns.read(&values).expect("reads");
        assert_eq!((row.key.as_str(), row.origin.as_str()), ("beijing/main/3", "beijing"));
        assert_eq!(row.mark, LaneMark { epoch: 7, seq: Seq::new(1, 9) });
        let missing = LaneColumns::of(&lane_table(&["origin", "sink", "lane", "seq"])).expect_err("no epoch");
        assert_eq!(missing, BadMark::NoColumn("epoch"));
    }

    #[test]
    fn a_lane_never_goes_back() {
        let mut lanes = BTreeMap::new();
        for (epoch, number) in [(1, 5), (1, 5), (1, 6), (2, 1), (2, 2)] {
            accept(&mut lanes, &row(epoch, number)).expect("plausible");
        }
        for (epoch, number) in [(2, 1), (1, 9)] {
            let error = accept(&mut lanes, &row(epoch, number)).expect_err("implausible");
            assert!(
                error.to_string().starts_with("lane beijing/main/0 goes back from epoch 2 seq 1-2"),
                "{error}"
            );
        }
        assert_eq!(lanes["beijing/main/0"], row(2, 2).mark, "a refused mark changes nothing");
    }
}
