//! The request that a reference names.

use crate::approval::{ApprovalRequest, RequestRef};
use crate::call::Tenant;
use crate::gate::error::GateError;
use crate::gate::gate::Gate;
use crate::gate::read::present::read_present;
use crate::machine::CallState;

/// The request that a [`RequestRef`] names, as it is now.
#[derive(Clone, Debug)]
// Exhaustive: a host must handle each case.
pub enum ReferencedRequest {
    /// It waits, exactly as it was shown: an answer to it may be turned into a decision.
    Waits(Box<ApprovalRequest>),
    /// It waits as another revision, or under another binding: an answer to what was shown is none
    /// to this. Show it again.
    Changed(Box<ApprovalRequest>),
    /// It does not wait any more. The call is in this state.
    Closed(CallState),
}

impl Gate {
    /// Returns the request that a reference names, if it still waits exactly as it was shown, and
    /// otherwise what has become of it. For answers that arrive later, from a chat or a client.
    ///
    /// A reference is no proof: check who answers, as with any decision. The tenant is the host's
    /// word too, and not read from the reference.
    ///
    /// ```
    /// # use hitl::{Gate, GateError, Tenant, approval::RequestRef, gate::ReferencedRequest};
    /// # type Done = Result<(), GateError>;
    /// # async fn pressed(gate: Gate, tenant: Tenant, button: &RequestRef) -> Done {
    /// match gate.request_by_ref(&tenant, button).await? {
    ///     ReferencedRequest::Waits(request) => {
    ///         gate.decide(request.approve().replayable().by("ann")).await?;
    ///     }
    ///     ReferencedRequest::Changed(_) => println!("it was changed: look at it again"),
    ///     ReferencedRequest::Closed(state) => println!("too late, it is {state}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::GateErrorKind::NotFound) if the tenant has no such call.
    ///
    /// Cancel safe.
    pub async fn request_by_ref(
        &self,
        tenant: &Tenant,
        reference: &RequestRef,
    ) -> Result<ReferencedRequest, GateError> {
        let core = &self.core;
        let mut record = read_present(core, tenant, reference.id()).await?;
        if record.state != CallState::Pending {
            return Ok(ReferencedRequest::Closed(record.state));
        }
        core.effects.show_earlier(&mut record).await?;
        let request = Box::new((*record.request).clone());
        Ok(if reference.is_of(&request) {
            ReferencedRequest::Waits(request)
        } else {
            ReferencedRequest::Changed(request)
        })
    }
}
