//! What a tool said, as it may be kept: without the secrets that it was given, and not too long.

use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use hitl_base::JsonText;
use hitl_base::display::clip;
use hitl_base::json::{Limits, parse_with_limits};
use hitl_base::redact::Taint;

use super::execute::Runnable;
use super::handle::Inner;

/// The most characters of a failure that are kept.
const MESSAGE: usize = 2_000;
/// The most bytes of a failure that are looked at.
const LOOKED_AT: usize = 64 * 1024;

impl Inner {
    /// What is kept of what a tool said: without secrets, and not too long. Secrets are masked
    /// before the text is shortened, so that none is cut in two and no longer recognised.
    pub(super) fn message(&self, said: &dyn fmt::Display, secrets: &Taint) -> String {
        let mut bounded = Bounded { text: String::new(), cut: false };
        let written = catch_unwind(AssertUnwindSafe(|| write!(bounded, "{said}")));
        if written.is_err() {
            return "the tool's error panicked when it was shown".to_owned();
        }
        let mut text = self.clean(&bounded.text, secrets).into_owned();
        if bounded.cut {
            // What stands at the cut may be the first part of a secret.
            let longest = secrets.longest().max(1024);
            text.truncate(boundary(&text, text.len().saturating_sub(longest)));
            text.push_str(" [… the rest was not looked at]");
        }
        clip(&text, MESSAGE).into_owned()
    }
}

/// What a tool returned, as text without the secrets that it was given. `None` if it cannot be
/// written: the body did run, so the call is not failed, and the log names the tool and the reason.
pub(super) fn output_text<T: Runnable>(
    tool: &str,
    output: &T::Output,
    taint: &Taint,
) -> Option<JsonText> {
    let lost = "what the tool gave cannot be written, so it is not kept";
    match catch_unwind(AssertUnwindSafe(|| T::encode(output))) {
        Ok(Ok(text)) => {
            let clean = scrubbed(text, taint);
            if clean.is_none() {
                tracing::warn!(tool, reason = "secrets in it cannot be masked", "{lost}");
            }
            clean
        }
        Ok(Err(error)) => {
            // It names the keys of a map.
            let reason = taint.text(&error.to_string()).into_owned();
            tracing::warn!(tool, reason, "{lost}");
            None
        }
        Err(panic) => {
            tracing::warn!(tool, reason = "its type panicked while it was written", "{lost}");
            // A panic's own value may panic when it is dropped.
            std::mem::forget(panic);
            None
        }
    }
}

/// Warns when a kept output is another once it is read back: a caller who comes back cannot have
/// it.
pub(super) fn warn_unless_read_back<T: Runnable>(tool: &str, output: &T::Output, text: &JsonText) {
    match catch_unwind(AssertUnwindSafe(|| T::check_output(output, text))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(tool, reason = %error, "what the tool gave does not read back");
        }
        Err(panic) => {
            let reason = "its type panicked while it was read";
            tracing::warn!(tool, reason, "what the tool gave does not read back");
            std::mem::forget(panic);
        }
    }
}

/// What a tool returned, without the secrets that it was given. Nothing when that cannot be told.
fn scrubbed(text: JsonText, taint: &Taint) -> Option<JsonText> {
    if taint.is_empty() {
        return Some(text);
    }
    let limits = Limits { depth: usize::MAX, bytes: usize::MAX };
    let tree = parse_with_limits(text.as_str(), limits).ok()?;
    Some(JsonText::from(&taint.json(&tree)))
}

/// Text that is cut off when it grows beyond reason, whoever writes it.
struct Bounded {
    text: String,
    cut: bool,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = LOOKED_AT.saturating_sub(self.text.len());
        self.text.push_str(&more[..boundary(more, room)]);
        self.cut |= more.len() > room;
        if self.cut { Err(fmt::Error) } else { Ok(()) }
    }
}

/// The last place at or before `at` where `text` may be cut.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
