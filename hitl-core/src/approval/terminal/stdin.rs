//! A line is read from standard input so that it can be given up.
//!
//! Bytes are taken one at a time and only when there are some, so that a question which is
//! withdrawn has taken nothing of what is typed for the next one.

use std::io::{self, IsTerminal, Write as _};
use std::sync::atomic::AtomicBool;

/// Where questions are shown and answers typed.
pub(super) trait Console: Send + Sync + 'static {
    /// Whether a person is there.
    fn attended(&self) -> bool;
    /// Shows text.
    fn show(&self, text: &str);
    /// Forgets what was typed so far.
    fn discard(&self);
    /// Blocks until a line is there; nothing when it was withdrawn or the input has ended.
    fn read_line(&self, withdrawn: &AtomicBool) -> Option<String>;
}

/// Standard input, and standard error to ask on: standard output belongs to the program.
pub(super) struct Standard;

impl Console for Standard {
    fn attended(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    fn show(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        // A terminal that is gone is noticed when the answer is read.
        let _ = stderr.write_all(text.as_bytes());
        let _ = stderr.flush();
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

    /// Here a withdrawn question still waits for its line, and gives it to nobody: the next
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

    /// How soon a withdrawal is noticed.
    const LOOK_UP: Timespec = Timespec { tv_sec: 0, tv_nsec: 40_000_000 };
    /// The longest line; more is taken for another line.
    const LONGEST: usize = 64 * 1024;

    /// Reads up to a line break, or gives up.
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
