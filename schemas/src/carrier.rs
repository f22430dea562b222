//! What carries a column's value, whatever it means: the few shapes that the encoders and decoders tell
//! apart. The meaning ([`Kind`]) matters to the schemas only.

use crate::Kind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Boolean,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Text,
    Bytes,
    Decimal,
    Point,
    Geometry,
    Vector,
}

impl Carrier {
    pub fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Boolean => Self::Boolean,
            Kind::Int16 => Self::Int16,
            Kind::Int32 | Kind::Year | Kind::Date | Kind::ConnectDate | Kind::ConnectTime => Self::Int32,
            Kind::Int64
            | Kind::MicroTime
            | Kind::NanoTime
            | Kind::Timestamp
            | Kind::MicroTimestamp
            | Kind::NanoTimestamp
            | Kind::ConnectTimestamp => Self::Int64,
            Kind::Float32 => Self::Float32,
            Kind::Float64 => Self::Float64,
            Kind::Text
            | Kind::Enum { .. }
            | Kind::EnumSet { .. }
            | Kind::Json
            | Kind::ZonedTimestamp
            | Kind::IsoDate
            | Kind::IsoTime
            | Kind::IsoTimestamp => Self::Text,
            Kind::Bytes | Kind::Bits { .. } => Self::Bytes,
            Kind::Decimal { .. } => Self::Decimal,
            Kind::Point => Self::Point,
            Kind::Geometry => Self::Geometry,
            Kind::FloatVector => Self::Vector,
        }
    }

    /// For messages: "a ... was expected".
    pub fn describe(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Int16 => "16-bit integer",
            Self::Int32 => "32-bit integer",
            Self::Int64 => "64-bit integer",
            Self::Float32 => "float",
            Self::Float64 => "double",
            Self::Text => "text",
            Self::Bytes => "byte string",
            Self::Decimal => "decimal's byte string",
            Self::Point => "point",
            Self::Geometry => "geometry",
            Self::Vector => "vector",
        }
    }
}
