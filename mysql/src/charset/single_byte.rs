//! Charsets of one byte a character: what the upper half means, byte 0x80 first; U+FFFD = no character.

use std::borrow::Cow;

use super::Decoded;

#[derive(Debug)]
pub(super) struct SingleByte {
    upper: [char; 128],
    /// Where the lower half is not ASCII.
    lower: &'static [(u8, char)],
    /// Bytes whose character the server writes as another byte.
    ambiguous: &'static [u8],
}

impl SingleByte {
    const fn new(upper: &str) -> Self {
        Self { upper: chars(upper), lower: &[], ambiguous: &[] }
    }

    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Decoded<'a> {
        if self.lower.is_empty()
            && bytes.is_ascii()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return Decoded { text: Cow::Borrowed(text), lossless: true };
        }
        let mut text = String::with_capacity(bytes.len() * 2);
        let mut lossless = true;
        for byte in bytes {
            let char = self.char(*byte);
            lossless &= char != char::REPLACEMENT_CHARACTER && !self.ambiguous.contains(byte);
            text.push(char);
        }
        Decoded { text: Cow::Owned(text), lossless }
    }

    fn char(&self, byte: u8) -> char {
        match byte {
            0x80.. => self.upper[usize::from(byte) - 0x80],
            _ => self.lower.iter().find(|(low, _)| *low == byte).map_or(char::from(byte), |(_, char)| *char),
        }
    }
}

/// The 128 characters of a string, decoded from UTF-8 when this is compiled.
const fn chars(text: &str) -> [char; 128] {
    let bytes = text.as_bytes();
    let mut chars = ['\0'; 128];
    let (mut at, mut count) = (0, 0);
    while at < bytes.len() {
        let (mut code, length) = match bytes[at] {
            first @ 0..0x80 => (first as u32, 1),
            first @ 0x80..0xe0 => (first as u32 & 0x1f, 2),
            first => (first as u32 & 0x0f, 3),
        };
        let mut next = 1;
        while next < length {
            code = code << 6 | bytes[at + next] as u32 & 0x3f;
            next += 1;
        }
        chars[count] = char::from_u32(code).expect("decoded from a string");
        count += 1;
        at += length;
    }
    assert!(count == 128, "a half of a charset has 128 characters");
    chars
}

pub(super) static SWE7: SingleByte = SingleByte {
    upper: [char::REPLACEMENT_CHARACTER; 128],
    lower: &[
        (0x40, 'É'),
        (0x5b, 'Ä'),
        (0x5c, 'Ö'),
        (0x5d, 'Å'),
        (0x5e, 'Ü'),
        (0x60, 'é'),
        (0x7b, 'ä'),
        (0x7c, 'ö'),
        (0x7d, 'å'),
        (0x7e, 'ü'),
        (0x7f, char::REPLACEMENT_CHARACTER),
    ],
    ambiguous: &[],
};

pub(super) static ARMSCII8: SingleByte = SingleByte {
    // Second codes of ASCII characters.
    ambiguous: &[0xa4, 0xa5, 0xa9, 0xab, 0xac, 0xff],
    ..SingleByte::new(
        "\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\
     \u{a0}❁§։\u{29}\u{28}»«—\u{2e}՝\u{2c}\u{2d}՟…՜՛՞ԱաԲբԳգԴդԵեԶզԷէ\
     ԸըԹթԺժԻիԼլԽխԾծԿկՀհՁձՂղՃճՄմՅյՆնՇշ\
     ՈոՉչՊպՋջՌռՍսՎվՏտՐրՑցՒւՓփՔքՕօՖֆ’\u{27}",
    )
};

pub(super) static CP1250: SingleByte = SingleByte::new(
    "€\u{fffd}‚\u{fffd}„…†‡\u{fffd}‰Š‹ŚŤŽŹ\u{fffd}‘’“”•–—\u{fffd}™š›śťžź\
     \u{a0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{ad}®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż\
     ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß\
     ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙",
);

pub(super) static CP1251: SingleByte = SingleByte::new(
    "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{fffd}™љ›њќћџ\
     \u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕї\
     АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ\
     абвгдежзийклмнопрстуфхцчшщъыьэюя",
);

pub(super) static CP1256: SingleByte = SingleByte::new(
    "€پ‚ƒ„…†‡ˆ‰\u{fffd}‹Œچژ\u{fffd}گ‘’“”•–—\u{fffd}™\u{fffd}›œ\u{200c}\u{200d}\u{fffd}\
     \u{a0}،¢£¤¥¦§¨©\u{fffd}«¬\u{ad}®¯°±²³´µ¶·¸¹؛»¼½¾؟\
     \u{fffd}ءآأؤإئابةتثجحخدذرزسشصض×طظعغـفقك\
     àلâمنهوçèéêëىيîï\u{64b}\u{64c}\u{64d}\u{64e}ô\u{64f}\u{650}÷\u{651}ù\u{652}ûü\u{200e}\u{200f}\u{fffd}",
);

pub(super) static CP1257: SingleByte = SingleByte::new(
    "€\u{fffd}‚\u{fffd}„…†‡\u{fffd}‰\u{fffd}‹\u{fffd}¨ˇ¸\u{fffd}‘’“”•–—\u{fffd}™\u{fffd}›\u{fffd}¯˛\u{fffd}\
     \u{a0}\u{fffd}¢£¤\u{fffd}¦§Ø©Ŗ«¬\u{ad}®Æ°±²³´µ¶·ø¹ŗ»¼½¾æ\
     ĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽß\
     ąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙",
);

pub(super) static CP850: SingleByte = SingleByte::new(
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ\
     áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
     └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀\
     ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}",
);

pub(super) static CP852: SingleByte = SingleByte::new(
    "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×č\
     áíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐\
     └┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀\
     ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}",
);

pub(super) static CP866: SingleByte = SingleByte::new(
    "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ\
     абвгдежзийклмноп░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
     └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
     рстуфхцчшщъыьэюяЁёЄєЇїЎў°∙·√ⁿ²■\u{a0}",
);

pub(super) static DEC8: SingleByte = SingleByte::new(
    "\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\
     \u{a0}¡¢£\u{fffd}¥\u{fffd}§¤©ª«\u{fffd}\u{fffd}\u{fffd}\u{fffd}°±²³\u{fffd}µ¶·\u{fffd}¹º»¼½\u{fffd}¿\
     ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏ\u{fffd}ÑÒÓÔÕÖŒØÙÚÛÜŸ\u{fffd}ß\
     àáâãäåæçèéêëìíîï\u{fffd}ñòóôõöœøùúûüÿ\u{fffd}\u{fffd}",
);

pub(super) static GEOSTD8: SingleByte = SingleByte::new(
    "€\u{fffd}‚\u{fffd}„…†‡\u{fffd}‰\u{fffd}‹\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}‘’“”•–—\u{fffd}\u{fffd}\u{fffd}›\u{fffd}\u{fffd}\u{fffd}\u{fffd}\
     \u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿\
     აბგდევზჱთიკლმნჲოპჟრსტჳუფქღყშჩცძწ\
     ჭხჴჯჰჵ\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}№\u{fffd}\u{fffd}",
);

pub(super) static GREEK: SingleByte = SingleByte::new(
    "\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\
     \u{a0}ʽʼ£\u{fffd}\u{fffd}¦§¨©\u{fffd}«¬\u{ad}\u{fffd}―°±²³΄΅Ά·ΈΉΊ»Ό½ΎΏ\
     ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ\u{fffd}ΣΤΥΦΧΨΩΪΫάέήί\
     ΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ\u{fffd}",
);

pub(super) static HEBREW: SingleByte = SingleByte::new(
    "\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\
     \u{a0}\u{fffd}¢£¤¥¦§¨©×«¬\u{ad}®‾°±²³´µ¶·¸¹÷»¼½¾\u{fffd}\
     \u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}‗\
     אבגדהוזחטיךכלםמןנסעףפץצקרשת\u{fffd}\u{fffd}\u{200e}\u{200f}\u{fffd}",
);

pub(super) static HP8: SingleByte = SingleByte::new(
    "\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\
     \u{a0}ÀÂÈÊËÎÏ´ˋˆ¨˜ÙÛ₤¯Ýý°ÇçÑñ¡¿¤£¥§ƒ¢\
     âêôûáéóúàèòùäëöüÅîØÆåíøæÄìÖÜÉïßÔ\
     ÁÃãÐðÍÌÓÒÕõŠšÚŸÿÞþ·µ¶¾—¼½ªº«■»±\u{fffd}",
);

pub(super) static KEYBCS2: SingleByte = SingleByte::new(
    "ČüéďäĎŤčěĚĹÍľĺÄÁÉžŽôöÓůÚýÖÜŠĽÝŘť\
     áíóúňŇŮÔšřŕŔ¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
     └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
     αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}",
);

pub(super) static KOI8R: SingleByte = SingleByte::new(
    "─│┌┐└┘├┤┬┴┼▀▄█▌▐░▒▓⌠■∙√≈≤≥\u{a0}⌡°²·÷\
     ═║╒ё╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡Ё╢╣╤╥╦╧╨╩╪╫╬©\
     юабцдефгхийклмнопярстужвьызшэщчъ\
     ЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ",
);

pub(super) static KOI8U: SingleByte = SingleByte::new(
    "─│┌┐└┘├┤┬┴┼▀▄█▌▐░▒▓⌠■•√≈≤≥\u{a0}⌡°²·÷\
     ═║╒ёє╔ії╗╘╙╚╛ґ╝╞╟╠╡ЁЄ╣ІЇ╦╧╨╩╪Ґ╬©\
     юабцдефгхийклмнопярстужвьызшэщчъ\
     ЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ",
);

pub(super) static LATIN1: SingleByte = SingleByte::new(
    "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ\
     \u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿\
     ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß\
     àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ",
);

pub(super) static LATIN2: SingleByte = SingleByte::new(
    "\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\
     \u{a0}Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u{ad}ŽŻ°ą˛ł´ľśˇ¸šşťź˝žż\
     ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß\
     ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙",
);

pub(super) static LATIN5: SingleByte = SingleByte::new(
    "\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\
     \u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿\
     ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞß\
     àáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ",
);

pub(super) static LATIN7: SingleByte = SingleByte::new(
    "\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\
     \u{a0}”¢£¤„¦§Ø©Ŗ«¬\u{ad}®Æ°±²³“µ¶·ø¹ŗ»¼½¾æ\
     ĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽß\
     ąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž’",
);

pub(super) static MACCE: SingleByte = SingleByte::new(
    "ÄĀāÉĄÖÜáąČäčĆćéŹźĎíďĒēĖóėôöõúĚěü\
     †°Ę£§•¶ß®©™ę¨≠ģĮįĪ≤≥īĶ∂∑łĻļĽľĹĺŅ\
     ņŃ¬√ńŇ∆«»…\u{a0}ňŐÕőŌ–—“”‘’÷◊ōŔŕŘ‹›řŖ\
     ŗŠ‚„šŚśÁŤťÍŽžŪÓÔūŮÚůŰűŲųÝýķŻŁżĢˇ",
);

pub(super) static MACROMAN: SingleByte = SingleByte::new(
    "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü\
     †°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø\
     ¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ\
     ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ",
);

pub(super) static TIS620: SingleByte = SingleByte::new(
    "\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\
     \u{fffd}กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟ\
     ภมยรฤลฦวศษสหฬอฮฯะ\u{e31}าำ\u{e34}\u{e35}\u{e36}\u{e37}\u{e38}\u{e39}\u{e3a}\u{fffd}\u{fffd}\u{fffd}\u{fffd}฿\
     เแโใไๅๆ\u{e47}\u{e48}\u{e49}\u{e4a}\u{e4b}\u{e4c}\u{e4d}\u{e4e}๏๐๑๒๓๔๕๖๗๘๙๚๛\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_without_a_character_are_not_lossless() {
        let decoded = CP1252_LIKE_LATIN1.decode(b"caf\xe9 \x80\x81");
        assert_eq!(
            (&*decoded.text, decoded.lossless),
            ("café €\u{81}", true),
            "0x81 stays a control character"
        );
        let decoded = CP1250.decode(b"a\x81");
        assert_eq!((&*decoded.text, decoded.lossless), ("a\u{fffd}", false));
        let decoded = ARMSCII8.decode(b"\xa4");
        assert_eq!((&*decoded.text, decoded.lossless), (")", false));
        let decoded = SWE7.decode(b"[x]");
        assert_eq!((&*decoded.text, decoded.lossless), ("ÄxÅ", true));
        assert!(matches!(CP850.decode(b"plain").text, Cow::Borrowed("plain")));
    }

    use LATIN1 as CP1252_LIKE_LATIN1;
}
