//! Avro's primitive encodings, appended to a buffer.

#[inline]
pub(crate) fn long(out: &mut Vec<u8>, value: i64) {
    let zigzag = ((value << 1) ^ (value >> 63)) as u64;
    if zigzag < 0x80 {
        out.push(zigzag as u8);
    } else {
        longer(out, zigzag);
    }
}

/// A number of two to ten bytes, seven bits each, the last without its top bit. An envelope has six
/// timestamps of eight or nine bytes: so the bits are spread over the bytes all at once.
fn longer(out: &mut Vec<u8>, zigzag: u64) {
    let length = (70 - zigzag.leading_zeros()) as usize / 7;
    let low = spread(zigzag & 0x00ff_ffff_ffff_ffff) | 0x8080_8080_8080_8080;
    let high = zigzag >> 56;
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&low.to_le_bytes());
    bytes[8] = (high as u8) | 0x80;
    bytes[9] = (high >> 7) as u8;
    bytes[length - 1] &= 0x7f;
    out.extend_from_slice(&bytes[..length]);
}

/// Moves each seven bits of 56 to a byte of its own.
fn spread(bits: u64) -> u64 {
    let halves = (bits & 0x00ff_ffff_f000_0000) << 4 | bits & 0x0fff_ffff;
    let quarters = (halves & 0x0fff_c000_0fff_c000) << 2 | halves & 0x0000_3fff_0000_3fff;
    (quarters & 0x3f80_3f80_3f80_3f80) << 1 | quarters & 0x007f_007f_007f_007f
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
