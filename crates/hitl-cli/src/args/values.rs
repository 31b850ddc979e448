//! Parsers of values. Pure.

use std::time::Duration;

use hitl_base::Timestamp;
use hitl_core::grant::ParseAmountError;
use hitl_core::{Amount, CallState};
use serde::de::DeserializeOwned;

/// When something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// At this moment.
    At(Timestamp),
    /// This long from now.
    In(Duration),
}

/// Parses a value by its name in JSON.
pub(super) fn json_word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|_| "there is no such value".to_owned())
}

/// Parses `NAME=VALUE`.
pub(super) fn named_text(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as ARGUMENT=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Parses `NAME=NUMBER`.
pub(super) fn named_amount(text: &str) -> Result<(String, Amount), String> {
    let (name, number) = named_text(text)?;
    Ok((name, number.parse().map_err(|why: ParseAmountError| why.to_string())?))
}

/// Parses a moment, or a time from now.
pub(super) fn until(text: &str) -> Result<Until, String> {
    if let Ok(moment) = text.parse() {
        return Ok(Until::At(moment));
    }
    let wrong = || {
        "give a moment like 2027-01-31T18:00:00Z, or a time from now like 30m, 8h or 7d".to_owned()
    };
    seconds(text).map(|seconds| Until::In(Duration::from_secs(seconds))).ok_or_else(wrong)
}

/// Parses a length of time.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    let length = seconds(text).filter(|seconds| *seconds > 0).map(Duration::from_secs);
    length.ok_or_else(|| "give a time like 30m, 8h or 7d".to_owned())
}

fn seconds(text: &str) -> Option<u64> {
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    // More than a century would not fit a moment.
    number.checked_mul(seconds).filter(|seconds| *seconds <= 100 * 365 * 86_400)
}

/// Parses the name of a call's state.
pub(super) fn call_state(text: &str) -> Result<CallState, String> {
    CallState::ALL.into_iter().find(|state| state.name() == text).ok_or_else(|| {
        let names = CallState::ALL.map(CallState::name);
        format!("states are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_ends_at_a_moment_or_after_a_time() {
        let hours = |n: u64| Ok(Until::In(Duration::from_secs(n * 3600)));
        assert_eq!(until("8h"), hours(8));
        assert_eq!(until("7d"), hours(7 * 24));
        let moment: Timestamp = "2027-01-31T18:00:00Z".parse().unwrap();
        assert_eq!(until("2027-01-31T18:00:00Z"), Ok(Until::At(moment)));
        for wrong in ["", "h", "8", "-8h", "8 h", "8w", "1.5h", "tomorrow", "99999999999d"] {
            assert!(until(wrong).is_err(), "{wrong}");
        }
        assert!(named_amount("amount=-5").is_err() && named_amount("amount").is_err());
        assert_eq!(named_text("to=a=b"), Ok(("to".to_owned(), "a=b".to_owned())));
    }
}
