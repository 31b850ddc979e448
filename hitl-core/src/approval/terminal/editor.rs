//! Editing a text in the person's own editor.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hitl_base::owner_only;

use crate::ids::DecisionId;

/// The person's editor: the command in `$VISUAL`, or else in `$EDITOR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Editor {
    command: String,
}

/// The kind of an [`EditorError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditorErrorKind {
    /// The text cannot be written to a file, or read from it.
    File,
    /// The editor cannot be started.
    Start,
    /// The editor ended with a failure, so what it left is not used.
    Ended,
}

/// The error for a text that could not be edited.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EditorError {
    kind: EditorErrorKind,
    message: String,
}

impl EditorError {
    fn new(kind: EditorErrorKind, message: String) -> Self {
        Self { kind, message }
    }

    fn file(path: &Path, error: &io::Error) -> Self {
        Self::new(EditorErrorKind::File, format!("{}: {error}", path.display()))
    }

    /// Returns the kind.
    pub fn kind(&self) -> EditorErrorKind {
        self.kind
    }
}

impl Editor {
    /// Returns the editor that the environment names; `None` if it names none.
    pub fn from_environment() -> Option<Self> {
        let named = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
        named.into_iter().find(|command| !command.trim().is_empty()).map(Self::new)
    }

    /// Creates an editor from its command. On Unix it may contain options, such as `code --wait`: a
    /// shell parses it.
    pub fn new(command: impl Into<String>) -> Self {
        Self { command: command.into() }
    }

    /// Opens this text in the editor, and returns it as it was saved. The text is in a file that
    /// only its owner can read, and that is removed afterwards.
    ///
    /// Blocks the thread until the editor has ended.
    ///
    /// # Errors
    ///
    /// [`EditorErrorKind`] lists them.
    pub fn edit(&self, text: &str) -> Result<String, EditorError> {
        let draft = Draft::new(text)?;
        let mut command = self.command(&draft.0);
        // Output of the program may be piped elsewhere; the question is on the error stream.
        let ended = command.stdout(Stdio::from(io::stderr())).status();
        match ended {
            Ok(status) if status.success() => {}
            Ok(status) => {
                let why = format!("the editor ended with {status}");
                return Err(EditorError::new(EditorErrorKind::Ended, why));
            }
            Err(error) => {
                let why = format!("the editor cannot be started: {error}");
                return Err(EditorError::new(EditorErrorKind::Start, why));
            }
        }
        fs::read_to_string(&draft.0).map_err(|error| EditorError::file(&draft.0, &error))
    }

    /// Returns the command that opens a file, whose name is passed as a separate argument.
    fn command(&self, file: &Path) -> Command {
        let editor = &self.command;
        if cfg!(unix) {
            let mut command = Command::new("sh");
            command.arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(file);
            return command;
        }
        let mut words = editor.split_whitespace();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).arg(file);
        command
    }
}

impl fmt::Display for Editor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.command)
    }
}

/// A file that only its owner can read, removed when it is dropped.
struct Draft(PathBuf);

impl Draft {
    fn new(text: &str) -> Result<Self, EditorError> {
        let path = std::env::temp_dir().join(format!("hitl-edit-{}.json", DecisionId::new()));
        let mut options = OpenOptions::new();
        let opened = owner_only(options.write(true).create_new(true)).open(&path);
        let draft = opened.map(|file| (Self(path.clone()), file));
        let written = draft.and_then(|(draft, mut file)| {
            file.write_all(text.as_bytes())?;
            Ok(draft)
        });
        written.map_err(|error| EditorError::file(&path, &error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // A file that cannot be removed is redacted, and only its owner can read it.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_as_it_was_saved_and_no_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (seen, mode) = (folder.path().join("seen"), folder.path().join("mode"));
        let script = format!(
            "edit() {{ cp \"$1\" {}; ls -l \"$1\" > {}; echo '{{}}' > \"$1\"; }}; edit",
            seen.display(),
            mode.display()
        );
        assert_eq!(Editor::new(script).edit("{\"a\": 1}\n").unwrap(), "{}\n");
        assert_eq!(fs::read_to_string(seen).unwrap(), "{\"a\": 1}\n");
        let listed = fs::read_to_string(mode).unwrap();
        assert!(listed.starts_with("-rw-------"), "{listed}");
        let path = listed.split_whitespace().last().unwrap();
        assert!(!Path::new(path).exists(), "{path}");
    }

    #[test]
    fn invariant_5_an_editor_that_fails_saves_nothing() {
        let failed = Editor::new("false").edit("{}").unwrap_err();
        assert_eq!(failed.kind(), EditorErrorKind::Ended);
        let gone = Editor::new("rm").edit("{}").unwrap_err();
        assert_eq!(gone.kind(), EditorErrorKind::File);
    }
}
