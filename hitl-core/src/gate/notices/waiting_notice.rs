//! A call that begins to wait, and how it is decided.

use std::fmt;
use std::sync::Arc;

use hitl_base::display::{clip, visible};

use super::decide_hint::DecideHint;
use crate::approval::ApprovalRequest;
use crate::ids::RequestId;

/// The most characters of a title in a line.
const TITLE: usize = 160;

/// A call that begins to wait for a person, and how it is decided. It may be displayed, sent and
/// logged.
#[derive(Clone, Debug)]
pub struct WaitingNotice {
    request: Arc<ApprovalRequest>,
    command: Option<String>,
    link: Option<String>,
    process_only: ProcessOnly,
}

/// The answer to whether nobody outside of the process can decide the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProcessOnly {
    Yes,
    No,
}

impl WaitingNotice {
    pub(in crate::gate) fn new(request: Arc<ApprovalRequest>, hint: &DecideHint) -> Self {
        let id = request.id;
        Self {
            request,
            command: hint.approve_command(id),
            link: hint.link(id),
            process_only: if hint.is_process_only() { ProcessOnly::Yes } else { ProcessOnly::No },
        }
    }

    /// Returns the id of the call's record.
    pub fn id(&self) -> RequestId {
        self.request.id
    }

    /// Returns the request that the person is shown.
    pub fn request(&self) -> &ApprovalRequest {
        &self.request
    }

    /// Returns the command that shows the call and asks for a decision, for a shell. `None` if the
    /// program `hitl` cannot open the store. It holds no credential: words in capitals, like
    /// `FILE`, are to be replaced.
    pub fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    /// Returns the console's page of the call, if the host has named its console with
    /// [`console_url`](crate::GateBuilder::console_url).
    pub fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// Returns how the call is decided, without anything that the model wrote.
    pub(in crate::gate) fn how(&self) -> String {
        let id = self.request.id;
        match (&self.command, &self.link, self.process_only) {
            (Some(command), Some(link), _) => format!("{command} (or {link})"),
            (Some(command), None, _) => command.clone(),
            (None, Some(link), _) => link.clone(),
            (None, None, ProcessOnly::Yes) => {
                format!("only this process can decide it, with `Gate::decide`: call {id}")
            }
            (None, None, ProcessOnly::No) => {
                format!("decide call {id} with `Gate::decide` or a console on its store")
            }
        }
    }
}

/// Writes one line: what waits, and how it is decided.
impl fmt::Display for WaitingNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = clip(&self.request.title, TITLE);
        write!(f, "{} waits for a decision: {}", visible(&title), self.how())
    }
}
