//! Removes secrets from a tool's result, and limits its length, before it is stored.

use std::fmt::{self, Write as _};

use hitl_base::display::clip;
use hitl_base::json::parse_with_limits;
use hitl_base::redact::Taint;
use hitl_base::{JsonText, Redactor};

use super::runnable::Runnable;
use crate::gate::masking::mask_text;
use crate::gate::stored_text::UNLIMITED;
use crate::panic::catch;

/// The most characters of a failure that are stored.
const MAX_MESSAGE: usize = 2_000;
/// The most bytes of a failure that are searched for secrets.
const MAX_SEARCHED: usize = 64 * 1024;

/// Returns a tool's error as text without secrets, shortened if it is long. Secrets are masked
/// before the text is shortened, so that none is cut in two and no longer recognized.
pub(in crate::gate) fn sanitize_failure(
    redactor: &Redactor,
    error: &dyn fmt::Display,
    secrets: &Taint,
) -> String {
    let mut bounded = BoundedWriter { text: String::new(), cut: false };
    let written = catch(|| write!(bounded, "{error}"));
    if written.is_err() {
        return "the tool's error panicked when it was shown".to_owned();
    }
    let mut text = mask_text(redactor, &bounded.text, secrets).into_owned();
    if bounded.cut {
        // The text before the cut may be the first part of a secret.
        let longest = secrets.longest().max(1024);
        text.truncate(boundary(&text, text.len().saturating_sub(longest)));
        text.push_str(" [… the rest was not looked at]");
    }
    clip(&text, MAX_MESSAGE).into_owned()
}

/// Returns a tool's output as text without the secrets that it was given. `None` if it cannot be
/// written: the body did run, so the call has not failed, and the log names the tool and the
/// reason.
pub(in crate::gate) fn sanitize_output<T: Runnable>(
    tool: &str,
    output: &T::Output,
    taint: &Taint,
) -> Option<JsonText> {
    let lost = "what the tool gave cannot be written, so it is not kept";
    match catch(|| T::encode(output)) {
        Ok(Ok(text)) => {
            let clean = mask_output(text, taint);
            if clean.is_none() {
                tracing::warn!(tool, reason = "secrets in it cannot be masked", "{lost}");
            }
            clean
        }
        Ok(Err(error)) => {
            tracing::warn!(tool, reason = %error, "{lost}");
            None
        }
        Err(_panicked) => {
            tracing::warn!(tool, reason = "its type panicked while it was written", "{lost}");
            None
        }
    }
}

/// Returns the output of a failed body without the secrets that the tool was given. `None` if it
/// has none, or if the secrets cannot be masked: the call has failed in any case.
pub(in crate::gate) fn sanitize_failed_output<T: Runnable>(
    tool: &str,
    error: &T::Error,
    taint: &Taint,
) -> Option<JsonText> {
    let output = T::failed_output(error)?.clone();
    let clean = mask_output(output, taint);
    if clean.is_none() {
        let lost = "what the tool gave when it failed is not kept";
        tracing::warn!(tool, reason = "secrets in it cannot be masked", "{lost}");
    }
    clean
}

/// Warns if a stored output does not read back to the same value: then a caller that re-attaches
/// cannot get it.
pub(in crate::gate) fn warn_unless_read_back<T: Runnable>(
    tool: &str,
    output: &T::Output,
    text: &JsonText,
) {
    match catch(|| T::check_output(output, text)) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(tool, reason = %error, "what the tool gave does not read back");
        }
        Err(_panicked) => {
            let reason = "its type panicked while it was read";
            tracing::warn!(tool, reason, "what the tool gave does not read back");
        }
    }
}

/// Returns an output without the secrets that the tool was given. `None` if they cannot be masked.
fn mask_output(text: JsonText, taint: &Taint) -> Option<JsonText> {
    if taint.is_empty() {
        return Some(text);
    }
    let tree = parse_with_limits(text.as_str(), UNLIMITED).ok()?;
    Some(JsonText::from(&taint.json(&tree)))
}

/// A writer that cuts its text off at a limit.
struct BoundedWriter {
    text: String,
    cut: bool,
}

impl fmt::Write for BoundedWriter {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = MAX_SEARCHED.saturating_sub(self.text.len());
        self.text.push_str(&more[..boundary(more, room)]);
        self.cut |= more.len() > room;
        if self.cut { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Returns the last place at or before `at` where `text` may be cut.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
