//! Detection of text that reads like words, as opposed to random characters.

/// For each letter, the letters that often follow it in English words and in identifiers: bit 0 is
/// `a`. Counted over the documentation and the sources of open-source libraries; the 260 pairs that
/// are set cover 93 of 100 pairs in words, and 38 of 100 in random letters.
const FOLLOWS: [u32; 26] = [
    0x13E_BD6E, 0x016_4911, 0x01E_4DD5, 0x016_4919, 0x0EF_F97F, 0x016_4939, 0x016_6191, 0x00A_4111,
    0x2AE_F87F, 0x000_0000, 0x004_0110, 0x11C_C919, 0x014_D113, 0x03C_6D7D, 0x07E_FD6F, 0x01E_C995,
    0x010_0000, 0x13E_FD7D, 0x11C_DD95, 0x11E_D9BD, 0x00E_B937, 0x000_4111, 0x006_6111, 0x008_8010,
    0x004_A000, 0x000_0010,
];

/// Returns whether a text is a name or a phrase: words of some length, whose letters follow one
/// another as in words, with few digits. `getUserProfile`, `SN_id_Gost28147_89_None`,
/// `open-sesame`.
pub(super) fn is_name(text: &str) -> bool {
    let (mut words, mut letters, mut digits, mut numbers) = (0_u32, 0_u32, 0_u32, 0_u32);
    let (mut pairs, mut usual) = (0_u32, 0_u32);
    let mut before = b' ';
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        digits += u32::from(byte.is_ascii_digit());
        numbers += u32::from(byte.is_ascii_digit() && !before.is_ascii_digit());
        if byte.is_ascii_alphabetic() {
            letters += 1;
            let next_is_lower = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
            let hump = byte.is_ascii_uppercase() && (before.is_ascii_lowercase() || next_is_lower);
            if hump || !before.is_ascii_alphabetic() {
                words += 1;
            } else {
                pairs += 1;
                let (first, second) = (before.to_ascii_lowercase(), byte.to_ascii_lowercase());
                usual += FOLLOWS[usize::from(first - b'a')] >> (second - b'a') & 1;
            }
        }
        before = *byte;
    }
    let hexadecimal = bytes.len() >= 12 && digits > 0 && bytes.iter().all(u8::is_ascii_hexdigit);
    letters >= 3
        && !hexadecimal
        && digits * 2 <= letters
        && (numbers <= 2 || numbers * 3 <= words)
        && letters * 10 >= words * 28
        && usual * 100 >= pairs * if digits == 0 && words > 1 { 62 } else { 68 }
}

/// Returns whether a key is not a field's name: a number, an address, or random characters.
///
/// ```
/// # use hitl::redact::looks_drawn;
/// assert!(looks_drawn("q3zk8rtw1ypv7l") && looks_drawn("+49 170 1234567"));
/// assert!(!looks_drawn("address_line_1") && !looks_drawn("givenName"));
/// ```
pub fn looks_drawn(key: &str) -> bool {
    const SHORTEST: usize = 8;
    let says = |c: char| c.is_numeric() || c == '@';
    key.chars().count() >= SHORTEST && key.contains(says) && (key.contains('@') || !is_name(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_what_is_random() {
        for name in [
            "getUserProfileByAccountNumber2AndReturnTheFullHistory",
            "WMIGUID_ALL_ACCESS_RS1",
            "s.DefaultListableBeanFactory",
            "SN_id_Gost28147_89_None_KeyMeshing",
            "open-sesame",
            "HTTPServerConnectionPool",
        ] {
            assert!(is_name(name), "{name}");
        }
        for random in [
            "q3zk8rtw1ypv7lmx0djs5hfg",
            "ZXC2JK3HV4TY5UIO6PLK",
            "kL9vQwXzR2tYbN4m",
            "9f8e7d6c5b4a39281706",
            "xkqzvjwpfgthbq",
            "",
        ] {
            assert!(!is_name(random), "{random}");
        }
    }

    #[test]
    fn each_limit_of_a_name_lies_where_it_is_set() {
        for (name, beyond) in [
            // Letters.
            ("the", "th"),
            // Digits beside letters.
            ("invoices1234", "invoices12345"),
            // The length of a hexadecimal number.
            ("deaddecade1", "deaddecade12"),
            // Numbers beside words.
            ("theOneAndAll1TheHerSon2TheInn3", "theOneAndAll1TheHerSon2The3"),
            // Letters in a word.
            ("in-one-all-the-her", "in-on-all-the-her"),
            // Usual pairs: one word, more words, and words with a digit.
            ("trndisrln", "thlrtarsn"),
            ("oaisr-aeulo", "oaisr-aeulo1"),
        ] {
            assert!(is_name(name), "{name}");
            assert!(!is_name(beyond), "{beyond}");
        }
    }

    #[test]
    fn a_key_with_an_address_or_a_long_number_is_no_field() {
        for drawn in ["ann@example.org", "a@b.c.de", "12345678", "\u{661}\u{662}\u{663}xqzkwj"] {
            assert!(looks_drawn(drawn), "{drawn}");
        }
        for field in ["a@b.com", "1234567", "customer_id_12", "xkqzvjwpfg", ""] {
            assert!(!looks_drawn(field), "{field}");
        }
    }
}
