//! A call whose outcome nobody knows, and how it is settled.

use std::fmt;
use std::sync::Arc;

use hitl_base::display::{clip, visible};

use super::decide_hint::DecideHint;
use crate::approval::ApprovalRequest;
use crate::ids::RequestId;
use crate::machine::CallRecord;

/// The most characters of a title in a line.
const TITLE: usize = 160;

/// A call that was started and whose outcome nobody knows, because its process died or its time ran
/// out. It is parked: it does not run again until its tool or a person has settled it. It may be
/// displayed, sent and logged.
#[derive(Clone, Debug)]
pub struct ParkedNotice {
    request: Arc<ApprovalRequest>,
    command: Option<String>,
    link: Option<String>,
}

impl ParkedNotice {
    pub(in crate::gate) fn new(record: &CallRecord, hint: &DecideHint) -> Self {
        let id = record.id();
        let (command, link) = (hint.resolve_command(id), hint.link(id));
        Self { request: Arc::clone(&record.request), command, link }
    }

    /// Returns the id of the call's record.
    pub fn id(&self) -> RequestId {
        self.request.id
    }

    /// Returns the request that a person was shown, or would have been.
    pub fn request(&self) -> &ApprovalRequest {
        &self.request
    }

    /// Returns the command that shows the call, and asks a person at a terminal how it ended;
    /// `--done`, `--failed REASON` and `--retry` answer in a script. `None` if the program `hitl`
    /// cannot open the store. It holds no credential: words in capitals, like `FILE`, are to be
    /// replaced.
    pub fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    /// Returns the console's page of the call, if the host has named its console with
    /// [`console_url`](crate::GateBuilder::console_url).
    pub fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// Returns how the call is settled, without anything that the model wrote.
    pub(in crate::gate) fn how(&self) -> String {
        let id = self.request.id;
        match (&self.command, &self.link) {
            (Some(command), Some(link)) => format!("{command} (or {link})"),
            (Some(command), None) => command.clone(),
            (None, Some(link)) => link.clone(),
            (None, None) => format!("settle call {id} with `Gate::resolve`"),
        }
    }
}

/// Writes one line: what was started, and how it is settled.
impl fmt::Display for ParkedNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = clip(&self.request.title, TITLE);
        write!(
            f,
            "{} was started, and nobody knows how it ended; find out, and settle it: {}",
            visible(&title),
            self.how()
        )
    }
}
