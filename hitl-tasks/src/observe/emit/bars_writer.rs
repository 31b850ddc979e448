//! A writer whose lines appear above the progress bars.

use std::fmt;
use std::io::{self, Write};

use crate::observe::emit::progress_bars::ProgressBars;

/// Writes lines above [`ProgressBars`]; without bars, and while they are paused, to standard error.
///
/// Returned by [`ProgressBars::writer`]. A line is printed as soon as it is complete, and what is
/// left of an incomplete one when the writer is dropped. Bytes that are not UTF-8 are replaced.
/// Writing never fails. Blocks for one terminal write at most.
pub struct BarsWriter {
    bars: ProgressBars,
    /// The beginning of a line.
    line: Vec<u8>,
}

impl ProgressBars {
    /// Returns a writer whose lines appear above the bars, for what writes lines by itself: a body,
    /// or the subscriber of `tracing`.
    ///
    /// ```
    /// # use std::io::Write as _;
    /// # use hitl::tasks::ProgressBars;
    /// let bars = ProgressBars::stderr();
    /// writeln!(bars.writer(), "3 files skipped")?;
    /// // With tracing-subscriber, every event is a line above the bars:
    /// let to = bars.clone();
    /// let make_writer = move || to.writer();
    /// // tracing_subscriber::fmt().with_writer(make_writer).init();
    /// # let _ = make_writer;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn writer(&self) -> BarsWriter {
        BarsWriter { bars: self.clone(), line: Vec::new() }
    }
}

impl BarsWriter {
    fn print_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.bars.println(String::from_utf8_lossy(&line).trim_end_matches('\r'));
    }
}

impl Write for BarsWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            self.print_line();
            rest = &rest[end + 1..];
        }
        self.line.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // Half a line above the bars could not be continued: the bars would have to move for it.
        Ok(())
    }
}

impl Drop for BarsWriter {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.print_line();
        }
    }
}

impl fmt::Debug for BarsWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarsWriter").field("buffered", &self.line.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use indicatif::{InMemoryTerm, ProgressDrawTarget};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::{StepContext, Task, TaskManager, TaskStep};

    /// Prints a line in each of its steps, and waits for a permit after each.
    fn talker(name: &'static str, bars: &ProgressBars, next: &Arc<Semaphore>) -> Task<()> {
        let (bars, next) = (bars.clone(), Arc::clone(next));
        Task::new(name).step(TaskStep::new("Speak", move |cx: StepContext| {
            let (bars, next) = (bars.clone(), Arc::clone(&next));
            async move {
                for number in 1..=3 {
                    let mut out = bars.writer();
                    let written = writeln!(out, "{name} says {number}");
                    cx.progress(f64::from(number) / 10.0);
                    written.map_err(|error| error.to_string())?;
                    next.acquire().await.map_err(|error| error.to_string())?.forget();
                }
                Ok::<_, String>(())
            }
        }))
    }

    async fn settle() {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    /// Returns the lines of the screen, with bars shortened to their names.
    fn lines(screen: &InMemoryTerm) -> Vec<String> {
        let line = |line: &str| line.split(" [").next().unwrap_or_default().to_owned();
        screen.contents().lines().map(line).collect()
    }

    #[tokio::test]
    async fn lines_of_bodies_stay_above_the_bars_and_every_bar_is_there_once() {
        let screen = InMemoryTerm::new(24, 120);
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let bars = ProgressBars::on(target);
        let manager = TaskManager::builder().emitter(bars.clone()).build().unwrap();
        let next = Arc::new(Semaphore::new(0));
        let handles: Vec<_> = ["Ann", "Bob", "Cid"]
            .map(|name| manager.submit(talker(name, &bars, &next)).unwrap())
            .into();
        settle().await;
        let mut expected = vec!["Ann says 1", "Bob says 1", "Cid says 1"];
        let names = ["Ann", "Bob", "Cid"];
        assert_eq!(lines(&screen), [&expected[..], &names].concat());
        assert!(screen.contents().contains(" 10% "), "{}", screen.contents());

        next.add_permits(3);
        settle().await;
        expected.extend(["Ann says 2", "Bob says 2", "Cid says 2"]);
        assert_eq!(lines(&screen), [&expected[..], &names].concat());

        // Parts of lines become lines, and the rest of one is not lost.
        let mut out = bars.writer();
        out.write_all(b"one, ").unwrap();
        out.flush().unwrap();
        assert_eq!(lines(&screen), [&expected[..], &names].concat());
        out.write_all(b"two\r\n\nthree").unwrap();
        drop(out);
        expected.extend(["one, two", "", "three"]);
        assert_eq!(lines(&screen), [&expected[..], &names].concat());

        next.add_permits(99);
        for handle in handles {
            handle.wait().await.unwrap();
        }
        let shown = lines(&screen);
        assert!(!shown.iter().any(|line| names.contains(&line.as_str())), "{shown:?}");
        assert_eq!(shown[..expected.len()], expected[..]);
    }

    #[test]
    fn a_writer_over_hidden_bars_writes_all_the_same() {
        let bars = ProgressBars::on(ProgressDrawTarget::hidden());
        let mut out = bars.writer();
        writeln!(out, "on standard error").unwrap();
        assert_eq!(format!("{out:?}"), "BarsWriter { buffered: 0, .. }");
    }
}
