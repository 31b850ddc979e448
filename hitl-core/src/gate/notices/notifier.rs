//! Says notices to the host, each once.

use std::collections::VecDeque;
use std::sync::Arc;

use hitl_base::Timestamp;

use super::break_glass_notice::{BreakGlassNotice, GlassUse};
use super::build_warning::{BuildWarning, BuildWarningKind};
use super::decide_hint::DecideHint;
use super::frozen_notice::FrozenNotice;
use super::notice::Notice;
use super::parked_notice::ParkedNotice;
use super::waiting_notice::WaitingNotice;
#[cfg(feature = "terminal")]
use crate::approval::ApprovalRequest;
use crate::audit::AuditEvent;
use crate::gate::telemetry;
use crate::grant::GrantRecord;
use crate::ids::RequestId;
use crate::machine::CallRecord;
use crate::panic::catch;
use crate::store::{Freeze, FreezeScope};
use crate::sync::{Mutex, lock};

/// The number of revisions that are remembered as said. One that is forgotten may be said again.
const REMEMBERED: usize = 1024;

/// The host's function for notices.
pub(in crate::gate) type NoticeHandler = Box<dyn Fn(&Notice) + Send + Sync>;

/// The notices of a gate: where they go, and which were said.
pub(in crate::gate) struct Notifier {
    hint: DecideHint,
    /// The host's own; `None` for `tracing` and standard error.
    handler: Option<NoticeHandler>,
    warnings: Vec<BuildWarning>,
    /// The latest revisions that were said, the oldest first.
    said: Mutex<VecDeque<(RequestId, u32)>>,
    /// The latest freezes that were said, the oldest first.
    said_frozen: Mutex<VecDeque<(FreezeScope, Timestamp)>>,
}

/// The people whom the gate asks by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gate) enum Asks {
    /// It asks an approver about Quick calls.
    Approver,
    /// It asks nobody.
    Nobody,
}

impl Notifier {
    pub(in crate::gate) fn new(
        hint: DecideHint,
        handler: Option<NoticeHandler>,
        asks: Asks,
    ) -> Self {
        let warnings = warnings_about(&hint, asks);
        let (said, said_frozen) = (Mutex::default(), Mutex::default());
        Self { hint, handler, warnings, said, said_frozen }
    }

    /// Returns the advice about the gate's settings.
    pub(in crate::gate) fn warnings(&self) -> &[BuildWarning] {
        &self.warnings
    }

    /// Says the advice about the gate's settings.
    pub(in crate::gate) fn say_warnings(&self) {
        for warning in &self.warnings {
            self.say(&Notice::Warning(warning.clone()));
        }
    }

    /// Returns the notice about a waiting call.
    pub(in crate::gate) fn notice_about(&self, record: &CallRecord) -> WaitingNotice {
        WaitingNotice::new(Arc::clone(&record.request), &self.hint)
    }

    /// Returns how a waiting call is decided, without anything that the model wrote.
    #[cfg(feature = "terminal")]
    pub(in crate::gate) fn how_to_decide(&self, request: &ApprovalRequest) -> String {
        WaitingNotice::new(Arc::new(request.clone()), &self.hint).how()
    }

    /// Says that a call waits for a person, unless this was said about its revision.
    pub(in crate::gate) fn say_waiting(&self, record: &CallRecord) {
        if is_new(&self.said, (record.id(), record.request.revision)) {
            self.say(&Notice::Waiting(self.notice_about(record)));
        }
    }

    /// Says that nothing starts, unless this was said about the same freeze.
    pub(in crate::gate) fn say_frozen(&self, freeze: &Freeze) {
        if is_new(&self.said_frozen, (freeze.scope.clone(), freeze.at)) {
            self.say(&Notice::Frozen(FrozenNotice::new(freeze.clone())));
        }
    }

    /// Says that nobody knows how a call ended. Only the gate whose change parked the call says
    /// it, so it is said once.
    pub(in crate::gate) fn say_parked(&self, record: &CallRecord) {
        self.say(&Notice::Parked(ParkedNotice::new(record, &self.hint)));
    }

    /// Says that the glass was broken, or, with the `end` in words, that it is whole again.
    pub(in crate::gate) fn say_break_glass(
        &self,
        event: AuditEvent,
        record: &GrantRecord,
        end: Option<String>,
    ) {
        let notice = BreakGlassNotice::about(event, record, end.as_deref(), &self.hint);
        self.say(&Notice::BreakGlass(notice));
    }

    /// Says that a call runs because the glass was broken.
    pub(in crate::gate) fn say_break_glass_used(&self, used: &GlassUse<'_>) {
        self.say(&Notice::BreakGlass(BreakGlassNotice::of_use(used, &self.hint)));
    }

    fn say(&self, notice: &Notice) {
        telemetry::record_notice(notice);
        match &self.handler {
            Some(handler) => {
                if catch(|| handler(notice)).is_err() {
                    tracing::warn!("the host's function for notices panicked");
                }
            }
            None if telemetry::takes_notice(notice) => {}
            None => print(notice),
        }
    }
}

/// Remembers that something was said. Returns `false` if it was before.
fn is_new<T: PartialEq>(said: &Mutex<VecDeque<T>>, what: T) -> bool {
    let mut said = lock(said);
    if said.contains(&what) {
        return false;
    }
    if said.len() == REMEMBERED {
        said.pop_front();
    }
    said.push_back(what);
    true
}

/// Returns the advice about a gate with these settings.
fn warnings_about(hint: &DecideHint, asks: Asks) -> Vec<BuildWarning> {
    let mut warnings = Vec::new();
    if hint.is_process_only() && asks == Asks::Nobody {
        warnings.push(BuildWarning::new(BuildWarningKind::OnlyThisProcessDecides));
    }
    warnings
}

/// Prints a notice on standard error. There is no way to report that this failed.
fn print(notice: &Notice) {
    // `eprintln!`, because the test harness captures it. It panics if standard error is closed.
    #[cfg(panic = "unwind")]
    let _ = catch(|| eprintln!("{notice}"));
    #[cfg(not(panic = "unwind"))]
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{notice}\n"));
}
