//! One column of a table map.

use std::sync::Arc;

#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDef {
    /// Empty unless `binlog_row_metadata=FULL`.
    pub name: String,
    pub ty: ColumnType,
    /// False too where the server did not say (binlog_row_metadata=NO_LOG of MariaDB).
    pub unsigned: bool,
    pub nullable: bool,
    /// Collation id of a character column, ENUM or SET; 63 = binary.
    pub collation: Option<u16>,
    /// Of ENUM and SET, in order, as UTF-8. Empty if the server did not say them or in a charset that we
    /// cannot decode.
    pub labels: Arc<[String]>,
    pub visible: bool,
}

/// Column types as rows carry them. Sizes are those of the row format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    Tiny,
    Short,
    Int24,
    Long,
    LongLong,
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Year,
    Date,
    Time {
        fsp: u8,
    },
    DateTime {
        fsp: u8,
    },
    Timestamp {
        fsp: u8,
    },
    Bit {
        bits: u16,
    },
    /// Stored in 1 or 2 bytes.
    Enum {
        bytes: u8,
    },
    /// Stored in 1 to 8 bytes.
    Set {
        bytes: u8,
    },
    /// CHAR(n), max_bytes = n x the charset's longest character. Binary collation: BINARY(n).
    Char {
        max_bytes: u16,
    },
    /// VARCHAR, or VARBINARY with the binary collation.
    VarChar {
        max_bytes: u16,
    },
    /// TINYTEXT/TINYBLOB to LONGTEXT/LONGBLOB, by the length of the length.
    Blob {
        length_bytes: u8,
    },
    Json {
        length_bytes: u8,
    },
    Geometry {
        length_bytes: u8,
        kind: GeometryKind,
    },
    Vector {
        length_bytes: u8,
        /// 0 = not said.
        dimensions: u32,
    },
    /// A type that this decoder refuses, by the server's number; only reading its rows is an error.
    Unsupported {
        code: u8,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GeometryKind {
    Geometry,
    Point,
    LineString,
    Polygon,
    MultiPoint,
    MultiLineString,
    MultiPolygon,
    GeometryCollection,
    /// Not said, or a number unknown to us.
    Unknown(u32),
}

impl From<u32> for GeometryKind {
    fn from(number: u32) -> Self {
        match number {
            0 => Self::Geometry,
            1 => Self::Point,
            2 => Self::LineString,
            3 => Self::Polygon,
            4 => Self::MultiPoint,
            5 => Self::MultiLineString,
            6 => Self::MultiPolygon,
            7 => Self::GeometryCollection,
            other => Self::Unknown(other),
        }
    }
}

/// The collation of BINARY, VARBINARY and BLOB.
pub const BINARY_COLLATION: u16 = 63;

impl ColumnDef {
    /// Character type with the binary collation: BINARY, VARBINARY, BLOB.
    pub fn is_binary(&self) -> bool {
        self.collation == Some(BINARY_COLLATION)
    }
}

impl ColumnType {
    /// Types that the signedness bitmap has a bit for. YEAR is among them.
    pub(super) fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Tiny
                | Self::Short
                | Self::Int24
                | Self::Long
                | Self::LongLong
                | Self::Float
                | Self::Double
                | Self::Decimal { .. }
                | Self::Year
        )
    }

    /// Types that have a charset in the metadata. VECTOR has one (binary); JSON and GEOMETRY, which the server
    /// stores as blobs too, have none.
    pub(super) fn is_character(self) -> bool {
        matches!(self, Self::Char { .. } | Self::VarChar { .. } | Self::Blob { .. } | Self::Vector { .. })
    }

    pub(super) fn is_enum_or_set(self) -> bool {
        matches!(self, Self::Enum { .. } | Self::Set { .. })
    }
}
