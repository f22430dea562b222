//! What a target column can take, told from its definition.

use strait_mysql::catalog::Column;
use strait_schemas::{Kind, SourceType};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnClass {
    Integer,
    Float,
    Double,
    Decimal { scale: u32 },
    Bit,
    Year,
    Date,
    Time { fsp: u32 },
    DateTime { fsp: u32 },
    Timestamp { fsp: u32 },
    Character,
    Binary,
    Enum,
    Set,
    Json,
    Geometry,
    Vector,
    Unknown,
}

impl ColumnClass {
    pub fn of(column: &Column) -> Self {
        let fsp = column.fsp.unwrap_or(0);
        match column.data_type.as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" => Self::Integer,
            "float" => Self::Float,
            "double" | "real" => Self::Double,
            "decimal" | "numeric" => Self::Decimal { scale: column.numeric_scale.unwrap_or(0) },
            "bit" => Self::Bit,
            "year" => Self::Year,
            "date" => Self::Date,
            "time" => Self::Time { fsp },
            "datetime" => Self::DateTime { fsp },
            "timestamp" => Self::Timestamp { fsp },
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => Self::Character,
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Self::Binary,
            // MariaDB's binary log has their bytes, highest first, and so they are written.
            "uuid" | "inet4" | "inet6" => Self::Binary,
            "enum" => Self::Enum,
            "set" => Self::Set,
            "json" => Self::Json,
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
            | "multipolygon" | "geomcollection" | "geometrycollection" => Self::Geometry,
            "vector" => Self::Vector,
            _ => Self::Unknown,
        }
    }

    /// Whether every value of the source's column has the same value here, or is refused by the server in
    /// strict mode. What the server would cut silently (scale, fractions of a second) is refused here.
    pub fn takes(self, kind: &Kind, source: &SourceType) -> bool {
        let fsp_fits = |fsp: u32| source.length.unwrap_or(0) <= fsp;
        let takes_decimal = |scale: u32| match self {
            Self::Decimal { scale: target } => scale <= target,
            Self::Integer => scale == 0,
            _ => false,
        };
        match kind {
            Kind::Boolean => matches!(self, Self::Integer | Self::Bit),
            Kind::Int16 | Kind::Int32 | Kind::Int64 => matches!(self, Self::Integer | Self::Decimal { .. }),
            Kind::Float32 => matches!(self, Self::Float | Self::Double),
            Kind::Float64 | Kind::Text if source.is_decimal() && takes_decimal(source.scale.unwrap_or(0)) => {
                true
            }
            Kind::Float64 => self == Self::Double,
            Kind::Decimal { scale, .. } => takes_decimal(u32::from(*scale)),
            Kind::Text if source.is_binary() => self == Self::Binary,
            Kind::Text => self == Self::Character,
            Kind::Bytes => self == Self::Binary,
            Kind::Bits { .. } => matches!(self, Self::Bit | Self::Integer),
            Kind::Enum { .. } => matches!(self, Self::Enum | Self::Character),
            Kind::EnumSet { .. } => matches!(self, Self::Set | Self::Character),
            Kind::Json => matches!(self, Self::Json | Self::Character),
            Kind::Year => matches!(self, Self::Year | Self::Integer),
            Kind::Date | Kind::ConnectDate | Kind::IsoDate => {
                matches!(self, Self::Date | Self::DateTime { .. })
            }
            Kind::MicroTime | Kind::NanoTime | Kind::ConnectTime | Kind::IsoTime => {
                matches!(self, Self::Time { fsp } if fsp_fits(fsp))
            }
            Kind::Timestamp
            | Kind::MicroTimestamp
            | Kind::NanoTimestamp
            | Kind::ConnectTimestamp
            | Kind::IsoTimestamp => {
                matches!(self, Self::DateTime { fsp } if fsp_fits(fsp))
            }
            Kind::ZonedTimestamp => {
                matches!(self, Self::Timestamp { fsp } | Self::DateTime { fsp } if fsp_fits(fsp))
            }
            Kind::Point | Kind::Geometry => self == Self::Geometry,
            Kind::FloatVector => matches!(self, Self::Vector | Self::Binary),
        }
    }

    /// How a column of this class is published, for records that do not carry their schema.
    pub fn assumed_kind(self, column: &Column) -> Option<Kind> {
        Some(match self {
            Self::Integer => Kind::Int64,
            Self::Float => Kind::Float32,
            Self::Double => Kind::Float64,
            Self::Bit if column.numeric_precision == Some(1) => Kind::Boolean,
            Self::Year => Kind::Year,
            Self::Character => Kind::Text,
            Self::Binary => Kind::Bytes,
            Self::Enum => Kind::Enum { allowed: String::new() },
            Self::Set => Kind::EnumSet { allowed: String::new() },
            Self::Json => Kind::Json,
            Self::Geometry => Kind::Geometry,
            Self::Vector => Kind::FloatVector,
            Self::Decimal { .. }
            | Self::Bit
            | Self::Date
            | Self::Time { .. }
            | Self::DateTime { .. }
            | Self::Timestamp { .. }
            | Self::Unknown => return None,
        })
    }
}
