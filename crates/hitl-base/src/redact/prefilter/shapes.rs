//! Signs of the shapes of secrets: a long piece without a blank, many digits, a prefix.

use memchr::{memchr_iter, memmem};

/// The shortest shape without a prefix of its own, in bytes.
pub(super) const LONG: usize = 20;

/// The least number of digits in a payment card's number.
const DIGITS: usize = 13;

/// Returns whether shapes without a prefix of their own may contain this byte. A superset.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'_' | b'-' | b'.' | b'=' | b'+' | b'/' | b'~' | b'%' | b'$' | b':' | b',' | b'@'
        )
}

pub(super) fn has_a_sign(text: &[u8]) -> bool {
    has_a_long_piece(text)
        || has_many_digits(text) && has_a_number(text)
        || memchr_iter(b'-', text).any(|at| is_grouped(text, at))
        || memmem::find_iter(text, "://").any(|at| has_a_password(&text[at + 3..]))
        || ["--BEGIN", "-- BEGIN", "$krb5"]
            .iter()
            .any(|mark| memmem::find(text, mark.as_bytes()).is_some())
}

/// Returns whether enough consecutive bytes may be part of a shape.
// Its blocks pay 63 % of the time of "redaction, 4 KB of prose without secrets"
// (cargo xtask bench redaction).
fn has_a_long_piece(text: &[u8]) -> bool {
    const BLOCK: usize = 8;
    const ONES: u64 = 0x0101_0101_0101_0101;
    let parts =
        |text: &mut dyn Iterator<Item = &u8>| text.take_while(|byte| is_part(**byte)).count();
    // Any long piece contains at least one whole block, and few other blocks have neither a blank
    // nor a control character: eight bytes are checked at once.
    text.as_chunks::<BLOCK>().0.iter().enumerate().any(|(at, block)| {
        let word = u64::from_le_bytes(*block);
        let blank = word.wrapping_sub(ONES * 0x21) & !word & (ONES << 7) != 0;
        !blank && block.iter().all(|byte| is_part(*byte)) && {
            let (before, after) = (&text[..at * BLOCK], &text[(at + 1) * BLOCK..]);
            // Counting stops once the piece is long enough.
            let (before, after) = (before.iter().rev().take(LONG), after.iter().take(LONG));
            parts(&mut { before }) + BLOCK + parts(&mut { after }) >= LONG
        }
    })
}

/// Returns whether a text has enough digits for a card number.
// Its chunks pay 31 % of the time of "redaction, 4 KB of prose without secrets"
// (cargo xtask bench redaction).
fn has_many_digits(text: &[u8]) -> bool {
    // The sum of a chunk fits a byte.
    let digits = |bytes: &[u8]| bytes.iter().map(|b| u8::from(b.is_ascii_digit())).sum::<u8>();
    text.chunks(255).map(|bytes| usize::from(digits(bytes))).sum::<usize>() >= DIGITS
}

/// Returns whether enough digits form one number, with single blanks and dashes between them.
fn has_a_number(text: &[u8]) -> bool {
    let (mut digits, mut apart) = (0, false);
    text.iter().any(|byte| {
        match byte {
            b'0'..=b'9' => (digits, apart) = (digits + 1, false),
            b' ' | b'-' if !apart => apart = true,
            _ => digits = 0,
        }
        digits >= DIGITS
    })
}

/// Returns whether the digits around this dash are grouped like a social security number.
fn is_grouped(text: &[u8], dash: usize) -> bool {
    let digits = |from: usize, to: usize| {
        text.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    text.get(dash + 3) == Some(&b'-')
        && digits(dash + 1, dash + 3)
        && digits(dash + 4, dash + 8)
        && dash >= 3
        && digits(dash - 3, dash)
}

/// Returns whether a URL that continues like this may have a password in it: `user:password@host`.
fn has_a_password(address: &[u8]) -> bool {
    let user = |byte: &u8| !matches!(byte, b'/' | b':' | b'@') && !byte.is_ascii_whitespace();
    let ends = |byte: &u8| b"/?#'\"`<>".contains(byte) || byte.is_ascii_whitespace();
    let after = address.iter().position(|byte| !user(byte)).map(|at| &address[at..]);
    let Some([b':', password @ ..]) = after else { return false };
    let end = password.iter().position(ends).unwrap_or(password.len());
    password[..end].contains(&b'@')
}

/// Returns whether the text after the name of an authorization scheme may be a token.
pub(super) fn has_a_token(after: &[u8]) -> bool {
    const TOKEN: usize = 12;
    let blanks = after.iter().take_while(|byte| **byte == b' ').count();
    let token = after[blanks..].iter().take(TOKEN).take_while(|byte| is_part(**byte)).count();
    blanks > 0 && token >= TOKEN
}
