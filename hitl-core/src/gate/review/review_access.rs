//! An approver's access to the gate, for one request.

use std::fmt;
use std::sync::Arc;

use crate::approval::{ApprovalRequest, Patch, ReviewerIdentity};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::read::earlier::{EarlierCalls, read_earlier};
use crate::gate::review::edit_preview::{EditPreview, ShownRevision, preview_edit};
use crate::gate::review::uncover::uncover_request;
use crate::gate::review::uncovered_request::{MaskSelection, UncoveredRequest};

/// An approver's access to the gate, for the one request that it reviews: it uncovers what is
/// masked, and checks an edit before it is sent. Passed to
/// [`Approver::review_with`](crate::Approver::review_with).
#[derive(Clone)]
pub struct ReviewAccess {
    core: Arc<GateCore>,
    shown: ShownRevision,
}

impl ReviewAccess {
    pub(in crate::gate) fn new(core: &Arc<GateCore>, request: &ApprovalRequest) -> Self {
        Self { core: Arc::clone(core), shown: ShownRevision::of(request) }
    }

    /// Uncovers these places of the request, for this person. See
    /// [`Gate::uncover`](crate::Gate::uncover).
    pub async fn places(
        &self,
        by: impl Into<ReviewerIdentity>,
        places: MaskSelection,
    ) -> Result<UncoveredRequest, GateError> {
        uncover_request(&self.core, &self.shown, &by.into(), &places).await
    }

    /// Returns the calls of the request's run that were submitted before it, as they are now: the
    /// `most` newest, and how many there are before them. Cancel safe.
    pub async fn earlier_calls(&self, most: usize) -> Result<EarlierCalls, GateError> {
        let ShownRevision { tenant, id, .. } = &self.shown;
        let record = self.core.calls.current(tenant, *id).await?;
        read_earlier(&self.core, &record, most).await
    }

    /// Returns how the request is decided elsewhere: the command, the console's link.
    #[cfg(feature = "terminal")]
    pub(crate) fn how_to_decide(&self, request: &ApprovalRequest) -> String {
        self.core.notifier.how_to_decide(request)
    }

    /// Checks an edit of the request by this person, and returns its result. See
    /// [`Gate::preview_edit`](crate::Gate::preview_edit).
    pub async fn preview_edit(
        &self,
        by: impl Into<ReviewerIdentity>,
        patch: impl Into<String>,
    ) -> Result<EditPreview, GateError> {
        preview_edit(&self.core, &self.shown, Patch::new(patch), by.into()).await
    }
}

impl fmt::Debug for ReviewAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReviewAccess({} revision {})", self.shown.id, self.shown.revision)
    }
}
