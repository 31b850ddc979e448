//! Reading a line from standard input so that the read can be abandoned.
//!
//! Bytes are read one at a time and only when available, so that a withdrawn question consumes
//! nothing of what is typed for the next one.

use std::io::{self, IsTerminal, Write as _};
use std::sync::atomic::AtomicBool;

use super::editor::Editor;

/// The place where questions are shown and answers typed.
pub(super) trait Console: Send + Sync + 'static {
    /// Returns whether a person is present.
    fn attended(&self) -> bool;
    /// Shows text.
    fn show(&self, text: &str);
    /// Returns the person's editor, if they have one.
    fn editor(&self) -> Option<Editor>;
    /// Discards what was typed so far.
    fn discard(&self);
    /// Blocks until a line is available; returns `None` if the question was withdrawn or the input
    /// has ended.
    fn read_line(&self, withdrawn: &AtomicBool) -> Option<String>;
}

/// Standard input for answers, and standard error for questions: standard output belongs to the
/// program.
pub(super) struct Standard;

impl Console for Standard {
    fn attended(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    fn show(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        // The loss of the terminal is noticed when the answer is read.
        let _ = stderr.write_all(text.as_bytes());
        let _ = stderr.flush();
    }

    fn editor(&self) -> Option<Editor> {
        Editor::from_environment()
    }

    #[cfg(unix)]
    fn discard(&self) {
        let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
    }

    #[cfg(unix)]
    fn read_line(&self, withdrawn: &AtomicBool) -> Option<String> {
        unix::read_line(io::stdin(), withdrawn)
    }

    #[cfg(not(unix))]
    fn discard(&self) {}

    /// On this platform a withdrawn question still waits for its line, and discards it: the next
    /// question is not shown before.
    #[cfg(not(unix))]
    fn read_line(&self, withdrawn: &AtomicBool) -> Option<String> {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line).ok()?;
        let given_up = withdrawn.load(std::sync::atomic::Ordering::Acquire);
        (read > 0 && !given_up).then_some(line)
    }
}

#[cfg(unix)]
pub(super) mod unix {
    use std::os::fd::AsFd;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;

    /// The interval at which withdrawal is checked.
    const LOOK_UP: Timespec = Timespec { tv_sec: 0, tv_nsec: 40_000_000 };
    /// The most bytes of a line; the rest is read as another line.
    const LONGEST: usize = 64 * 1024;

    /// Reads up to a line break. Returns `None` once the question is withdrawn.
    pub(crate) fn read_line(from: impl AsFd, withdrawn: &AtomicBool) -> Option<String> {
        let mut line = Vec::new();
        while line.len() < LONGEST {
            if withdrawn.load(Ordering::Acquire) {
                return None;
            }
            let mut input = [PollFd::new(&from, PollFlags::IN)];
            match poll(&mut input, Some(&LOOK_UP)) {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(_) => return None,
            }
            if withdrawn.load(Ordering::Acquire) {
                return None;
            }
            let mut byte = [0; 1];
            match rustix::io::read(&from, &mut byte) {
                Ok(0) if line.is_empty() => return None,
                Ok(0) => break,
                Ok(_) if byte[0] == b'\n' => break,
                Ok(_) => line.push(byte[0]),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => return None,
            }
        }
        Some(String::from_utf8_lossy(&line).into_owned())
    }
}
