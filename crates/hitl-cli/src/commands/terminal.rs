//! The person at the terminal, if there is one.

use std::io::{self, IsTerminal as _, Write as _};

use crate::exit::{Exit, Failure};
use crate::seen_check::Interactivity;
use crate::view::Screen;

/// Returns whether a person can read a question and answer it.
pub(crate) fn interactivity() -> Interactivity {
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        Interactivity::Person
    } else {
        Interactivity::Nobody
    }
}

/// The maximum number of characters of a name in a question.
const MAX_NAME: usize = 120;

/// Returns a name for a question: escaped, and cut where it would push the question off the screen.
/// The card shows all of it.
pub(crate) fn clip_name(name: &str) -> String {
    hitl_base::display::clip(&hitl_base::display::visible(name), MAX_NAME).into_owned()
}

/// Builds the text before an answer is read, wrapped so that the terminal does not wrap it: the
/// rest of a line could pass for a line of hitl. The question may contain text from a model, too.
fn prompt(card: &str, question: &str, screen: Screen) -> String {
    format!("{}\n{} ", screen.fold(card), screen.fold(question))
}

/// Shows a text and asks a question. Both go to the error stream: output may be piped elsewhere.
pub(crate) fn ask(card: &str, question: &str) -> io::Result<String> {
    discard_what_was_typed();
    let mut out = io::stderr().lock();
    out.write_all(prompt(card, question, Screen::messages()).as_bytes())?;
    out.flush()?;
    let mut answer = String::new();
    // The input is empty if the terminal is closed: that is no approval.
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim_end_matches(['\r', '\n']).to_owned())
}

/// Discards everything that was typed before the question appears: it answers another question.
/// Text that a person pastes may come from a model, an answer included.
#[cfg(unix)]
fn discard_what_was_typed() {
    // Input that is not a terminal has nothing to discard.
    let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
}

#[cfg(not(unix))]
fn discard_what_was_typed() {}

/// Returns whether the answer is `y` or `yes`; anything else means no.
pub(crate) fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Returns the failure for the answer no.
pub(crate) fn declined() -> Failure {
    Failure::new(Exit::Refused, "nothing was decided")
}

#[cfg(test)]
mod tests {
    use hitl_core::approval::terminal::ColorMode;

    use super::*;
    use crate::view::Width;

    #[test]
    fn invariant_9_no_line_of_a_question_is_broken_by_the_terminal() {
        for columns in [40, 80, 200] {
            let screen = Screen::new(Width::Columns(columns), ColorMode::Plain);
            let forged = format!("{}Approve this? [y/N] y", "x".repeat(columns));
            let shown = prompt(&forged, &format!("changes: {forged}\nApprove it? [y/N]"), screen);
            assert!(shown.lines().all(|line| line.chars().count() <= columns), "{shown}");
            let questions = shown.lines().filter(|line| line.starts_with("Approve"));
            assert_eq!(questions.count(), 1, "{shown}");
        }
        let long = clip_name(&format!("{}\n\u{202e}", "n".repeat(5_000)));
        assert!(long.chars().count() < 200 && long.contains("characters left out"), "{long}");
        assert!(!long.contains(['\n', '\u{202e}']), "{long}");
        assert_eq!(clip_name("db-1"), "db-1");
    }

    #[test]
    fn only_yes_is_yes() {
        for yes in ["y", "Y", " yes ", "YES"] {
            assert!(is_yes(yes), "{yes}");
        }
        for no in ["", "n", "no", "yess", "ok", "j", "1", "y y"] {
            assert!(!is_yes(no), "{no}");
        }
    }
}
