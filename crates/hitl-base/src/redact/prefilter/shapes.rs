//! Signs of the shapes that secrets have: a long piece without a blank, many digits, a mark.

use memchr::{memchr_iter, memmem};

/// The shortest shape that has no mark of its own, in bytes.
pub(super) const LONG: usize = 20;

/// A payment card's number has at least so many digits.
const DIGITS: usize = 13;

/// What shapes without a mark of their own are made of, and a little more.
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

/// Whether so many parts stand side by side that they may be a shape.
fn has_a_long_piece(text: &[u8]) -> bool {
    const BLOCK: usize = 8;
    const ONES: u64 = 0x0101_0101_0101_0101;
    let parts =
        |text: &mut dyn Iterator<Item = &u8>| text.take_while(|byte| is_part(**byte)).count();
    // One block at least is inside whatever is long, and few others have neither a blank nor a
    // control character: what has one is told for eight bytes at once.
    text.as_chunks::<BLOCK>().0.iter().enumerate().any(|(at, block)| {
        let word = u64::from_le_bytes(*block);
        let blank = word.wrapping_sub(ONES * 0x21) & !word & (ONES << 7) != 0;
        !blank && block.iter().all(|byte| is_part(*byte)) && {
            let (before, after) = (&text[..at * BLOCK], &text[(at + 1) * BLOCK..]);
            // What is longer need not be measured.
            let (before, after) = (before.iter().rev().take(LONG), after.iter().take(LONG));
            parts(&mut { before }) + BLOCK + parts(&mut { after }) >= LONG
        }
    })
}

/// Whether there are enough digits for a card's number.
fn has_many_digits(text: &[u8]) -> bool {
    // A byte counts as many.
    let digits = |bytes: &[u8]| bytes.iter().map(|b| u8::from(b.is_ascii_digit())).sum::<u8>();
    text.chunks(255).map(|bytes| usize::from(digits(bytes))).sum::<usize>() >= DIGITS
}

/// Whether enough digits are one number, with single blanks and dashes between them.
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

/// Whether digits are grouped around this dash as those of a social security number are.
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

/// Whether an address that goes on so may have a password in it: `user:password@host`.
fn has_a_password(address: &[u8]) -> bool {
    let user = |byte: &u8| !matches!(byte, b'/' | b':' | b'@') && !byte.is_ascii_whitespace();
    let ends = |byte: &u8| b"/?#'\"`<>".contains(byte) || byte.is_ascii_whitespace();
    let after = address.iter().position(|byte| !user(byte)).map(|at| &address[at..]);
    let Some([b':', password @ ..]) = after else { return false };
    let end = password.iter().position(ends).unwrap_or(password.len());
    password[..end].contains(&b'@')
}

/// Whether what follows the name of an authorization's scheme may be a token.
pub(super) fn has_a_token(after: &[u8]) -> bool {
    const TOKEN: usize = 12;
    let blanks = after.iter().take_while(|byte| **byte == b' ').count();
    let token = after[blanks..].iter().take(TOKEN).take_while(|byte| is_part(**byte)).count();
    blanks > 0 && token >= TOKEN
}
