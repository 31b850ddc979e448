//! The texts about calls that wait. Pure.

use hitl_core::{ApprovalRequest, CallState, RequestId};

/// Where a call is decided.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) link: Option<String>,
}

impl Place {
    /// Returns the place of a call on the console at this address, or the one that the gate named.
    pub(super) fn of(console: Option<&str>, id: RequestId, gates: Option<&str>) -> Self {
        let own = console.map(|console| format!("{}/#queue/{id}", console.trim_end_matches('/')));
        Self { link: own.or_else(|| gates.map(str::to_owned)) }
    }
}

/// Returns the answer for a model whose call waits.
pub(super) fn waits(request: &ApprovalRequest, place: &Place) -> String {
    let id = request.id;
    let said = format!(
        "This call waits for a human's decision (pending, call {id}). It has not run. To get its outcome, call {} again \
         with the same arguments; do not change them, and do not look for another way.",
        request.tool
    );
    with_link(said, place)
}

/// Returns the answer for a model whose call runs for a long time.
pub(super) fn runs(tool: &str, id: RequestId) -> String {
    format!(
        "This call is running (call {id}) and has not ended. To get its outcome, call {tool} again with the same \
         arguments; it does not run twice."
    )
}

/// Returns the answer for a model whose call's outcome could not be read.
pub(super) fn unread(tool: &str, id: RequestId) -> String {
    format!(
        "The outcome of this call (call {id}) could not be read. To get it, call {tool} again with the same arguments; \
         it does not run twice."
    )
}

/// Returns the line of progress about a call that waits.
pub(super) fn progress(request: &ApprovalRequest, place: &Place) -> String {
    with_link(format!("Waits for a human's decision (call {}).", request.id), place)
}

/// Returns the status of a task whose call has not ended.
pub(super) fn status(state: CallState, id: RequestId, place: &Place) -> String {
    match state {
        CallState::Pending => {
            with_link(format!("Waits for a human's decision (call {id})."), place)
        }
        CallState::Approved => "Approved, and about to run.".to_owned(),
        CallState::OutcomeUnknown => {
            "It was started, and it is not known how it ended. A human will find out.".to_owned()
        }
        _ => "Runs.".to_owned(),
    }
}

/// The answer for a model when too many calls are being served.
pub(super) const BUSY: &str = "The server is busy: too many calls wait at the same time. This call was not taken. Call \
                               again later.";

/// The answer to a request that was cancelled. Nobody reads it.
pub(super) const CANCELLED: &str = "The request was cancelled.";

fn with_link(said: String, place: &Place) -> String {
    match &place.link {
        None => said,
        Some(link) => format!("{said} A human decides it at {link}"),
    }
}
