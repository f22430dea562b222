//! Key values on the wire.

use strait_mysql::snapshot::KeyValue;
use strait_schemas::KeyPart;

pub fn to_wire(key: &[KeyValue]) -> Vec<KeyPart> {
    let part = |value: &KeyValue| match value.clone() {
        KeyValue::Number(number) => KeyPart::Number(number),
        KeyValue::Text(text) => KeyPart::Text(text),
        KeyValue::Characters(bytes) => KeyPart::Characters(bytes),
        KeyValue::Bytes(bytes) => KeyPart::Bytes(bytes),
    };
    key.iter().map(part).collect()
}

pub fn from_wire(key: &[KeyPart]) -> Vec<KeyValue> {
    let value = |part: &KeyPart| match part.clone() {
        KeyPart::Number(number) => KeyValue::Number(number),
        KeyPart::Text(text) => KeyValue::Text(text),
        KeyPart::Characters(bytes) => KeyValue::Characters(bytes),
        KeyPart::Bytes(bytes) => KeyValue::Bytes(bytes),
    };
    key.iter().map(value).collect()
}
