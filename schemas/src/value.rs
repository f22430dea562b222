//! One column's value in Connect's terms, flat, and borrowed from the input where that is possible.

use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    /// All integers and the time kinds that are integers (days, ms, us).
    Int(i64),
    Float(f32),
    Double(f64),
    /// Strings, ENUM, SET, JSON, zoned timestamps.
    Text(Cow<'a, str>),
    /// Binary columns; Decimal: unscaled, big-endian two's complement; Bits: little-endian.
    Bytes(Cow<'a, [u8]>),
    Point {
        x: f64,
        y: f64,
        wkb: Option<Cow<'a, [u8]>>,
        srid: Option<i32>,
    },
    Geometry {
        wkb: Cow<'a, [u8]>,
        srid: Option<i32>,
    },
    Vector(Vec<f32>),
}

impl Value<'_> {
    /// The same value, owning its bytes.
    pub fn into_owned(self) -> Value<'static> {
        let own = |bytes: Cow<'_, [u8]>| Cow::Owned(bytes.into_owned());
        match self {
            Self::Null => Value::Null,
            Self::Bool(v) => Value::Bool(v),
            Self::Int(v) => Value::Int(v),
            Self::Float(v) => Value::Float(v),
            Self::Double(v) => Value::Double(v),
            Self::Text(v) => Value::Text(Cow::Owned(v.into_owned())),
            Self::Bytes(v) => Value::Bytes(own(v)),
            Self::Point { x, y, wkb, srid } => Value::Point { x, y, wkb: wkb.map(own), srid },
            Self::Geometry { wkb, srid } => Value::Geometry { wkb: own(wkb), srid },
            Self::Vector(v) => Value::Vector(v),
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Float(_) => "float",
            Self::Double(_) => "double",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Point { .. } => "point",
            Self::Geometry { .. } => "geometry",
            Self::Vector(_) => "vector",
        }
    }
}
