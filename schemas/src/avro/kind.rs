//! What a column is, read from its Avro type and Connect properties: the inverse of how schemas are
//! printed. What Debezium's MySQL connector does not write by default is refused by its name, with the
//! setting that would help.

use super::schema::{Names, Primitive, Properties, Type};
use crate::{
    Column, Kind, SourceType,
    connect::{semantic, unmapped},
};

/// Causes of a refusal; the caller knows the column.
type Refusable<T> = Result<T, String>;

pub(super) fn column(
    field: &str,
    field_properties: Properties<'_>,
    ty: &Type<'_>,
    names: &Names<'_>,
    optional: bool,
) -> Refusable<Column> {
    // A second column of the same record type has its parameters on the field.
    let properties =
        if field_properties.has_parameters() { Some(field_properties) } else { type_properties(ty) };
    let parameter = |key| properties.and_then(|properties| properties.parameter(key));
    let number = |key| parameter(key).and_then(|text| text.parse().ok());
    Ok(Column {
        name: parameter(semantic::SOURCE_NAME).unwrap_or(field).to_owned(),
        kind: kind(ty, names)?,
        optional,
        source_type: SourceType {
            name: parameter(semantic::SOURCE_TYPE).unwrap_or_default().to_owned(),
            length: number(semantic::SOURCE_LENGTH),
            scale: number(semantic::SOURCE_SCALE),
        },
    })
}

fn type_properties<'j>(ty: &Type<'j>) -> Option<Properties<'j>> {
    match ty {
        Type::Primitive(_, properties) | Type::Array { properties, .. } => Some(*properties),
        Type::Record(record) => Some(record.properties),
        _ => None,
    }
}

fn kind(ty: &Type<'_>, names: &Names<'_>) -> Refusable<Kind> {
    let known = match ty {
        Type::Primitive(primitive, properties) => match primitive {
            Primitive::Null => None,
            Primitive::Boolean => plain(*properties, Kind::Boolean),
            Primitive::Float => plain(*properties, Kind::Float32),
            Primitive::Double => plain(*properties, Kind::Float64),
            Primitive::Int => int(*properties),
            Primitive::Long => long(*properties),
            Primitive::Text => text(*properties),
            Primitive::Bytes => {
                return bytes(*properties).map_err(|cause| cause.unwrap_or_else(|| refusal(ty)));
            }
        },
        Type::Record(record) => match record.properties.semantic().unwrap_or(&record.full_name) {
            semantic::POINT => Some(Kind::Point),
            semantic::GEOMETRY => Some(Kind::Geometry),
            _ => None,
        },
        Type::Array { items, properties } => {
            let of_floats = matches!(names.resolve(*items), Ok(Type::Primitive(Primitive::Float, _)));
            let known = matches!(properties.semantic(), None | Some(semantic::FLOAT_VECTOR));
            (of_floats && known).then_some(Kind::FloatVector)
        }
        Type::Fixed { .. } | Type::Enum { .. } | Type::Map { .. } | Type::Union(_) => None,
    };
    known.ok_or_else(|| refusal(ty))
}

fn refusal(ty: &Type<'_>) -> String {
    unmapped(&ty.describe())
}

fn plain(properties: Properties<'_>, kind: Kind) -> Option<Kind> {
    properties.semantic().is_none().then_some(kind)
}

fn int(properties: Properties<'_>) -> Option<Kind> {
    Some(match properties.semantic() {
        None => match properties.text("connect.type") {
            Some("int8" | "int16") => Kind::Int16,
            _ => Kind::Int32,
        },
        Some(semantic::DATE) => Kind::Date,
        Some(semantic::CONNECT_DATE | "date") => Kind::ConnectDate,
        Some(semantic::CONNECT_TIME | "time-millis") => Kind::ConnectTime,
        Some(semantic::YEAR) => Kind::Year,
        Some(_) => return None,
    })
}

fn long(properties: Properties<'_>) -> Option<Kind> {
    Some(match properties.semantic() {
        None => Kind::Int64,
        Some(semantic::MICRO_TIME) => Kind::MicroTime,
        Some(semantic::TIMESTAMP) => Kind::Timestamp,
        Some(semantic::CONNECT_TIMESTAMP | "timestamp-millis") => Kind::ConnectTimestamp,
        Some(semantic::MICRO_TIMESTAMP) => Kind::MicroTimestamp,
        Some(semantic::NANO_TIME) => Kind::NanoTime,
        Some(semantic::NANO_TIMESTAMP) => Kind::NanoTimestamp,
        Some(_) => return None,
    })
}

fn text(properties: Properties<'_>) -> Option<Kind> {
    let allowed = || properties.parameter(semantic::ALLOWED).unwrap_or_default().to_owned();
    Some(match properties.semantic() {
        None => Kind::Text,
        Some(semantic::ENUM) => Kind::Enum { allowed: allowed() },
        Some(semantic::ENUM_SET) => Kind::EnumSet { allowed: allowed() },
        Some(semantic::JSON) => Kind::Json,
        Some(semantic::ZONED_TIMESTAMP) => Kind::ZonedTimestamp,
        Some(semantic::ISO_DATE) => Kind::IsoDate,
        Some(semantic::ISO_TIME) => Kind::IsoTime,
        Some(semantic::ISO_TIMESTAMP) => Kind::IsoTimestamp,
        Some(_) => return None,
    })
}

/// `Err(None)`: not a known kind of bytes.
fn bytes(properties: Properties<'_>) -> Result<Kind, Option<String>> {
    match properties.semantic() {
        None => Ok(Kind::Bytes),
        Some(semantic::DECIMAL | "decimal") => {
            let read = |property, parameter| {
                let text = properties.parameter(parameter).and_then(|text| text.parse().ok());
                properties.number(property).or(text)
            };
            let precision = read("precision", semantic::PRECISION).unwrap_or(64);
            let scale = read("scale", semantic::SCALE).unwrap_or(0);
            match (u8::try_from(precision), u8::try_from(scale)) {
                (Ok(precision), Ok(scale)) => Ok(Kind::Decimal { precision, scale }),
                _ => Err(Some(format!("a decimal of {precision} digits, {scale} of them fraction"))),
            }
        }
        Some(semantic::BITS) => {
            let length = properties.parameter(semantic::LENGTH).and_then(|text| text.parse().ok());
            length
                .map(|length| Kind::Bits { length })
                .ok_or_else(|| Some("its bits have no length".to_owned()))
        }
        Some(_) => Err(None),
    }
}
