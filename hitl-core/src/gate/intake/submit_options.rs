//! The options of a submission.

use std::fmt;
use std::sync::Arc;

use crate::approval::Approver;
use crate::gate::core::GateCore;
use crate::gate::freeze::thaw_wait::WhileFrozen;
use crate::gate::intake::repeat::Repeat;
use crate::ids::RequestId;

/// The options of a submission.
#[derive(Clone, Debug, Default)]
pub(in crate::gate) struct SubmitOptions {
    /// The failed call that it tries again.
    pub(in crate::gate) retry_of: Option<RequestId>,
    pub(in crate::gate) while_frozen: WhileFrozen,
    pub(in crate::gate) repeat: Repeat,
    pub(in crate::gate) asked: InlineApprover,
}

/// The approver that is asked inline about a call that needs Quick.
#[derive(Clone, Default)]
pub(in crate::gate) enum InlineApprover {
    /// The gate's, if it has one.
    #[default]
    Gates,
    /// This one.
    Own(Arc<dyn Approver>),
    /// None: the call waits at once.
    Nobody,
}

impl InlineApprover {
    /// Returns the approver to ask.
    pub(in crate::gate) fn get<'a>(&'a self, core: &'a GateCore) -> Option<&'a dyn Approver> {
        match self {
            Self::Gates => core.approver.as_deref(),
            Self::Own(approver) => Some(&**approver),
            Self::Nobody => None,
        }
    }
}

impl fmt::Debug for InlineApprover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gates => "the gate's",
            Self::Own(_) => "its own",
            Self::Nobody => "nobody",
        })
    }
}
