//! The state of a call's tool, for cards.

use std::fmt;

use crate::approval::ToolChange;
use crate::gate::error::GateError;
use crate::gate::gate::Gate;
use crate::gate::tools::tool_check::{ToolCheck, check_tool};
use crate::machine::CallRecord;

/// The state of a call's tool, compared with the tool that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolStatus {
    /// A living executor has it as it was shown.
    Current,
    /// Every living executor that has the tool has one that differs from what was shown. An
    /// approval is refused, and the call is asked about again.
    Changed(ToolChange),
    /// Executors are alive, and none of them has the tool. An approval is refused.
    Gone(ToolChange),
    /// No executor is alive. An approval waits for one, which then compares the tool.
    NoExecutor,
    /// The store does not record the executors' tools.
    Unknown,
}

impl ToolStatus {
    /// Returns the warning for a reviewer before they decide. `None` if there is none.
    pub fn warning(&self) -> Option<String> {
        Some(match self {
            Self::Current => return None,
            Self::Changed(change) => {
                format!("{change}; if you approve, you are asked again, about the tool as it is now")
            },
            Self::Gone(change) => format!(
                "{change}; it cannot be approved now: reject it, or start a program that has the tool"
            ),
            Self::NoExecutor => {
                "the program that runs this tool is not running now; if you approve, the call runs when \
                 the program starts again"
                    .to_owned()
            }
            Self::Unknown => {
                "it is not known whether a program that has this tool is running: this store does \
                 not record it"
                    .to_owned()
            }
        })
    }
}

impl fmt::Display for ToolStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.warning().as_deref().unwrap_or("the tool is as it was shown"))
    }
}

impl Gate {
    /// Compares a call's tool with the one that was shown: for cards, before anybody decides.
    /// [`decide`](Self::decide) does the same itself.
    pub async fn tool_status(&self, record: &CallRecord) -> Result<ToolStatus, GateError> {
        Ok(match check_tool(&self.core, record).await? {
            ToolCheck::Same(_) | ToolCheck::Elsewhere => ToolStatus::Current,
            ToolCheck::Changed(changed) => ToolStatus::Changed(changed.change),
            ToolCheck::Gone | ToolCheck::Retired => {
                ToolStatus::Gone(ToolChange::gone(&record.request.tool))
            }
            ToolCheck::NoExecutor => ToolStatus::NoExecutor,
            ToolCheck::Unknown => ToolStatus::Unknown,
        })
    }
}
