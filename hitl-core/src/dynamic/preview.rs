//! Previews of the calls of a tool that is known only at run time.

use std::future::Future;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{DynArguments, DynTool};
use crate::call::{CallPreview, PreviewReturn, RunContext};

/// The fn that renders a preview.
pub(crate) type DynPreview = Arc<
    dyn Fn(DynArguments, RunContext) -> BoxFuture<'static, Result<CallPreview, String>>
        + Send
        + Sync,
>;

impl DynTool {
    /// Renders what a call would do, for the person who decides: a decision is bound to it, and it
    /// is rendered again before the call runs. See [`Tool::preview`](crate::Tool::preview) for the
    /// rules: above all, `render` changes nothing.
    ///
    /// ```
    /// # use hitl::call::{CallPreview, Permit};
    /// # use hitl::dynamic::{DynArguments, DynSpec, DynTool};
    /// # use hitl::json::JsonText;
    /// # let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    /// # let schema = r#"{"type": "object"}"#;
    /// let tool = DynTool::new(DynSpec::new("crm_delete", "Deletes a contact."), schema, body)?
    ///     .preview(|arguments, _cx| async move {
    ///         // Here a proxy would ask the server.
    ///         CallPreview::new().fact("contact", arguments.json())
    ///     });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn preview<F, R>(mut self, render: F) -> Self
    where
        F: Fn(DynArguments, RunContext) -> R + Send + Sync + 'static,
        R: Future<Output: PreviewReturn> + Send + 'static,
    {
        self.preview = Some(Arc::new(move |arguments, cx| {
            let rendering = render(arguments, cx);
            async move { rendering.await.into_preview() }.boxed()
        }));
        self
    }
}
