//! A decoder for one label of an internationalised host (RFC 3492). It is written here because a
//! crate for it brings all of IDNA, and only the readable text is needed.

/// The longest host label, in characters.
const MAX_LABEL: usize = 63;

/// Returns the text of a label without its `xn--`. `None` if it is not a valid label.
pub(super) fn decode(label: &str) -> Option<String> {
    if label.is_empty() || label.len() > MAX_LABEL || !label.is_ascii() {
        return None;
    }
    let (basic, extended) = label.rsplit_once('-').unwrap_or(("", label));
    if extended.is_empty() {
        return None;
    }
    let mut out: Vec<char> = basic.chars().collect();
    let (mut code, mut at, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = extended.bytes();
    while digits.len() > 0 {
        let (before, mut weight, mut k) = (at, 1_u32, 36_u32);
        loop {
            let digit = match digits.next()? {
                c @ b'a'..=b'z' => c - b'a',
                c @ b'A'..=b'Z' => c - b'A',
                c @ b'0'..=b'9' => c - b'0' + 26,
                _ => return None,
            };
            at = at.checked_add(u32::from(digit).checked_mul(weight)?)?;
            let threshold = k.saturating_sub(bias).clamp(1, 26);
            if u32::from(digit) < threshold {
                break;
            }
            weight = weight.checked_mul(36 - threshold)?;
            k += 36;
        }
        let count = u32::try_from(out.len()).ok()? + 1;
        bias = adapt(at - before, count, before == 0);
        code = code.checked_add(at / count)?;
        at %= count;
        out.insert(usize::try_from(at).ok()?, char::from_u32(code)?);
        at += 1;
    }
    Some(out.into_iter().collect())
}

fn adapt(delta: u32, count: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / count;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_decoded() {
        for (label, text) in [
            ("bcher-kva", "b\u{fc}cher"),
            ("80ak6aa92e", "\u{430}\u{440}\u{440}\u{4cf}\u{435}"),
            ("fiqs8s", "\u{4e2d}\u{56fd}"),
            ("e1afmkfd", "\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}"),
        ] {
            assert_eq!(decode(label).as_deref(), Some(text));
        }
        for none in ["", "-", "a-", "99999999999", "\u{e9}"] {
            assert_eq!(decode(none), None, "{none:?}");
        }
    }
}
