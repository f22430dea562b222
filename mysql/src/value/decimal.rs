//! DECIMAL as stored: groups of nine digits in big-endian integers, the integer part's first and the
//! fraction's last group shorter; the sign is the first bit, inverted, and a negative value has all bits
//! inverted. A group is checked once, when the value is read, so that writing it out cannot fail.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecimalValue<'a> {
    precision: u8,
    scale: u8,
    stored: &'a [u8],
}

const GROUP: usize = 9;
/// Bytes of a group of so many digits.
const BYTES: [usize; GROUP + 1] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
const POWERS: [u32; GROUP + 1] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
/// Of columns.
const MAX_PRECISION: u8 = 65;
const MAX_SCALE: u8 = 30;
/// In JSON, the server counts the integer part in whole groups: DECIMAL(65,30) becomes precision 66.
const MAX_STORED_PRECISION: u8 = 81;
/// 81 digits are less than 2^270.
const LIMBS: usize = 9;

#[derive(Clone, Copy)]
struct Group {
    value: u32,
    digits: usize,
}

impl<'a> DecimalValue<'a> {
    pub(crate) fn is_valid_type(precision: u8, scale: u8) -> bool {
        (1..=MAX_PRECISION).contains(&precision) && scale <= precision.min(MAX_SCALE)
    }

    /// How many bytes a value of this type takes.
    pub(crate) fn stored_length(precision: u8, scale: u8) -> usize {
        let (integer, fraction) = (usize::from(precision - scale), usize::from(scale));
        let length = |digits: usize| digits / GROUP * 4 + BYTES[digits % GROUP];
        length(integer) + length(fraction)
    }

    /// None if the bytes are no DECIMAL of this type. Precision, scale and the length of `stored` must fit.
    pub fn new(stored: &'a [u8], precision: u8, scale: u8) -> Option<Self> {
        let sound = (1..=MAX_STORED_PRECISION).contains(&precision) && scale <= precision.min(MAX_SCALE);
        if !sound || stored.len() != Self::stored_length(precision, scale) {
            return None;
        }
        let value = Self { precision, scale, stored };
        value.groups().all(|group| group.value < POWERS[group.digits]).then_some(value)
    }

    /// The stored form of a number as the server prints it ("-12.30"); `None`: it is no number of this type.
    pub fn store(text: &[u8], precision: u8, scale: u8) -> Option<Vec<u8>> {
        let (negative, text) = match text.strip_prefix(b"-") {
            Some(text) => (true, text),
            None => (false, text),
        };
        let point = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
        let (integer, fraction) = (&text[..point], text.get(point + 1..).unwrap_or_default());
        let (whole, scale) = (usize::from(precision.checked_sub(scale)?), usize::from(scale));
        // A number below one may be printed with a zero that the type has no place for.
        let integer = if whole == 0 && integer == b"0" { &[] } else { integer };
        let missing = whole.checked_sub(integer.len())?;
        if fraction.len() != scale || !integer.iter().chain(fraction).all(u8::is_ascii_digit) {
            return None;
        }
        let digits: Vec<u8> = std::iter::repeat_n(0, missing)
            .chain(integer.iter().chain(fraction).map(|byte| byte - b'0'))
            .collect();
        let stored = store_digits(negative, &digits, scale);
        let sound = DecimalValue::new(&stored, precision, scale as u8).is_some();
        sound.then_some(stored)
    }

    pub fn precision(&self) -> u8 {
        self.precision
    }

    pub fn scale(&self) -> u8 {
        self.scale
    }

    pub fn is_negative(&self) -> bool {
        self.stored[0] & 0x80 == 0 && self.groups().any(|group| group.value != 0)
    }

    /// Most significant first. The integer part is the groups up to `precision - scale` digits.
    fn groups(&self) -> impl Iterator<Item = Group> + use<'a> {
        let inverted = if self.stored[0] & 0x80 == 0 { 0xff } else { 0 };
        let (integer, fraction) = (usize::from(self.precision - self.scale), usize::from(self.scale));
        let whole = |digits: usize| std::iter::repeat_n(GROUP, digits / GROUP);
        let sizes = std::iter::once(integer % GROUP)
            .chain(whole(integer))
            .chain(whole(fraction))
            .chain(std::iter::once(fraction % GROUP))
            .filter(|digits| *digits > 0);
        let mut left = self.stored;
        let mut sign = 0x80;
        sizes.map(move |digits| {
            let (bytes, rest) = left.split_at(BYTES[digits]);
            left = rest;
            let value = bytes.iter().fold(0, |value, byte| {
                let byte = byte ^ inverted ^ sign;
                sign = 0;
                value << 8 | u32::from(byte)
            });
            Group { value, digits }
        })
    }

    /// As the server prints it: "-12.30".
    pub fn write_text(&self, out: &mut String) {
        if self.is_negative() {
            out.push('-');
        }
        let integer_digits = usize::from(self.precision - self.scale);
        let (mut seen, mut leading) = (0, true);
        for group in self.groups() {
            if seen == integer_digits {
                out.push_str(if leading { "0." } else { "." });
            }
            let fraction = seen >= integer_digits;
            push_digits(group, leading && !fraction, out);
            leading = leading && group.value == 0;
            seen += group.digits;
        }
        if self.scale == 0 && leading {
            out.push('0');
        }
    }

    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(usize::from(self.precision) + 3);
        self.write_text(&mut out);
        out
    }

    /// The unscaled value, big-endian two's complement, shortest form (as Connect's Decimal).
    pub fn write_unscaled_be(&self, out: &mut Vec<u8>) {
        let mut limbs = [0_u32; LIMBS];
        for group in self.groups() {
            let mut carry = u64::from(group.value);
            for limb in limbs.iter_mut().rev() {
                carry += u64::from(*limb) * u64::from(POWERS[group.digits]);
                *limb = carry as u32;
                carry >>= 32;
            }
        }
        let mut bytes = [0_u8; 4 * LIMBS];
        for (to, limb) in bytes.chunks_exact_mut(4).zip(limbs) {
            to.copy_from_slice(&limb.to_be_bytes());
        }
        if self.is_negative() {
            let mut carry = true;
            for byte in bytes.iter_mut().rev() {
                (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
            }
        }
        let fill = if self.is_negative() { 0xff } else { 0 };
        let superfluous =
            bytes.windows(2).take_while(|pair| pair[0] == fill && (pair[1] ^ fill) & 0x80 == 0).count();
        out.extend_from_slice(&bytes[superfluous..]);
    }
}

/// The stored form of the decimal number whose digits (integer and fraction, no point) are given.
pub(crate) fn store_digits(negative: bool, digits: &[u8], scale: usize) -> Vec<u8> {
    let (integer, fraction) = digits.split_at(digits.len() - scale);
    let mut bytes = Vec::new();
    let mut push = |group: &[u8]| {
        let value = group.iter().fold(0_u32, |value, digit| value * 10 + u32::from(*digit));
        bytes.extend_from_slice(&value.to_be_bytes()[4 - BYTES[group.len()]..]);
    };
    let (first, groups) = integer.split_at(integer.len() % GROUP);
    push(first);
    groups.chunks(GROUP).for_each(&mut push);
    fraction.chunks(GROUP).for_each(&mut push);
    bytes[0] ^= 0x80;
    if negative {
        for byte in &mut bytes {
            *byte = !*byte;
        }
    }
    bytes
}

fn push_digits(group: Group, skip_leading_zeros: bool, out: &mut String) {
    let mut leading = skip_leading_zeros;
    for power in POWERS[..group.digits].iter().rev() {
        let digit = group.value / power % 10;
        leading = leading && digit == 0;
        if !leading {
            out.push(char::from(b'0' + digit as u8));
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::*;

    pub(crate) use super::store_digits as encode;

    #[test]
    fn known_bytes() {
        // DECIMAL(14,4) 1234567890.1234, from the server's own documentation.
        let stored = [0x81, 0x0d, 0xfb, 0x38, 0xd2, 0x04, 0xd2];
        assert_eq!(DecimalValue::new(&stored, 14, 4).unwrap().to_text(), "1234567890.1234");
        let negative = stored.map(|byte| !byte);
        assert_eq!(DecimalValue::new(&negative, 14, 4).unwrap().to_text(), "-1234567890.1234");
    }

    #[test]
    fn edges_print_as_the_server_prints_them() {
        let cases: [(bool, &[u8], usize, &str); 7] = [
            (false, &[0], 0, "0"),
            (false, &[0, 0, 5], 2, "0.05"),
            (true, &[0, 0, 5], 3, "-0.005"),
            (true, &[1, 0, 0], 0, "-100"),
            (false, &[0, 0, 0], 2, "0.00"),
            (true, &[0, 0, 0], 2, "0.00"),
            (false, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1, "10000000000.0"),
        ];
        for (negative, digits, scale, text) in cases {
            let stored = encode(negative, digits, scale);
            let value = DecimalValue::new(&stored, digits.len() as u8, scale as u8).unwrap();
            assert_eq!(value.to_text(), text);
        }
    }

    #[test]
    fn what_is_printed_is_stored_again() {
        for (text, precision, scale) in
            [("-12.30", 4, 2), ("0.00", 2, 2), ("-0.005", 3, 3), ("99999999999", 11, 0), ("7", 65, 0)]
        {
            let stored = DecimalValue::store(text.as_bytes(), precision, scale).expect(text);
            assert_eq!(DecimalValue::new(&stored, precision, scale).expect(text).to_text(), text);
        }
        for (text, precision, scale) in [("1.2", 4, 2), ("100", 2, 0), ("1e5", 9, 0), ("", 9, 1)] {
            assert_eq!(DecimalValue::store(text.as_bytes(), precision, scale), None, "{text}");
        }
    }

    #[test]
    fn groups_that_are_too_large_and_wrong_lengths_are_refused() {
        assert!(DecimalValue::new(&[0x80 | 0x64], 2, 0).is_none());
        assert!(DecimalValue::new(&[0x80 | 0x63], 2, 0).is_some());
        assert!(DecimalValue::new(&[0x80, 0], 2, 0).is_none());
        for (precision, scale) in [(0, 0), (82, 0), (5, 6), (65, 31)] {
            let length = DecimalValue::stored_length(precision.max(scale), scale);
            assert!(DecimalValue::new(&[0x80; 40][..length], precision, scale).is_none());
        }
    }

    proptest! {
        #[test]
        fn text_and_unscaled_agree_with_big_integers(
            digits in prop::collection::vec(0..10_u8, 1..=81), scale in 0..=30_usize, negative: bool,
        ) {
            let scale = scale.min(digits.len());
            let stored = encode(negative, &digits, scale);
            let value = DecimalValue::new(&stored, digits.len() as u8, scale as u8).unwrap();
            let plain: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
            let mut expected: BigInt = plain.parse().unwrap();
            if negative {
                expected = -expected;
            }
            let text = value.to_text();
            prop_assert_eq!(text.replace('.', "").parse::<BigInt>().unwrap(), expected.clone());
            prop_assert_eq!(text.split_once('.').map_or(0, |(_, fraction)| fraction.len()), scale);
            let mut unscaled = Vec::new();
            value.write_unscaled_be(&mut unscaled);
            prop_assert_eq!(unscaled, expected.to_signed_bytes_be());
        }

        #[test]
        fn no_bytes_make_it_panic(stored in prop::collection::vec(any::<u8>(), 0..32), precision: u8, scale: u8) {
            if let Some(value) = DecimalValue::new(&stored, precision, scale) {
                value.to_text();
                value.write_unscaled_be(&mut Vec::new());
            }
        }
    }
}
