//! Avro's primitive encodings, appended to a buffer.

pub(crate) fn long(out: &mut Vec<u8>, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
    if zigzag < 0x80 {
        return out.push(zigzag as u8);
    }
    // One append for all of the bytes: cheaper than a capacity check for each.
    let mut bytes = [0; 10];
    let mut length = 0;
    while zigzag >= 0x80 {
        bytes[length] = (zigzag as u8) | 0x80;
        zigzag >>= 7;
        length += 1;
    }
    bytes[length] = zigzag as u8;
    out.extend_from_slice(&bytes[..=length]);
}

pub(crate) fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    long(out, value.len() as i64);
    out.extend_from_slice(value);
}

/// A union of null and something: the branch of the something.
pub(crate) const PRESENT: u8 = 2;
pub(crate) const NULL: u8 = 0;

pub(crate) fn optional_long(out: &mut Vec<u8>, value: Option<i64>) {
    match value {
        None => out.push(NULL),
        Some(value) => {
            out.push(PRESENT);
            long(out, value);
        }
    }
}

pub(crate) fn optional_bytes(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => out.push(NULL),
        Some(value) => {
            out.push(PRESENT);
            bytes(out, value);
        }
    }
}

/// The head of a Confluent record.
pub(crate) fn frame(schema_id: u32) -> [u8; 5] {
    let [a, b, c, d] = schema_id.to_be_bytes();
    [0, a, b, c, d]
}
