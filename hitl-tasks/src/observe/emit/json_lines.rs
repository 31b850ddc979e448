//! Events as JSON, one per line.

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::Duration;

use crate::observe::emit::emitter::ProgressEmitter;
use crate::observe::event::TaskEvent;
use crate::sync::{Mutex, lock};

/// The number of events that may wait for a slow writer.
const CAPACITY: usize = 4_096;

/// The maximum time for which a drop waits for the writer.
const DROP_TIMEOUT: Duration = Duration::from_secs(2);

/// Writes every event as one line of JSON, from a thread of its own.
///
/// A writer that falls behind by more than 4096 events loses some; a line `{"v":1,"missed":17}`
/// says how many and where. After a write error, which is logged once, nothing more is written.
/// Dropping the emitter writes the remaining events, for at most two seconds.
///
/// ```no_run
/// # use hitl::tasks::{JsonLines, TaskManager};
/// let log = std::fs::File::options().create(true).append(true).open("tasks.jsonl")?;
/// let manager = TaskManager::builder().emitter(JsonLines::new(log)?).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JsonLines {
    /// `None` once it is being dropped.
    to_writer: Option<SyncSender<WriterCommand>>,
    done: Mutex<Receiver<()>>,
    missed: Arc<AtomicU64>,
}

enum WriterCommand {
    Event(TaskEvent),
    Flush(mpsc::Sender<()>),
}

impl JsonLines {
    /// Starts the thread that writes to `writer`. Fails if the thread cannot be started.
    pub fn new(writer: impl Write + Send + 'static) -> std::io::Result<Self> {
        let (to_writer, work) = mpsc::sync_channel(CAPACITY);
        let (at_end, done) = mpsc::channel();
        let missed = Arc::new(AtomicU64::new(0));
        let also_missed = Arc::clone(&missed);
        std::thread::Builder::new().name("hitl-json-lines".to_owned()).spawn(move || {
            write_all(writer, &work, &also_missed);
            // The receiver may have stopped waiting after DROP_TIMEOUT.
            let _ = at_end.send(());
        })?;
        Ok(Self { to_writer: Some(to_writer), done: Mutex::new(done), missed })
    }

    /// Waits until everything emitted so far has been written. Blocks; not for async code.
    pub fn flush(&self) {
        let (written, wait) = mpsc::channel();
        if let Some(writer) = &self.to_writer
            && writer.send(WriterCommand::Flush(written)).is_ok()
        {
            // An error means that the thread is gone, so there is nothing to wait for.
            let _ = wait.recv();
        }
    }
}

impl ProgressEmitter for JsonLines {
    fn emit(&self, event: &TaskEvent) {
        let Some(writer) = &self.to_writer else { return };
        if let Err(TrySendError::Full(_)) = writer.try_send(WriterCommand::Event(event.clone())) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for JsonLines {
    fn drop(&mut self) {
        self.to_writer = None;
        let _ = lock(&self.done).recv_timeout(DROP_TIMEOUT);
    }
}

impl fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").field("missed", &self.missed).finish_non_exhaustive()
    }
}

fn write_all(mut writer: impl Write, work: &Receiver<WriterCommand>, missed: &AtomicU64) {
    let mut line = Vec::new();
    let mut broken = false;
    while let Ok(next) = work.recv() {
        let mut waiting = Some(next);
        while let Some(next) = waiting {
            match next {
                WriterCommand::Event(event) if !broken => {
                    let wrote = write_one(&mut writer, &mut line, &event, missed);
                    broken = log_failure(wrote);
                }
                WriterCommand::Event(_) => {}
                WriterCommand::Flush(written) => {
                    broken = broken || log_failure(writer.flush());
                    let _ = written.send(());
                }
            }
            waiting = work.try_recv().ok();
        }
        // It has caught up: let readers see it.
        broken = broken || log_failure(writer.flush());
    }
}

fn write_one(
    writer: &mut impl Write,
    line: &mut Vec<u8>,
    event: &TaskEvent,
    missed: &AtomicU64,
) -> std::io::Result<()> {
    line.clear();
    let gap = missed.swap(0, Ordering::Relaxed);
    if gap > 0 {
        writeln!(line, r#"{{"v":1,"missed":{gap}}}"#)?;
    }
    serde_json::to_writer(&mut *line, event)?;
    line.push(b'\n');
    // A single write, so that a crash leaves whole lines.
    writer.write_all(line)
}

fn log_failure(written: std::io::Result<()>) -> bool {
    if let Err(error) = &written {
        tracing::error!(%error, "cannot write task events; no more will be written");
    }
    written.is_err()
}
