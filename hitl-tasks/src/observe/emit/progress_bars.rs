//! Progress bars in a terminal.

use std::collections::HashMap;
use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::display::{clip, visible};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::id::TaskId;
use crate::observe::emit::emitter::ProgressEmitter;
use crate::observe::event::{TaskEvent, TaskEventKind};
use crate::state::task_state::TaskState;
use crate::sync::{Mutex, lock};

/// One bar for each running task, with its step and the step's message.
///
/// Hidden if the stream is not a terminal. Clones are the same bars: give one to the manager and
/// keep one, to print and to ask questions while bars are shown.
///
/// What anything else prints on the same terminal is overwritten by the next redraw, and leaves
/// remains of bars: `eprintln!` and `println!` of a body, or a subscriber of `tracing` that writes
/// there. Print with [`println`](Self::println), give those a [`writer`](Self::writer), and wrap
/// what you cannot change in [`suspend`](Self::suspend). `cx.message(..)` shows a text in the bar
/// itself.
///
/// ```
/// # use hitl::tasks::{ProgressBars, TaskManager};
/// let bars = ProgressBars::stderr();
/// let manager = TaskManager::builder().emitter(bars.clone()).build()?;
/// bars.println("this line stays above the bars");
/// let answer = bars.suspend(|| {
///     // No bar is drawn in here: print, read a line, run an editor.
///     "yes"
/// });
/// # let _ = (manager, answer);
/// # Ok::<(), hitl::tasks::BuildError>(())
/// ```
#[derive(Clone)]
pub struct ProgressBars(Arc<Shared>);

struct Shared {
    multi: MultiProgress,
    /// Held while drawing, so for one terminal write at most, and never while the user is asked.
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    rows: HashMap<TaskId, Row>,
    /// The number of pause guards.
    paused: usize,
}

/// The content of a bar, also while it is not drawn.
struct Row {
    bar: ProgressBar,
    /// True if the bar is on the screen.
    shown: bool,
    percent: u8,
    text: String,
}

impl ProgressBars {
    /// Creates bars on standard error, redrawn at most twenty times a second.
    pub fn stderr() -> Self {
        Self::on(ProgressDrawTarget::stderr())
    }

    pub(super) fn on(target: ProgressDrawTarget) -> Self {
        Self(Arc::new(Shared {
            multi: MultiProgress::with_draw_target(target),
            rows: Mutex::default(),
        }))
    }

    /// Prints a line above the bars; without bars, on standard error.
    pub fn println(&self, line: impl AsRef<str>) {
        let rows = lock(&self.0.rows);
        if rows.paused > 0 || self.0.multi.is_hidden() {
            // There is no way to report a closed stderr.
            let _ = writeln!(std::io::stderr(), "{}", line.as_ref());
        } else {
            let _ = self.0.multi.println(line);
        }
    }

    /// Hides the bars, runs `f`, and shows them again. Tasks continue meanwhile and never wait for
    /// it, no matter how long a person takes to answer.
    pub fn suspend<T>(&self, f: impl FnOnce() -> T) -> T {
        let _paused = self.pause();
        f()
    }

    /// Hides the bars until the guard is dropped: [`suspend`](Self::suspend) for async code. The
    /// bars return after the last of several guards.
    pub fn pause(&self) -> PauseGuard {
        let mut rows = lock(&self.0.rows);
        rows.paused += 1;
        if rows.paused == 1 {
            for row in rows.rows.values_mut() {
                row.hide(&self.0.multi);
            }
            let _ = self.0.multi.clear();
        }
        drop(rows);
        PauseGuard(self.clone())
    }
}

/// Hides the bars while it lives.
#[derive(Debug)]
#[must_use = "the bars come back when this is dropped"]
pub struct PauseGuard(ProgressBars);

impl Drop for PauseGuard {
    fn drop(&mut self) {
        let shared = &self.0.0;
        let mut rows = lock(&shared.rows);
        rows.paused -= 1;
        if rows.paused == 0 {
            // Ids sort by age, so the bars return in their former order.
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
        match &event.kind {
            // The queue may be long; bars are for running tasks.
            TaskEventKind::Submitted => {}
            TaskEventKind::Ended { state, .. } => {
                if let Some(mut row) = rows.rows.remove(&id) {
                    row.hide(&shared.multi);
                    if *state != TaskState::Completed && !paused && !shared.multi.is_hidden() {
                        let _ = shared.multi.println(last_line(event));
                    }
                }
            }
            _ => {
                let row = rows.rows.entry(id).or_insert_with(|| Row::new(event.task.name()));
                row.apply(event);
                if !paused {
                    row.show(&shared.multi);
                }
            }
        }
    }
}

impl Row {
    fn new(name: &str) -> Self {
        let bar = hidden_bar();
        bar.set_style(style());
        bar.set_prefix(terminal_text(name, 32));
        Self { bar, shown: false, percent: 0, text: String::new() }
    }

    fn apply(&mut self, event: &TaskEvent) {
        let step = event.step_name().map(|name| terminal_text(name, 24)).unwrap_or_default();
        match &event.kind {
            TaskEventKind::StepStarted { attempt, .. } if *attempt > 1 => {
                self.text = format!("{step} (attempt {attempt})");
            }
            TaskEventKind::StepStarted { .. } | TaskEventKind::Resumed { .. } => self.text = step,
            TaskEventKind::Progress { percent, message, .. } => {
                self.percent = *percent;
                self.text = match message {
                    Some(message) => format!("{step}: {}", terminal_text(message, 60)),
                    None => step,
                };
            }
            TaskEventKind::StepRetrying { error, delay, .. } => {
                let seconds = delay.as_secs_f64();
                self.text = format!("{step}: {}; again in {seconds:.1}s", terminal_text(error, 40));
            }
            TaskEventKind::StepDone { percent, .. }
            | TaskEventKind::StepRestored { percent, .. } => {
                self.percent = *percent;
            }
            TaskEventKind::Waiting { .. } => self.text = format!("{step}: waiting"),
            TaskEventKind::StillRunning { .. } => self.text = format!("{step}: cannot be stopped"),
            TaskEventKind::Undoing => "undoing".clone_into(&mut self.text),
            TaskEventKind::UndoStarted { .. } => self.text = format!("undoing {step}"),
            TaskEventKind::UndoDone { error, .. } => {
                if let Some(error) = error {
                    self.text = format!("cannot undo {step}: {}", terminal_text(error, 60));
                }
            }
            TaskEventKind::Submitted | TaskEventKind::Started | TaskEventKind::Ended { .. } => {}
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
            // To remove it alone would leave its line on the screen until something else is drawn.
            self.bar.finish_and_clear();
            multi.remove(&self.bar);
            // A removed bar keeps no line; the next time it is shown it is a new one.
            let elapsed: Duration = self.bar.elapsed();
            let prefix = self.bar.prefix();
            self.bar = hidden_bar().with_style(style()).with_elapsed(elapsed);
            self.bar.set_prefix(prefix);
        }
    }
}

/// Creates a bar that draws nothing before it is added to the others: on its own it would draw at
/// once.
fn hidden_bar() -> ProgressBar {
    ProgressBar::with_draw_target(Some(100), ProgressDrawTarget::hidden())
}

fn last_line(event: &TaskEvent) -> String {
    let TaskEventKind::Ended { state, error, .. } = &event.kind else { return String::new() };
    let name = terminal_text(event.task.name(), 60);
    match error {
        Some(error) => format!("{name}: {}", terminal_text(error, 200)),
        None => format!("{name}: {state}"),
    }
}

/// Truncates and escapes a text for a terminal.
fn terminal_text(text: &str, max: usize) -> String {
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

    /// A terminal that records its output.
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

    /// Returns a task that reports "one", then "two", each after a permit.
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
    async fn a_task_that_its_host_stops_says_that_it_continues() {
        let screen = Screen::default();
        let bars = ProgressBars::on(ProgressDrawTarget::term_like(Box::new(screen.clone())));
        let journal = crate::MemoryJournal::new();
        let manager =
            TaskManager::builder().emitter(bars.clone()).journal(journal).build().unwrap();
        let waits = |_: StepContext| std::future::pending::<Result<(), String>>();
        let task = Task::new("Export").step(TaskStep::new("Wait", waits).durable()).journaled();
        let _handle = manager.submit(task).unwrap();
        settle().await;
        screen.taken();
        manager.shutdown(crate::Shutdown::cancel(Duration::from_secs(5))).await;
        let shown = screen.taken();
        assert!(shown.contains("Export: Task stopped; it continues at the next start"), "{shown}");
        assert!(!shown.contains("cancelled") && !shown.contains("failed"), "{shown}");
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
