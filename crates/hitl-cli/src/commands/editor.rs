//! Editing in the person's own editor.

use hitl_base::JsonText;
use hitl_base::json::{difference, parse_json, pretty};
use hitl_core::approval::terminal::Editor;

use super::terminal;
use crate::exit::{Exit, Failure};
use crate::seen_check::Interactivity;

/// Opens the arguments in the editor; returns the merge patch that leads to the saved text.
pub(super) fn patch(arguments: &JsonText) -> Result<String, Failure> {
    let (Some(editor), Interactivity::Person) =
        (Editor::from_environment(), terminal::interactivity())
    else {
        let why = "give the change: --patch JSON, or set $VISUAL or $EDITOR on a terminal";
        return Err(Failure::usage(why));
    };
    let unread = |_| Failure::new(Exit::Failed, "the arguments cannot be read");
    let before = arguments.tree().map_err(unread)?;
    let text = editor
        .edit(&pretty(&before))
        .map_err(|error| Failure::new(Exit::Failed, format!("{error}; nothing was decided")))?;
    let after = parse_json(&text).map_err(|error| {
        let why = format!("the saved text is not JSON: {}; nothing was decided", error.reason());
        Failure::new(Exit::Refused, why)
    })?;
    match difference(&before, &after) {
        Ok(Some(patch)) => Ok(patch.to_text()),
        Ok(None) => Err(Failure::new(Exit::Refused, "nothing was changed; nothing was decided")),
        Err(null) => Err(Failure::new(Exit::Refused, format!("{null}; nothing was decided"))),
    }
}
