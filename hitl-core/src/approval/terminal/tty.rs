//! Exclusive ownership of the terminal by one dialog, with withdrawal.
//!
//! The task that asks holds [`OWNER`]. The reading thread holds it too and releases it last, so
//! that after a withdrawal the next question is not shown before the old one has stopped reading. A
//! waiting thread holds nothing else, so this cannot deadlock. The person's editor runs on such a
//! thread too.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hitl_base::display::fold;
use tokio::sync::{Mutex, MutexGuard, oneshot};

use super::color::ColorMode;
use super::editor::EditorError;
use super::stdin::{Console, Standard};

/// The minimum width of a terminal.
const COLUMNS: usize = 80;

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

    /// Shows a line on standard error, also if nobody is present. It waits for no turn.
    pub(super) fn show(&self, text: &str) {
        self.console.show(text);
    }

    /// Waits for its turn and takes the terminal; returns `None` if nobody is present.
    ///
    /// Cancel safe.
    pub async fn open(&self) -> Option<Dialog> {
        if !self.console.attended() {
            return None;
        }
        let owner = Arc::new(OWNER.lock().await);
        let around = self.around.as_ref().map(|enter| Arc::new(std::sync::Mutex::new(enter())));
        let withdrawn = "(the question was withdrawn)".to_owned();
        Some(Dialog { console: Arc::clone(&self.console), owner, around, withdrawn })
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
    /// Behind a lock only because a guard need not be `Sync`.
    around: Option<Arc<std::sync::Mutex<Held>>>,
    /// The line that is shown when the question is withdrawn.
    withdrawn: String,
}

impl Dialog {
    /// Shows text as it is. Make untrusted text [visible](hitl_base::display::visible) first.
    pub fn show(&self, text: &str) {
        self.console.show(text);
    }

    /// Does the same, with lines that the terminal does not wrap: the rest of a wrapped line could
    /// pass for a line of its own.
    pub fn show_folded(&self, text: &str) {
        self.show(&fold(text, COLUMNS));
    }

    /// Returns the colours that this terminal supports.
    pub fn ink(&self) -> ColorMode {
        ColorMode::from_stream(&std::io::stderr())
    }

    /// Sets the line that is shown when the question is withdrawn.
    pub(super) fn set_withdrawal_note(&mut self, note: String) {
        self.withdrawn = note;
    }

    /// Shows a question and waits for a line, returned without its break. Anything typed before the
    /// question was shown does not count as an answer. Returns `None` if the input has ended.
    ///
    /// Cancel safe: dropping the future withdraws the question, and what is typed later answers
    /// only later questions.
    pub async fn ask(&mut self, question: &str) -> Option<String> {
        // Discarded first: who sees the question may answer at once.
        self.console.discard();
        self.console.show(question);
        let line = self.on_thread(Note::AtOnce, Console::read_line);
        line.await.flatten().map(|line| line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Opens a text in the person's editor, and returns it as it was saved; `None` if they have no
    /// editor.
    ///
    /// Cancel safe: a dropped future discards what is saved. The editor stays open until the person
    /// closes it, and the terminal belongs to it until then.
    pub(super) async fn edit(&mut self, text: &str) -> Option<Result<String, EditorError>> {
        let editor = self.console.editor()?;
        let text = text.to_owned();
        self.on_thread(Note::Afterwards, move |_, _| editor.edit(&text)).await
    }

    /// Uses the terminal on a thread of its own. A dropped future sets the flag that `work` gets;
    /// the terminal is passed on when `work` has ended.
    async fn on_thread<T: Send + 'static>(
        &self,
        note: Note,
        work: impl FnOnce(&dyn Console, &AtomicBool) -> T + Send + 'static,
    ) -> Option<T> {
        let text = format!("\n  {}\n", self.withdrawn);
        let mut withdrawal = Withdrawal {
            flag: Arc::default(),
            note: (note == Note::AtOnce).then(|| (Arc::clone(&self.console), text.clone())),
            answered: false,
        };
        let (console, owner) = (Arc::clone(&self.console), Arc::clone(&self.owner));
        let flag = Arc::clone(&withdrawal.flag);
        // While an editor fills the screen, nothing else may be drawn on it.
        let around = self.around.clone().filter(|_| note == Note::Afterwards);
        let (answer, answered) = oneshot::channel();
        let thread = std::thread::Builder::new().name("hitl-terminal".to_owned());
        let thread = thread.spawn(move || {
            let result = work(&*console, &flag);
            if note == Note::Afterwards && flag.load(Ordering::Acquire) {
                console.show(&text);
            }
            drop(around);
            // The task that asked may be gone.
            let _ = answer.send(result);
            drop(owner);
        });
        let result = match thread {
            Ok(_) => answered.await.ok(),
            Err(_) => None,
        };
        withdrawal.answered = true;
        result
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
    /// Shown at once.
    note: Option<(Arc<dyn Console>, String)>,
    answered: bool,
}

/// When a person is shown that their question was withdrawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Note {
    AtOnce,
    /// After the editor has ended, which fills the screen.
    Afterwards,
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        self.flag.store(true, Ordering::Release);
        if let (false, Some((console, text))) = (self.answered, &self.note) {
            console.show(text);
        }
    }
}
