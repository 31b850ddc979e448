//! Durations in human-readable form: `"250ms"`, `"30s"`, `"10m"`, `"4h"`, `"2d"`.

use std::time::Duration;

pub(crate) const ACCEPTED: &str = "a duration with its unit (ms, s, m, h or d), like \"250ms\", \"30s\", \"10m\", \"4h\" or \"2d\"";

/// Ten years: beyond it a typo is more likely than an intent, and sums with a clock could overflow.
const LONGEST: Duration = Duration::from_secs(3650 * 86_400);

/// Reads one whole number and its unit. The error names the accepted forms.
pub(super) fn read(text: &str) -> Result<Duration, &'static str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(ACCEPTED),
    };
    if number.is_empty() {
        return Err(ACCEPTED);
    }
    let length = number.parse::<u64>().ok().and_then(|n| n.checked_mul(milliseconds));
    match length.map(Duration::from_millis) {
        Some(Duration::ZERO) => Err("a duration longer than zero"),
        Some(length) if length <= LONGEST => Ok(length),
        _ => Err("a duration of at most ten years (\"3650d\")"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        for (text, milliseconds) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("10m", 600_000),
            ("4h", 14_400_000),
            ("2d", 172_800_000),
            ("007s", 7_000),
        ] {
            assert_eq!(read(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "s", "10", "10 s", "-1s", "1.5h", "1h30m", "10min", "1S", "१s", "0s"] {
            assert!(read(text).is_err(), "{text}");
        }
        for text in ["3651d", "18446744073709551616ms", "99999999999999999999d"] {
            assert!(read(text).is_err_and(|why| why.contains("at most")), "{text}");
        }
    }
}
