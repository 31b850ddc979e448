//! Editing in the person's own editor.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use hitl_base::JsonText;
use hitl_base::json::parse_json;
use hitl_core::DecisionId;

use super::terminal;
use crate::exit::{Exit, Failure};
use crate::seen_check::Interactivity;
use crate::view::{difference, pretty};

/// Opens the arguments in the editor; returns the merge patch that leads to the saved text.
pub(super) fn patch(arguments: &JsonText) -> Result<String, Failure> {
    let editor = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
    let editor = editor.into_iter().find(|command| !command.trim().is_empty());
    let (Some(editor), Interactivity::Person) = (editor, terminal::interactivity()) else {
        let why = "give the change: --patch JSON, or set $VISUAL or $EDITOR on a terminal";
        return Err(Failure::usage(why));
    };
    let unread = |_| Failure::new(Exit::Failed, "the arguments cannot be read");
    let before = arguments.tree().map_err(unread)?;
    let file = Draft::new(&pretty(&before))?;
    file.open(&editor)?;
    let text = fs::read_to_string(&file.0).map_err(|error| Failure::file(&file.0, &error))?;
    let after = parse_json(&text).map_err(|error| {
        let why = format!("the saved text is not JSON: {}; nothing was decided", error.reason());
        Failure::new(Exit::Refused, why)
    })?;
    match difference(&before, &after) {
        Ok(Some(patch)) => Ok(patch.to_text()),
        Ok(None) => Err(Failure::new(Exit::Refused, "nothing was changed; nothing was decided")),
        Err(_) => Err(Failure::new(
            Exit::Refused,
            "an edit cannot set an argument to null, it can only leave it out; nothing was decided",
        )),
    }
}

/// A file that only its owner can read, removed when it is dropped.
struct Draft(PathBuf);

impl Draft {
    fn new(text: &str) -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("hitl-edit-{}.json", DecisionId::new()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| Failure::file(&path, &error))?;
        Ok(Self(path))
    }

    fn open(&self, editor: &str) -> Result<(), Failure> {
        let ended = command(editor, &self.0).status();
        let failed = |why: String| Err(Failure::new(Exit::Failed, why));
        match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => failed(format!("the editor ended with {status}; nothing was decided")),
            Err(error) => failed(format!("the editor cannot be started: {error}")),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // A file that cannot be removed is redacted, and only its owner can read it.
        let _ = fs::remove_file(&self.0);
    }
}

/// Returns the command of the editor. The setting may contain options, such as `code --wait`, so a
/// shell parses it; the file's name is passed as a separate argument.
fn command(editor: &str, file: &Path) -> Command {
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
