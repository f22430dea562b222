//! A value of each type that says nothing, for columns that may not be NULL and that a partial image does not have.

use strait_mysql::{
    binlog::{BINARY_COLLATION, ColumnDef, ColumnType, GeometryKind},
    value::{BinaryValue, ColumnValue, Date, DateTime, DecimalValue, Time},
};

/// An empty collection of geometries, without a reference system.
const NOWHERE: [u8; 13] = [0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 0];
/// The point (0, 0), without a reference system.
const POINT: [u8; 25] = [0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const EPOCH: Date = Date { year: 1970, month: 1, day: 1 };
const EPOCH_TIME: DateTime = DateTime { date: EPOCH, hour: 0, minute: 0, second: 0, micros: 0 };
const MIDNIGHT: Time = Time { negative: false, hours: 0, minutes: 0, seconds: 0, micros: 0 };

#[derive(Debug)]
pub struct Zero {
    ty: ColumnType,
    binary: bool,
    unsigned: bool,
    /// What the value borrows, if it does.
    bytes: Box<[u8]>,
}

impl Zero {
    pub fn of(column: &ColumnDef) -> Self {
        let bytes: Vec<u8> = match column.ty {
            ColumnType::Decimal { precision, scale } => {
                let text = format!("0.{:0<1$}", "", usize::from(scale));
                DecimalValue::store(text.as_bytes(), precision, scale).unwrap_or_default()
            }
            ColumnType::Bit { bits } => vec![0; usize::from(bits).div_ceil(8)],
            ColumnType::Geometry { kind: GeometryKind::Point, .. } => POINT.into(),
            ColumnType::Geometry { .. } => NOWHERE.into(),
            ColumnType::Vector { dimensions, .. } => vec![0; dimensions as usize * 4],
            _ => Vec::new(),
        };
        let binary = column.collation.is_none_or(|collation| collation == BINARY_COLLATION);
        Self { ty: column.ty, binary, unsigned: column.unsigned, bytes: bytes.into() }
    }

    pub fn value(&self) -> ColumnValue<'_> {
        match self.ty {
            ColumnType::Float => ColumnValue::Float(0.0),
            ColumnType::Double => ColumnValue::Double(0.0),
            ColumnType::Decimal { precision, scale } => DecimalValue::new(&self.bytes, precision, scale)
                .map_or(ColumnValue::Null, ColumnValue::Decimal),
            ColumnType::Year => ColumnValue::Year(0),
            ColumnType::Date => ColumnValue::Date(EPOCH),
            ColumnType::Time { .. } => ColumnValue::Time(MIDNIGHT),
            ColumnType::DateTime { .. } => ColumnValue::DateTime(EPOCH_TIME),
            ColumnType::Timestamp { .. } => ColumnValue::Timestamp { seconds: 0, micros: 0 },
            ColumnType::Bit { bits } => ColumnValue::Bit { bytes: &self.bytes, bits },
            ColumnType::Enum { .. } => ColumnValue::Enum(0),
            ColumnType::Set { .. } => ColumnValue::Set(0),
            ColumnType::Json { .. } => ColumnValue::JsonText("null"),
            ColumnType::Geometry { .. } => ColumnValue::Geometry(&self.bytes),
            ColumnType::Vector { .. } => ColumnValue::Vector(&self.bytes),
            ColumnType::Char { .. } | ColumnType::VarChar { .. } | ColumnType::Blob { .. } if self.binary => {
                ColumnValue::Binary(BinaryValue::whole(&[]))
            }
            ColumnType::Char { .. } | ColumnType::VarChar { .. } | ColumnType::Blob { .. } => {
                ColumnValue::Text(&[])
            }
            _ if self.unsigned => ColumnValue::UInt(0),
            _ => ColumnValue::Int(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_one() {
        let column = |ty| ColumnDef {
            name: "c".into(),
            ty,
            unsigned: false,
            nullable: false,
            collation: Some(255),
            labels: [].into(),
            visible: true,
        };
        for ty in [
            ColumnType::Tiny,
            ColumnType::Double,
            ColumnType::Decimal { precision: 10, scale: 0 },
            ColumnType::Decimal { precision: 10, scale: 3 },
            ColumnType::Decimal { precision: 5, scale: 5 },
            ColumnType::Bit { bits: 12 },
            ColumnType::Date,
            ColumnType::Timestamp { fsp: 3 },
            ColumnType::Enum { bytes: 1 },
            ColumnType::VarChar { max_bytes: 20 },
            ColumnType::Json { length_bytes: 4 },
            ColumnType::Vector { length_bytes: 4, dimensions: 3 },
        ] {
            let zero = Zero::of(&column(ty));
            assert!(!matches!(zero.value(), ColumnValue::Null | ColumnValue::Absent), "{ty:?}");
        }
    }
}
