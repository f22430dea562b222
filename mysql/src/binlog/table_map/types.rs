//! Column types: the server's type number and its metadata bytes -> [`ColumnType`].

use super::{ColumnType, GeometryKind};
use crate::{
    binlog::{Reader, Result},
    value::DecimalValue,
};

mod code {
    pub const DECIMAL: u8 = 0;
    pub const TINY: u8 = 1;
    pub const SHORT: u8 = 2;
    pub const LONG: u8 = 3;
    pub const FLOAT: u8 = 4;
    pub const DOUBLE: u8 = 5;
    pub const NULL: u8 = 6;
    pub const TIMESTAMP: u8 = 7;
    pub const LONGLONG: u8 = 8;
    pub const INT24: u8 = 9;
    pub const DATE: u8 = 10;
    pub const TIME: u8 = 11;
    pub const DATETIME: u8 = 12;
    pub const YEAR: u8 = 13;
    pub const BLOB_COMPRESSED: u8 = 140;
    pub const VARCHAR_COMPRESSED: u8 = 141;
    pub const VARCHAR: u8 = 15;
    pub const BIT: u8 = 16;
    pub const TIMESTAMP2: u8 = 17;
    pub const DATETIME2: u8 = 18;
    pub const TIME2: u8 = 19;
    pub const VECTOR: u8 = 242;
    pub const JSON: u8 = 245;
    pub const NEWDECIMAL: u8 = 246;
    pub const ENUM: u8 = 247;
    pub const SET: u8 = 248;
    pub const BLOB: u8 = 252;
    pub const VAR_STRING: u8 = 253;
    pub const STRING: u8 = 254;
    pub const GEOMETRY: u8 = 255;
}

/// Reads the type of each column. After a type that we do not know, how many bytes of metadata belong to it is
/// not known either, so that column and all after it are unsupported.
pub(super) fn read_types(codes: &[u8], metadata: &[u8]) -> Result<Vec<ColumnType>> {
    let mut reader = Reader::new("the column types of a TABLE_MAP event", metadata);
    let mut types = Vec::with_capacity(codes.len());
    let mut lost = false;
    for code in codes {
        let ty = if lost { None } else { read_type(*code, &mut reader)? };
        lost |= ty.is_none();
        types.push(ty.unwrap_or(ColumnType::Unsupported { code: *code }));
    }
    if !lost {
        reader.finish()?;
    }
    Ok(types)
}

/// None: an unknown type.
fn read_type(code: u8, reader: &mut Reader) -> Result<Option<ColumnType>> {
    let ty = match code {
        code::TINY => ColumnType::Tiny,
        code::SHORT => ColumnType::Short,
        code::INT24 => ColumnType::Int24,
        code::LONG => ColumnType::Long,
        code::LONGLONG => ColumnType::LongLong,
        code::FLOAT => {
            expect_length(reader, 4)?;
            ColumnType::Float
        }
        code::DOUBLE => {
            expect_length(reader, 8)?;
            ColumnType::Double
        }
        code::NEWDECIMAL => {
            let (precision, scale) = (reader.u8()?, reader.u8()?);
            if !DecimalValue::is_valid_type(precision, scale) {
                return Err(reader.malformed(format!("DECIMAL({precision},{scale})")));
            }
            ColumnType::Decimal { precision, scale }
        }
        code::YEAR => ColumnType::Year,
        code::DATE => ColumnType::Date,
        code::TIME2 => ColumnType::Time { fsp: read_fsp(reader)? },
        code::DATETIME2 => ColumnType::DateTime { fsp: read_fsp(reader)? },
        code::TIMESTAMP2 => ColumnType::Timestamp { fsp: read_fsp(reader)? },
        code::BIT => {
            let (bits, bytes) = (u16::from(reader.u8()?), u16::from(reader.u8()?));
            let bits = bytes * 8 + bits;
            if !(1..=64).contains(&bits) {
                return Err(reader.malformed(format!("BIT({bits})")));
            }
            ColumnType::Bit { bits }
        }
        code::VARCHAR => ColumnType::VarChar { max_bytes: reader.u16()? },
        code::ENUM | code::SET | code::VAR_STRING | code::STRING => {
            return read_string_type(reader).map(Some);
        }
        code::BLOB => ColumnType::Blob { length_bytes: read_length_bytes(reader)? },
        code::JSON => ColumnType::Json { length_bytes: read_length_bytes(reader)? },
        code::GEOMETRY => {
            let kind = GeometryKind::Unknown(u32::MAX);
            ColumnType::Geometry { length_bytes: read_length_bytes(reader)?, kind }
        }
        code::VECTOR => ColumnType::Vector { length_bytes: read_length_bytes(reader)?, dimensions: 0 },
        // Of MySQL 5.5 and MariaDB, without metadata: known well enough to keep the columns after them.
        code::DECIMAL | code::NULL | code::TIMESTAMP | code::TIME | code::DATETIME => {
            ColumnType::Unsupported { code }
        }
        code::BLOB_COMPRESSED => {
            reader.u8()?;
            ColumnType::Unsupported { code }
        }
        code::VARCHAR_COMPRESSED => {
            reader.u16()?;
            ColumnType::Unsupported { code }
        }
        _ => return Ok(None),
    };
    Ok(Some(ty))
}

/// Two bytes: the real type and a length; of CHAR, bits 8 and 9 of the length are kept inverted in the type.
fn read_string_type(reader: &mut Reader) -> Result<ColumnType> {
    let (real, low) = (reader.u8()?, reader.u8()?);
    match real {
        code::ENUM if (1..=2).contains(&low) => Ok(ColumnType::Enum { bytes: low }),
        code::SET if (1..=8).contains(&low) => Ok(ColumnType::Set { bytes: low }),
        code::ENUM | code::SET => Err(reader.malformed(format!("ENUM or SET of {low} bytes"))),
        _ if real | 0x30 == code::STRING || real | 0x30 == code::VAR_STRING => {
            let high = u16::from((real & 0x30) ^ 0x30) << 4;
            Ok(ColumnType::Char { max_bytes: high | u16::from(low) })
        }
        _ => Err(reader.malformed(format!("string of type {real}"))),
    }
}

fn expect_length(reader: &mut Reader, expected: u8) -> Result<()> {
    let length = reader.u8()?;
    if length == expected {
        Ok(())
    } else {
        Err(reader.malformed(format!("floating point number of {length} bytes")))
    }
}

fn read_fsp(reader: &mut Reader) -> Result<u8> {
    let fsp = reader.u8()?;
    if fsp <= 6 { Ok(fsp) } else { Err(reader.malformed(format!("{fsp} fractional digits"))) }
}

fn read_length_bytes(reader: &mut Reader) -> Result<u8> {
    let bytes = reader.u8()?;
    if (1..=4).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(reader.malformed(format!("lengths of {bytes} bytes")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn char_lengths_above_255_bytes_hide_bits_in_the_type() {
        // CHAR(255) of utf8mb4: 1020 = 0x3fc.
        assert_eq!(read_types(&[254], &[0xce, 0xfc]).unwrap(), [ColumnType::Char { max_bytes: 1020 }]);
        assert_eq!(read_types(&[254], &[0xfe, 0x10]).unwrap(), [ColumnType::Char { max_bytes: 16 }]);
        assert_eq!(
            read_types(&[254, 254], &[247, 2, 248, 8]).unwrap(),
            [ColumnType::Enum { bytes: 2 }, ColumnType::Set { bytes: 8 }]
        );
    }

    #[test]
    fn old_types_leave_the_others_readable_and_unknown_ones_lose_the_rest() {
        assert_eq!(
            read_types(&[12, 3], &[]).unwrap(),
            [ColumnType::Unsupported { code: 12 }, ColumnType::Long]
        );
        assert_eq!(
            read_types(&[141, 140, 3], &[1, 2, 3]).unwrap(),
            [ColumnType::Unsupported { code: 141 }, ColumnType::Unsupported { code: 140 }, ColumnType::Long]
        );
        assert_eq!(
            read_types(&[3, 142, 3], &[1, 2, 3]).unwrap(),
            [ColumnType::Long, ColumnType::Unsupported { code: 142 }, ColumnType::Unsupported { code: 3 }]
        );
    }

    #[test]
    fn impossible_metadata_is_refused() {
        for (code, metadata) in [
            (4, &[8][..]),
            (5, &[4]),
            (246, &[66, 0]),
            (246, &[5, 6]),
            (246, &[5]),
            (16, &[0, 0]),
            (16, &[1, 8]),
            (19, &[7]),
            (252, &[0]),
            (252, &[5]),
            (254, &[247, 3]),
            (254, &[1, 1]),
            (3, &[1]),
            (15, &[1]),
        ] {
            assert!(read_types(&[code], metadata).is_err(), "{code} {metadata:?}");
        }
    }
}
