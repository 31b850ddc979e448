//! A quick look at a text: whether it can have a secret in it at all. Most texts cannot, and are not
//! looked at any closer.

/// What every secret's name has in it, once what separates its words is left out.
pub(super) const STEMS: &[&str] = &[
    "pass", "pw", "secret", "token", "key", "auth", "cred", "cookie", "pin", "otp", "cvv", "cvc",
    "ssn", "jwt", "bearer", "mnemonic", "session", "string", "seed", "code", "card", "psk", "salt",
    "sas", "sig", "hmac", "license", "access", "login", "sid", "webhook", "dsn", "hash", "private",
    "serial", "client",
];

/// What stands in a text that has a secret in a place of its own, or one of a shape that shows by
/// more than its length.
const SIGNS: &[&[u8]] = &[
    b"-u",
    b"-p",
    b"-a ",
    b"ookie",
    b"</",
    b"alue",
    b"://",
    b"-----begin",
    // What is an ASCII letter but for its case or width: a long s, the sign of Kelvin, and how the
    // full-width letters begin.
    b"\xC5\xBF",
    b"\xE2\x84\xAA",
    b"\xEF\xBC",
    b"\xEF\xBD",
];

/// Which marks (first the stems, then the signs) have a byte in their first, second and third place: one
/// bit for each. So a text is looked through byte by byte, for all marks at once.
struct Starts {
    first: [u64; 256],
    second: [u64; 256],
    third: [u64; 256],
    /// The marks that have no third place.
    pairs: u64,
}

static STARTS: Starts = starts();
const OF_STEMS: u64 = (1 << STEMS.len()) - 1;

const fn starts() -> Starts {
    let mut starts = Starts { first: [0; 256], second: [0; 256], third: [0; 256], pairs: 0 };
    let mut i = 0;
    while i < STEMS.len() + SIGNS.len() {
        let mark = mark(i);
        starts.first[mark[0] as usize] |= 1 << i;
        starts.first[mark[0].to_ascii_uppercase() as usize] |= 1 << i;
        starts.second[mark[1] as usize] |= 1 << i;
        starts.second[mark[1].to_ascii_uppercase() as usize] |= 1 << i;
        if mark.len() > 2 {
            starts.third[mark[2] as usize] |= 1 << i;
            starts.third[mark[2].to_ascii_uppercase() as usize] |= 1 << i;
        } else {
            starts.pairs |= 1 << i;
        }
        i += 1;
    }
    starts
}

const fn mark(i: usize) -> &'static [u8] {
    if i < STEMS.len() { STEMS[i].as_bytes() } else { SIGNS[i - STEMS.len()] }
}

/// Whether one of these marks stands in the text, in whatever case.
fn has(text: &[u8], marks: u64) -> bool {
    // Which marks the last byte, and the last two, may begin.
    let (mut one, mut two) = (0, 0);
    text.iter().enumerate().any(|(at, byte)| {
        let byte = usize::from(*byte);
        let three = two & STARTS.third[byte];
        two = one & STARTS.second[byte];
        one = STARTS.first[byte] & marks;
        two & STARTS.pairs != 0 || three != 0 && is_any_of(three, &text[at - 2..])
    })
}

/// Whether a text begins with one of these marks.
fn is_any_of(mut marks: u64, text: &[u8]) -> bool {
    while marks != 0 {
        let mark = mark(marks.trailing_zeros() as usize);
        if text.get(..mark.len()).is_some_and(|here| here.eq_ignore_ascii_case(mark)) {
            return true;
        }
        marks &= marks - 1;
    }
    false
}

/// Whether a key may be the name of a secret; `false` is sure.
pub(super) fn may_be_a_name(key: &str) -> bool {
    let mut letters = [0; 64];
    if key.len() > letters.len() || !key.is_ascii() {
        return true;
    }
    let mut length = 0;
    for byte in key.bytes().filter(u8::is_ascii_alphanumeric) {
        letters[length] = byte;
        length += 1;
    }
    has(&letters[..length], OF_STEMS)
}

/// Whether a text may have a secret in it; `false` is sure.
pub(super) fn may_hold_a_secret(text: &str) -> bool {
    has(text.as_bytes(), u64::MAX) || may_be_of_a_shape(text)
}

/// The bytes that a token is made of.
static PART: [bool; 256] = {
    let mut part = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        part[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'$' | b'~');
        byte += 1;
    }
    part
};

/// Whether there is a long run of letters and digits in a text, or many digits: what every secret has
/// that shows by its shape and not by a mark of its own.
pub(super) fn may_be_of_a_shape(text: &str) -> bool {
    const RUN: usize = 12;
    const DIGITS: usize = 13;
    let bytes = text.as_bytes();
    // From where a run may begin, look at where it would end: then most bytes need not be looked at.
    let mut start = 0;
    while let Some(run) = bytes.get(start..start + RUN) {
        match run.iter().rposition(|byte| !PART[usize::from(*byte)]) {
            None => return true,
            Some(end) => start += end + 1,
        }
    }
    // In chunks whose count fits a byte, which are counted many bytes at a time.
    let in_chunk = |chunk: &[u8]| chunk.iter().map(|byte| u8::from(byte.is_ascii_digit())).sum();
    let digits: usize = bytes.chunks(255).map(in_chunk).map(|digits: u8| usize::from(digits)).sum();
    digits >= DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As it is defined.
    fn plainly(text: &str) -> bool {
        let (mut run, mut longest, mut digits) = (0_usize, 0, 0);
        for byte in text.bytes() {
            let part = byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'$' | b'~');
            run = if part { run + 1 } else { 0 };
            longest = longest.max(run);
            digits += usize::from(byte.is_ascii_digit());
        }
        longest >= 12 || digits >= 13
    }

    proptest! {
        #[test]
        fn runs_and_digits_are_found(text in "[a-c .]{0,30}|[0-9 ]{0,40}|[a ]{0,12}.{0,40}") {
            prop_assert_eq!(may_be_of_a_shape(&text), plainly(&text));
        }

        #[test]
        fn marks_are_found_wherever_they_stand(before in ".{0,20}", i in 0..STEMS.len() + SIGNS.len(), after in ".{0,20}", upper: bool) {
            let mark = mark(i).to_vec();
            let mark = if upper { mark.to_ascii_uppercase() } else { mark };
            let text = [before.as_bytes(), &mark, after.as_bytes()].concat();
            prop_assert!(has(&text, u64::MAX));
            prop_assert_eq!(has(&mark, OF_STEMS), i < STEMS.len());
        }
    }

    #[test]
    fn plain_text_has_no_mark() {
        for text in
            ["", "a", "The customer asks for a refund of the second leg.", "C-1042", "ß é ü"]
        {
            assert!(!may_hold_a_secret(text), "{text}");
        }
    }
}
