//! Collation ids -> charsets, as `SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATIONS` says on
//! MySQL 9.7 and MariaDB 10.11. Ids never change their meaning between versions, and none means two charsets: MariaDB's
//! own begin at 576.

use super::{Charset, Decoding, multi_byte, single_byte};

/// The charset of a collation id; None for an id that neither server has.
pub fn of_collation(id: u16) -> Option<&'static Charset> {
    Some(match id {
        32 | 64 => &ARMSCII8,
        11 | 65 => &ASCII,
        1 | 84 => &BIG5,
        63 => &BINARY,
        26 | 34 | 44 | 66 | 99 => &CP1250,
        14 | 23 | 50..=52 => &CP1251,
        57 | 67 => &CP1256,
        29 | 58 | 59 => &CP1257,
        4 | 80 => &CP850,
        40 | 81 => &CP852,
        36 | 68 => &CP866,
        95 | 96 => &CP932,
        3 | 69 => &DEC8,
        97 | 98 => &EUCJPMS,
        19 | 85 => &EUCKR,
        248..=250 => &GB18030,
        24 | 86 => &GB2312,
        28 | 87 => &GBK,
        92 | 93 => &GEOSTD8,
        25 | 70 => &GREEK,
        16 | 71 => &HEBREW,
        6 | 72 => &HP8,
        37 | 73 => &KEYBCS2,
        7 | 74 => &KOI8R,
        22 | 75 => &KOI8U,
        5 | 8 | 15 | 31 | 47..=49 | 94 => &LATIN1,
        2 | 9 | 21 | 27 | 77 => &LATIN2,
        30 | 78 => &LATIN5,
        20 | 41 | 42 | 79 => &LATIN7,
        38 | 43 => &MACCE,
        39 | 53 => &MACROMAN,
        13 | 88 => &SJIS,
        10 | 82 => &SWE7,
        18 | 89 => &TIS620,
        35 | 90 | 128..=151 | 159 => &UCS2,
        12 | 91 => &UJIS,
        54 | 55 | 101..=124 => &UTF16,
        56 | 62 => &UTF16LE,
        60 | 61 | 160..=183 => &UTF32,
        33 | 76 | 83 | 192..=215 | 223 => &UTF8MB3,
        45 | 46 | 224..=247 | 255..=271 | 273..=275 | 277..=294 | 296..=298 | 300 | 303..=323 => &UTF8MB4,
        _ => return of_mariadb(id),
    })
}

/// Collations that only MariaDB has.
fn of_mariadb(id: u16) -> Option<&'static Charset> {
    /// Collations without padding are those with it, so much higher.
    const NOPAD: u16 = 1024;

    Some(match id {
        576..=578 | 2048..=2247 => &UTF8MB3,
        608..=610 | 2304..=2503 => &UTF8MB4,
        640..=642 | 2560..=2759 => &UCS2,
        672..=674 | 2816..=3015 => &UTF16,
        736..=738 | 3072..=3271 => &UTF32,
        1025..=1270 => return of_collation(id - NOPAD),
        _ => return None,
    })
}

const fn charset(name: &'static str, max_bytes: u8, decoding: Decoding) -> Charset {
    Charset { name, max_bytes, decoding }
}

static ARMSCII8: Charset = charset("armscii8", 1, Decoding::SingleByte(&single_byte::ARMSCII8));
static ASCII: Charset = charset("ascii", 1, Decoding::Ascii);
static BIG5: Charset = charset("big5", 2, Decoding::MultiByte(&multi_byte::BIG5));
static BINARY: Charset = charset("binary", 1, Decoding::Binary);
static CP1250: Charset = charset("cp1250", 1, Decoding::SingleByte(&single_byte::CP1250));
static CP1251: Charset = charset("cp1251", 1, Decoding::SingleByte(&single_byte::CP1251));
static CP1256: Charset = charset("cp1256", 1, Decoding::SingleByte(&single_byte::CP1256));
static CP1257: Charset = charset("cp1257", 1, Decoding::SingleByte(&single_byte::CP1257));
static CP850: Charset = charset("cp850", 1, Decoding::SingleByte(&single_byte::CP850));
static CP852: Charset = charset("cp852", 1, Decoding::SingleByte(&single_byte::CP852));
static CP866: Charset = charset("cp866", 1, Decoding::SingleByte(&single_byte::CP866));
static CP932: Charset = charset("cp932", 2, Decoding::MultiByte(&multi_byte::CP932));
static DEC8: Charset = charset("dec8", 1, Decoding::SingleByte(&single_byte::DEC8));
static EUCJPMS: Charset = charset("eucjpms", 3, Decoding::MultiByte(&multi_byte::EUCJPMS));
static EUCKR: Charset = charset("euckr", 2, Decoding::MultiByte(&multi_byte::EUCKR));
static GB18030: Charset = charset("gb18030", 4, Decoding::MultiByte(&multi_byte::GB18030));
static GB2312: Charset = charset("gb2312", 2, Decoding::MultiByte(&multi_byte::GB2312));
static GBK: Charset = charset("gbk", 2, Decoding::MultiByte(&multi_byte::GBK));
static GEOSTD8: Charset = charset("geostd8", 1, Decoding::SingleByte(&single_byte::GEOSTD8));
static GREEK: Charset = charset("greek", 1, Decoding::SingleByte(&single_byte::GREEK));
static HEBREW: Charset = charset("hebrew", 1, Decoding::SingleByte(&single_byte::HEBREW));
static HP8: Charset = charset("hp8", 1, Decoding::SingleByte(&single_byte::HP8));
static KEYBCS2: Charset = charset("keybcs2", 1, Decoding::SingleByte(&single_byte::KEYBCS2));
static KOI8R: Charset = charset("koi8r", 1, Decoding::SingleByte(&single_byte::KOI8R));
static KOI8U: Charset = charset("koi8u", 1, Decoding::SingleByte(&single_byte::KOI8U));
static LATIN1: Charset = charset("latin1", 1, Decoding::SingleByte(&single_byte::LATIN1));
static LATIN2: Charset = charset("latin2", 1, Decoding::SingleByte(&single_byte::LATIN2));
static LATIN5: Charset = charset("latin5", 1, Decoding::SingleByte(&single_byte::LATIN5));
static LATIN7: Charset = charset("latin7", 1, Decoding::SingleByte(&single_byte::LATIN7));
static MACCE: Charset = charset("macce", 1, Decoding::SingleByte(&single_byte::MACCE));
static MACROMAN: Charset = charset("macroman", 1, Decoding::SingleByte(&single_byte::MACROMAN));
static SJIS: Charset = charset("sjis", 2, Decoding::MultiByte(&multi_byte::SJIS));
static SWE7: Charset = charset("swe7", 1, Decoding::SingleByte(&single_byte::SWE7));
static TIS620: Charset = charset("tis620", 1, Decoding::SingleByte(&single_byte::TIS620));
static UCS2: Charset = charset("ucs2", 2, Decoding::Ucs2);
static UJIS: Charset = charset("ujis", 3, Decoding::MultiByte(&multi_byte::UJIS));
static UTF16: Charset = charset("utf16", 4, Decoding::Utf16 { little_endian: false });
static UTF16LE: Charset = charset("utf16le", 4, Decoding::Utf16 { little_endian: true });
static UTF32: Charset = charset("utf32", 4, Decoding::Utf32);
static UTF8MB3: Charset = charset("utf8mb3", 3, Decoding::Utf8Mb3);
static UTF8MB4: Charset = charset("utf8mb4", 4, Decoding::Utf8Mb4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_ids() {
        let cases = [
            (8, "latin1", 1),
            (33, "utf8mb3", 3),
            (45, "utf8mb4", 4),
            (255, "utf8mb4", 4),
            (63, "binary", 1),
            (309, "utf8mb4", 4),
            (11, "ascii", 1),
            (249, "gb18030", 4),
            (609, "utf8mb4", 4),
            (1069, "utf8mb4", 4),
            (1032, "latin1", 1),
            (2304, "utf8mb4", 4),
            (2048, "utf8mb3", 3),
        ];
        for (id, name, max_bytes) in cases {
            let charset = of_collation(id).unwrap();
            assert_eq!((charset.name, charset.max_bytes), (name, max_bytes));
        }
        assert_eq!(of_collation(0), None);
        assert_eq!(of_collation(1000), None);
        assert_eq!((1..576).filter(|id| of_collation(*id).is_some()).count(), 286);
    }
}
