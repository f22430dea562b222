//! A column's value from its JSON text: by the column's carrier, or, without a schema, by what JSON tells.

use super::raw::{self, Members};
use crate::{Value, carrier::Carrier, decimal};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::borrow::Cow;

/// What was expected, or why it is not that; the caller knows the column.
type Read<T> = Result<T, String>;

/// `scale` matters to decimals only. The JSON text is not `null`.
pub(super) fn typed(carrier: Carrier, scale: u8, json: &str) -> Read<Value<'_>> {
    Ok(match carrier {
        Carrier::Boolean => Value::Bool(json.parse().map_err(|_| expected("a boolean", json))?),
        Carrier::Int16 => integer::<i16>(json)?,
        Carrier::Int32 => integer::<i32>(json)?,
        Carrier::Int64 => integer::<i64>(json)?,
        Carrier::Float32 => Value::Float(float(json)?),
        Carrier::Float64 => Value::Double(double(json)?),
        Carrier::Text => Value::Text(raw::string(json).ok_or_else(|| expected("a string", json))?),
        Carrier::Bytes => Value::Bytes(bytes(json)?),
        Carrier::Decimal => Value::Bytes(decimal(scale, json)?),
        Carrier::Point => {
            let members = members(json)?;
            let coordinate =
                |name| members.find(name).ok_or_else(|| format!("a point without `{name}`")).and_then(double);
            Value::Point {
                x: coordinate("x")?,
                y: coordinate("y")?,
                wkb: optional(&members, "wkb", bytes)?,
                srid: optional(&members, "srid", srid)?,
            }
        }
        Carrier::Geometry => {
            let members = members(json)?;
            let wkb = optional(&members, "wkb", bytes)?.ok_or("a geometry without `wkb`")?;
            Value::Geometry { wkb, srid: optional(&members, "srid", srid)? }
        }
        Carrier::Vector => {
            let items: Vec<&serde_json::value::RawValue> =
                serde_json::from_str(json).map_err(|_| expected("an array of floats", json))?;
            Value::Vector(items.into_iter().map(|item| float(item.get())).collect::<Read<_>>()?)
        }
    })
}

/// A number that neither an i64 nor, without loss, a double holds stays text, as do objects and arrays.
pub(super) fn untyped(json: &str) -> Read<Value<'_>> {
    Ok(match json.as_bytes().first() {
        Some(b'n') => Value::Null,
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'"') => Value::Text(raw::string(json).ok_or_else(|| expected("a string", json))?),
        Some(b'{' | b'[') => Value::Text(json.into()),
        _ => match json.parse::<i64>() {
            Ok(integer) => Value::Int(integer),
            Err(_) if digits(json) <= 15 => Value::Double(double(json)?),
            Err(_) => Value::Text(json.into()),
        },
    })
}

/// Up to 15 significant digits survive the way through a double.
fn digits(number: &str) -> usize {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count()
}

fn expected(what: &str, json: &str) -> String {
    let found: String = json.chars().take(40).collect();
    format!("{what} was expected, not {found}")
}

fn integer<T: TryFrom<i64>>(json: &str) -> Read<Value<'_>> {
    let bits = size_of::<T>() * 8;
    let value: i64 = json.parse().map_err(|_| expected(&format!("a {bits}-bit integer"), json))?;
    T::try_from(value).map_err(|_| expected(&format!("a {bits}-bit integer"), json))?;
    Ok(Value::Int(value))
}

fn double(json: &str) -> Read<f64> {
    let value = match json {
        "\"NaN\"" => return Ok(f64::NAN),
        "\"Infinity\"" => return Ok(f64::INFINITY),
        "\"-Infinity\"" => return Ok(f64::NEG_INFINITY),
        _ => json.parse::<f64>().ok().filter(|value| raw::is_number(json) && value.is_finite()),
    };
    value.ok_or_else(|| expected("a double", json))
}

fn float(json: &str) -> Read<f32> {
    let value = match json {
        "\"NaN\"" => return Ok(f32::NAN),
        "\"Infinity\"" => return Ok(f32::INFINITY),
        "\"-Infinity\"" => return Ok(f32::NEG_INFINITY),
        _ => json.parse::<f32>().ok().filter(|value| raw::is_number(json) && value.is_finite()),
    };
    value.ok_or_else(|| expected("a float", json))
}

fn bytes<'a>(json: &str) -> Read<Cow<'a, [u8]>> {
    let text = raw::string(json).ok_or_else(|| expected("a base64 string", json))?;
    STANDARD.decode(&*text).map(Cow::Owned).map_err(|cause| format!("no valid base64: {cause}"))
}

/// Base64 of the unscaled integer, or (`decimal.format` = `numeric`) a number.
fn decimal<'a>(scale: u8, json: &str) -> Read<Cow<'a, [u8]>> {
    let unscaled = if raw::is_number(json) {
        let mut out = Vec::new();
        decimal::unscaled_from_text(json, scale, &mut out).map_err(|error| error.to_string())?;
        Cow::Owned(out)
    } else {
        bytes(json)?
    };
    match unscaled.len() {
        0..=decimal::MAX_BYTES => Ok(unscaled),
        longer => Err(format!("a decimal of {longer} bytes")),
    }
}

fn srid(json: &str) -> Read<i32> {
    json.parse().map_err(|_| expected("a 32-bit integer", json))
}

fn members(json: &str) -> Read<Members<'_>> {
    Members::of(json).map_err(|_| expected("an object", json))
}

fn optional<'a, T>(members: &Members<'a>, name: &str, read: impl Fn(&'a str) -> Read<T>) -> Read<Option<T>> {
    match members.find(name) {
        None | Some("null") => Ok(None),
        Some(json) => read(json).map(Some).map_err(|cause| format!("`{name}`: {cause}")),
    }
}
