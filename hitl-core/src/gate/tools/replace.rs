//! Replaces the tools that are known only at run time, while the gate lives.

use crate::dynamic::DynTool;
use crate::gate::break_glass::envelopes::publish_tools;
use crate::gate::build_error::BuildError;
use crate::gate::gate::Gate;
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::store::StoreErrorKind;

impl Gate {
    /// Replaces the tools that are known only at run time, all at once: those that a server offers
    /// now, after it has said that its list changed. Typed tools stay.
    ///
    /// - A call that comes in later finds the new tools only.
    /// - A call that waits for a person, or was approved, is treated as after a restart with other
    ///   tools: if its tool is the same to a reviewer, it runs with the new body; if the tool has
    ///   changed, the call is asked about again before it runs; if the tool is gone, it does not
    ///   run.
    /// - A call that is being evaluated is refused if its tool has changed or is gone. One that has
    ///   just passed its last check may still start with the tool that it was checked with.
    /// - A body that runs ends with the tool with which it began, and its result is recorded.
    ///
    /// The other processes on the store, like a console, then compare calls with the new tools.
    ///
    /// ```
    /// # use hitl::dynamic::{DynArguments, DynSpec, DynTool};
    /// # use hitl::{call::Permit, json::JsonText, Gate};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let tool = |name: &str| {
    /// #     let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    /// #     DynTool::new(DynSpec::new(name, "Reads."), r#"{"type": "object"}"#, body)
    /// # };
    /// let gate = Gate::builder().dyn_tool(tool("read_file")?).build().await?;
    /// gate.replace_dyn_tools(vec![tool("read_text_file")?, tool("read_media_file")?]).await?;
    /// assert_eq!(gate.tools().len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`DuplicateTool`](crate::gate::BuildErrorKind::DuplicateTool): nothing was replaced.
    /// [`Store`](crate::gate::BuildErrorKind::Store): the tools were replaced here, but the store
    /// could not record them, so that other processes still compare with the old ones. No call runs
    /// unseen: the gate compares once more before a call runs. Call it again.
    ///
    /// Cancel safety: the tools are replaced with the first poll; what dropping the future may
    /// leave out is the record for others.
    pub async fn replace_dyn_tools(&self, tools: Vec<DynTool>) -> Result<(), BuildError> {
        let core = &self.core;
        let tools = tools.into_iter().map(RegisteredTool::dynamic).collect();
        core.tools.replace_dynamic(tools)?;
        match publish_tools(core).await {
            Err(error) if error.kind() == StoreErrorKind::Unsupported => Ok(()),
            other => Ok(other?),
        }
    }
}
