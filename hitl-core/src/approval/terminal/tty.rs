//! Exclusive ownership of the terminal by one dialog, with withdrawal.
//!
//! The task that asks holds [`OWNER`]. The reading thread holds it too and releases it last, so
//! that after a withdrawal the next question is not shown before the old one has stopped reading. A
//! waiting thread holds nothing else, so this cannot deadlock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, MutexGuard, oneshot};

use super::color::ColorMode;
use super::stdin::{Console, Standard};

/// The lock of the process's only terminal.
static OWNER: Mutex<()> = Mutex::const_new(());

/// The guard that [`Terminal::around`] returned; held while a question is shown.
type Held = Box<dyn Send>;

/// The terminal of this process: asks on standard error, reads from standard input.
#[derive(Clone)]
pub struct Terminal {
    console: Arc<dyn Console>,
    around: Option<Arc<dyn Fn() -> Held + Send + Sync>>,
}

impl Terminal {
    /// Creates a handle on the process's terminal. It is used only if somebody is present: see
    /// [`open`](Self::open).
    pub fn new() -> Self {
        Self::on(Standard)
    }

    pub(super) fn on(console: impl Console) -> Self {
        Self { console: Arc::new(console), around: None }
    }

    /// Calls `enter` before a question is shown, and keeps its result until the question is
    /// answered or withdrawn: for other code that draws on the terminal, like progress bars that
    /// must pause.
    #[must_use]
    pub fn around<G: Send + 'static>(
        mut self,
        enter: impl Fn() -> G + Send + Sync + 'static,
    ) -> Self {
        self.around = Some(Arc::new(move || Box::new(enter())));
        self
    }

    /// Returns whether a person is present: standard input and standard error are both a terminal.
    pub fn is_attended(&self) -> bool {
        self.console.attended()
    }

    /// Waits for its turn and takes the terminal; returns `None` if nobody is present.
    ///
    /// Cancel safe.
    pub async fn open(&self) -> Option<Dialog> {
        if !self.console.attended() {
            return None;
        }
        let owner = Arc::new(OWNER.lock().await);
        let around = self.around.as_ref().map(|enter| enter());
        Some(Dialog { console: Arc::clone(&self.console), owner, _around: around })
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Terminal(attended: {})", self.is_attended())
    }
}

/// Exclusive use of the terminal. Dropping it passes the terminal on.
pub struct Dialog {
    console: Arc<dyn Console>,
    owner: Arc<MutexGuard<'static, ()>>,
    _around: Option<Held>,
}

impl Dialog {
    /// Shows text as it is. Make untrusted text [visible](hitl_base::display::visible) first.
    pub fn show(&self, text: &str) {
        self.console.show(text);
    }

    /// Returns the colours that this terminal supports.
    pub fn ink(&self) -> ColorMode {
        ColorMode::from_stream(&std::io::stderr())
    }

    /// Shows a question and waits for a line, returned without its break. Anything typed before the
    /// question was shown does not count as an answer. Returns `None` if the input has ended.
    ///
    /// Cancel safe: dropping the future withdraws the question, and what is typed later answers
    /// only later questions.
    pub async fn ask(&mut self, question: &str) -> Option<String> {
        self.console.show(question);
        self.console.discard();
        let mut withdrawal = Withdrawal {
            flag: Arc::new(AtomicBool::new(false)),
            console: Arc::clone(&self.console),
            answered: false,
        };
        let (console, owner) = (Arc::clone(&self.console), Arc::clone(&self.owner));
        let flag = Arc::clone(&withdrawal.flag);
        let (answer, answered) = oneshot::channel();
        let reader = std::thread::Builder::new().name("hitl-terminal".to_owned());
        let reader = reader.spawn(move || {
            // The task that asked may be gone.
            let _ = answer.send(console.read_line(&flag));
            drop(owner);
        });
        let line = match reader {
            Ok(_) => answered.await.ok().flatten(),
            Err(_) => None,
        };
        withdrawal.answered = true;
        line.map(|line| line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

impl fmt::Debug for Dialog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialog")
    }
}

/// Makes the reader give up when its caller is gone.
struct Withdrawal {
    flag: Arc<AtomicBool>,
    console: Arc<dyn Console>,
    answered: bool,
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        self.flag.store(true, Ordering::Release);
        if !self.answered {
            self.console.show("\n  (the question was withdrawn)\n");
        }
    }
}
