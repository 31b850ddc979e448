//! Texts that are safe to show.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Redactor;
use hitl_base::display::clip;

/// The maximum length of an error, a reason or a message, in characters.
const MAX_TEXT: usize = 1_000;

/// Redacts and truncates a text of a step or a caller.
pub(crate) fn redact<'t>(redactor: &Redactor, text: &'t str) -> Cow<'t, str> {
    match redactor.text(text) {
        Cow::Borrowed(text) => clip(text, MAX_TEXT),
        Cow::Owned(text) => Cow::Owned(clip(&text, MAX_TEXT).into_owned()),
    }
}

/// Redacts and truncates a name.
pub(crate) fn redact_name(redactor: &Redactor, name: Arc<str>) -> Arc<str> {
    match redact(redactor, &name) {
        Cow::Owned(redacted) => redacted.into(),
        Cow::Borrowed(redacted) if redacted.len() == name.len() => name,
        Cow::Borrowed(clipped) => clipped.into(),
    }
}

/// Formats a duration in seconds, as short as possible: `0.05s`, `30s`.
pub(crate) fn seconds(length: Duration) -> String {
    format!("{}s", length.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_short() {
        assert_eq!(seconds(Duration::from_millis(50)), "0.05s");
        assert_eq!(seconds(Duration::from_secs_f64(0.05)), "0.05s");
        assert_eq!(seconds(Duration::from_secs(30)), "30s");
        assert_eq!(seconds(Duration::from_millis(1_500)), "1.5s");
        assert_eq!(seconds(Duration::from_nanos(1)), "0.000000001s");
    }
}
