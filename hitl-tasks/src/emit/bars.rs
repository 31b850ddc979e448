//! Progress bars in a terminal.

use std::collections::HashMap;
use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::display::{clip, visible};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::sync::{Mutex, lock};
use crate::{Happening, ProgressEmitter, TaskEvent, TaskId, TaskState};

/// One bar for each task that runs, with its step and what the step says.
///
/// Hidden when the stream is not a terminal. Clones are the same bars: give one to the manager and
/// keep one, to print and to ask while bars are shown.
///
/// ```
/// # use hitl_tasks::{ProgressBars, TaskManager};
/// let bars = ProgressBars::stderr();
/// let manager = TaskManager::builder().emitter(bars.clone()).build()?;
/// bars.println("this line stays above the bars");
/// let answer = bars.suspend(|| {
///     // No bar is drawn in here: print, read a line, run an editor.
///     "yes"
/// });
/// # let _ = (manager, answer);
/// # Ok::<(), hitl_tasks::BuildError>(())
/// ```
#[derive(Clone)]
pub struct ProgressBars(Arc<Shared>);

struct Shared {
    multi: MultiProgress,
    /// Held while drawing, and so for the length of a terminal write at most; never while the
    /// user is asked.
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    rows: HashMap<TaskId, Row>,
    /// How many hold the bars down.
    paused: usize,
}

/// What a bar shows, kept also while it is not drawn.
struct Row {
    bar: ProgressBar,
    /// Whether the bar is on the screen.
    shown: bool,
    percent: u8,
    text: String,
}

impl ProgressBars {
    /// Bars on standard error, at most twenty times a second.
    pub fn stderr() -> Self {
        Self::on(ProgressDrawTarget::stderr())
    }

    fn on(target: ProgressDrawTarget) -> Self {
        Self(Arc::new(Shared {
            multi: MultiProgress::with_draw_target(target),
            rows: Mutex::default(),
        }))
    }

    /// Prints a line above the bars; without bars, simply on standard error.
    pub fn println(&self, line: impl AsRef<str>) {
        let rows = lock(&self.0.rows);
        if rows.paused > 0 || self.0.multi.is_hidden() {
            // A closed stderr is nobody's to repair here.
            let _ = writeln!(std::io::stderr(), "{}", line.as_ref());
        } else {
            let _ = self.0.multi.println(line);
        }
    }

    /// Takes the bars away, runs `f`, and brings them back. Tasks go on meanwhile and never wait
    /// for it, however long a person takes to answer.
    pub fn suspend<T>(&self, f: impl FnOnce() -> T) -> T {
        let _paused = self.pause();
        f()
    }

    /// Takes the bars away until the guard is dropped; what [`suspend`](Self::suspend) is for
    /// async code. Several guards may exist; the bars come back after the last.
    pub fn pause(&self) -> Paused {
        let mut rows = lock(&self.0.rows);
        rows.paused += 1;
        if rows.paused == 1 {
            for row in rows.rows.values_mut() {
                row.hide(&self.0.multi);
            }
            let _ = self.0.multi.clear();
        }
        drop(rows);
        Paused(self.clone())
    }
}

/// Keeps the bars away while it lives.
#[derive(Debug)]
#[must_use = "the bars come back when this is dropped"]
pub struct Paused(ProgressBars);

impl Drop for Paused {
    fn drop(&mut self) {
        let shared = &self.0.0;
        let mut rows = lock(&shared.rows);
        rows.paused -= 1;
        if rows.paused == 0 {
            // Ids sort by age: the bars come back in the order they had.
            let mut by_age: Vec<_> = rows.rows.iter_mut().collect();
            by_age.sort_by_key(|(id, _)| **id);
            for (_, row) in by_age {
                row.show(&shared.multi);
            }
        }
    }
}

impl ProgressEmitter for ProgressBars {
    fn emit(&self, event: &TaskEvent) {
        let shared = &self.0;
        let mut rows = lock(&shared.rows);
        let id = event.task.id();
        let paused = rows.paused > 0;
        match &event.what {
            // A queue may be long; bars are for what runs.
            Happening::Submitted => {}
            Happening::Ended { state, .. } => {
                if let Some(mut row) = rows.rows.remove(&id) {
                    row.hide(&shared.multi);
                    if *state != TaskState::Completed && !paused && !shared.multi.is_hidden() {
                        let _ = shared.multi.println(last_line(event));
                    }
                }
            }
            _ => {
                let row = rows.rows.entry(id).or_insert_with(|| Row::new(event.task.name()));
                row.learn(event);
                if !paused {
                    row.show(&shared.multi);
                }
            }
        }
    }
}

impl Row {
    fn new(name: &str) -> Self {
        let bar = undrawn();
        bar.set_style(style());
        bar.set_prefix(shown(name, 32));
        Self { bar, shown: false, percent: 0, text: String::new() }
    }

    fn learn(&mut self, event: &TaskEvent) {
        let step = event.step_name().map(|name| shown(name, 24)).unwrap_or_default();
        match &event.what {
            Happening::StepStarted { attempt, .. } if *attempt > 1 => {
                self.text = format!("{step} (attempt {attempt})");
            }
            Happening::StepStarted { .. } | Happening::Resumed { .. } => self.text = step,
            Happening::Progress { percent, message, .. } => {
                self.percent = *percent;
                self.text = match message {
                    Some(message) => format!("{step}: {}", shown(message, 60)),
                    None => step,
                };
            }
            Happening::StepRetrying { error, delay, .. } => {
                let seconds = delay.as_secs_f64();
                self.text = format!("{step}: {}; again in {seconds:.1}s", shown(error, 40));
            }
            Happening::StepDone { percent, .. } | Happening::StepRestored { percent, .. } => {
                self.percent = *percent;
            }
            Happening::Waiting { .. } => self.text = format!("{step}: waiting"),
            Happening::StillRunning { .. } => self.text = format!("{step}: cannot be stopped"),
            Happening::Undoing => "undoing".clone_into(&mut self.text),
            Happening::UndoStarted { .. } => self.text = format!("undoing {step}"),
            Happening::UndoDone { error, .. } => {
                if let Some(error) = error {
                    self.text = format!("cannot undo {step}: {}", shown(error, 60));
                }
            }
            Happening::Submitted | Happening::Started | Happening::Ended { .. } => {}
        }
    }

    fn show(&mut self, multi: &MultiProgress) {
        if !self.shown {
            self.shown = true;
            multi.add(self.bar.clone());
        }
        self.bar.set_message(self.text.clone());
        self.bar.set_position(u64::from(self.percent));
    }

    fn hide(&mut self, multi: &MultiProgress) {
        if std::mem::take(&mut self.shown) {
            multi.remove(&self.bar);
            // A bar that was removed keeps no line; the next time it is shown it is a new one.
            let elapsed: Duration = self.bar.elapsed();
            let prefix = self.bar.prefix();
            self.bar = undrawn().with_style(style()).with_elapsed(elapsed);
            self.bar.set_prefix(prefix);
        }
    }
}

/// A bar that draws nothing before it is given to the others: on its own it would draw at once.
fn undrawn() -> ProgressBar {
    ProgressBar::with_draw_target(Some(100), ProgressDrawTarget::hidden())
}

fn last_line(event: &TaskEvent) -> String {
    let Happening::Ended { state, error, .. } = &event.what else { return String::new() };
    let name = shown(event.task.name(), 60);
    match error {
        Some(error) => format!("{name}: {}", shown(error, 200)),
        None => format!("{name}: {state}"),
    }
}

/// Text of a task as it is fit for a terminal.
fn shown(text: &str, max: usize) -> String {
    visible(&clip(text, max)).into_owned()
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix} [{bar:24}] {pos:>3}% {elapsed} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl fmt::Debug for ProgressBars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = lock(&self.0.rows);
        f.debug_struct("ProgressBars")
            .field("tasks", &rows.rows.len())
            .field("paused", &(rows.paused > 0))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StepContext, Task, TaskManager, TaskStep};

    /// A terminal that keeps what is written to it.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn taken(&self) -> String {
            std::mem::take(&mut *lock(&self.0))
        }
    }

    impl indicatif::TermLike for Screen {
        fn width(&self) -> u16 {
            200
        }
        fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> std::io::Result<()> {
            self.write_str(text)?;
            self.write_str("\n")
        }
        fn write_str(&self, text: &str) -> std::io::Result<()> {
            lock(&self.0).push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> std::io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A task that says "one", then "two", each when it is told to.
    fn talker(next: &Arc<tokio::sync::Semaphore>) -> Task<()> {
        let next = Arc::clone(next);
        Task::new("Talk\u{202e}er").step(TaskStep::new("Speak", move |cx: StepContext| {
            let next = Arc::clone(&next);
            async move {
                for (percent, word) in [(0.3, "one"), (0.6, "two\nlines")] {
                    cx.progress(percent);
                    cx.message(word);
                    next.acquire().await.map_err(|e| e.to_string())?.forget();
                }
                Err::<(), _>("went wrong".to_owned())
            }
        }))
    }

    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn bars_are_shown_make_room_for_people_and_leave_the_error() {
        let screen = Screen::default();
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let bars = ProgressBars::on(target);
        let manager = TaskManager::builder().emitter(bars.clone()).build().unwrap();
        let next = Arc::new(tokio::sync::Semaphore::new(0));
        let handle = manager.submit(talker(&next)).unwrap();
        settle().await;
        let shown = screen.taken();
        assert!(shown.contains("Talk\\u{202e}er"), "{shown}");
        assert!(shown.contains("30%") && shown.contains("Speak: one"), "{shown}");

        bars.println("a line");
        assert!(screen.taken().contains("a line"));

        let paused = bars.pause();
        let inner = bars.pause();
        screen.taken();
        next.add_permits(1);
        settle().await;
        assert_eq!(handle.progress().percent(), 60, "the task does not wait for the person");
        drop(inner);
        assert_eq!(screen.taken(), "", "nothing is drawn while a person is asked");
        drop(paused);
        let shown = screen.taken();
        assert!(shown.contains("60%") && shown.contains("two\\nlines"), "{shown}");

        assert_eq!(bars.suspend(|| 7), 7);
        next.add_permits(9);
        assert!(handle.wait().await.is_err());
        assert!(screen.taken().contains("Step 'Speak' failed: went wrong"));
        assert!(format!("{bars:?}").contains("tasks: 0"), "{bars:?}");
    }

    #[tokio::test]
    async fn hidden_bars_do_no_harm() {
        let bars = ProgressBars::on(ProgressDrawTarget::hidden());
        let manager = TaskManager::builder().emitter(bars.clone()).build().unwrap();
        let next = Arc::new(tokio::sync::Semaphore::new(9));
        assert!(manager.submit(talker(&next)).unwrap().wait().await.is_err());
        drop(bars.pause());
        bars.println("on standard error");
    }
}
