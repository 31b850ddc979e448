//! Tools that are known only at run time, in the form in which the gate holds them.

use std::any::TypeId;
use std::borrow::Cow;
use std::sync::Arc;

use futures::FutureExt as _;
use hitl_base::JsonText;
use hitl_base::json::{Limits, parse_with_limits};

use crate::arguments::{ArgumentError, DeclaredOrder, Snapshot, SnapshotError, or_empty};
use crate::call::{
    AskedReconcile, Attempt, ContentReaders, Permit, Reconciler, RunContext, Shown, ToolFacts,
    ToolKind, fingerprint,
};
use crate::dynamic::{
    DynArguments, DynBody, DynContent, DynFailure, DynPreview, DynSpec, DynTool, Running, Schema,
};
use crate::gate::execution::bound_call::TypedCall;
use crate::gate::execution::runnable::Runnable;
use crate::gate::stored_text::UNLIMITED;
use crate::gate::tools::registered_tool::{
    ErasedTool, ParsedCall, RegisteredTool, Rendering, ToolMetadata,
};

/// A tool that is known only at run time.
struct DynamicTool {
    schema: Arc<Schema>,
    body: DynBody,
    reconciler: Option<Reconciler<DynArguments, JsonText>>,
    contents: Vec<DynContent>,
    preview: Option<DynPreview>,
    order: Arc<DeclaredOrder>,
}

impl DynamicTool {
    fn arguments(&self, snapshot: Snapshot) -> DynArguments {
        DynArguments { snapshot: Arc::new(snapshot), order: Arc::clone(&self.order) }
    }
}

impl ErasedTool for DynamicTool {
    fn bind(&self, text: &str, limits: Limits) -> Result<ParsedCall, ArgumentError> {
        let text = if text.len() > limits.bytes { text } else { or_empty(text) };
        let tree = parse_with_limits(text, limits)
            .map_err(|error| self.schema.without_secrets(ArgumentError::from(error)))?;
        self.schema.check(&tree)?;
        let snapshot = self.schema.snapshot(&tree)?;
        let arguments = self.arguments(snapshot.clone());
        let (body, reconciler) = (Arc::clone(&self.body), self.reconciler.clone());
        let call = Box::new(TypedCall(Running { arguments, body, reconciler }));
        // The keys of the given tree are not sorted.
        Ok(ParsedCall { snapshot, tree: None, call })
    }

    fn content_readers(&self, snapshot: &Snapshot) -> Result<ContentReaders, ArgumentError> {
        let tree = parse_with_limits(snapshot.text(), UNLIMITED)
            .map_err(|error| self.schema.without_secrets(ArgumentError::from(error)))?;
        let mut readers = ContentReaders::default();
        for content in &self.contents {
            content.collect(&tree, &mut readers);
        }
        Ok(readers)
    }

    fn preview(&self, snapshot: &Snapshot, cx: RunContext) -> Result<Rendering, ArgumentError> {
        let arguments = self.arguments(snapshot.clone());
        Ok(match &self.preview {
            Some(preview) => preview(arguments, cx),
            None => async { Err("the tool has no preview".to_owned()) }.boxed(),
        })
    }
}

impl Runnable for Running {
    type Output = JsonText;
    type Error = DynFailure;

    async fn run(permit: Permit<Self>) -> Result<JsonText, DynFailure> {
        let (Running { arguments, body, .. }, cx) = permit.open();
        body(Permit::issue(arguments, cx)).await
    }

    fn reconcile(self, cx: RunContext) -> Option<AskedReconcile<JsonText>> {
        let Running { arguments, reconciler, .. } = self;
        reconciler.map(|reconciler| reconciler.ask(Attempt::new(arguments, cx)))
    }

    fn encode(output: &JsonText) -> Result<JsonText, SnapshotError> {
        Ok(output.clone())
    }

    fn failed_output(error: &DynFailure) -> Option<&JsonText> {
        error.output.as_ref()
    }

    fn is_unknown(error: &DynFailure) -> bool {
        error.is_unknown
    }

    fn check_output(_: &JsonText, _: &JsonText) -> Result<(), ArgumentError> {
        Ok(())
    }
}

impl RegisteredTool {
    /// Describes a tool that is known only at run time.
    pub(in crate::gate) fn dynamic(tool: DynTool) -> Self {
        let DynTool { spec, terms, schema_text, schema, body, contents, preview, reconciler } =
            tool;
        let shown = Shown {
            name: &spec.name,
            description: &spec.description,
            describe: terms.describe.as_deref(),
            title: terms.title.as_deref(),
            schema: schema_text.as_str(),
        };
        let read: Vec<String> = contents.iter().map(|content| content.path.clone()).collect();
        let (secrets, previews) = (spec.sensitive.iter().map(String::as_str), preview.is_some());
        let fingerprint = fingerprint(&shown, secrets, &read, previews);
        let DynSpec { name, description, sensitive, unchecked, version, config, .. } = spec;
        let metadata = ToolMetadata {
            name: Cow::Owned(name),
            description: Cow::Owned(description),
            states: &[],
            version: version.map(Cow::Owned),
            config,
            terms,
            reconciles: reconciler.is_some(),
        };
        let facts = metadata.facts(fingerprint, &schema_text, ToolKind::Dynamic);
        let facts = ToolFacts { sensitive, unchecked, contents: read, previews, ..facts };
        let declared = schema_text.tree().map(|schema| DeclaredOrder::of_schema(&schema));
        let order = Arc::new(declared.unwrap_or_default());
        let erased =
            DynamicTool { schema, body, reconciler, contents, preview, order: Arc::clone(&order) };
        let type_id = TypeId::of::<DynArguments>();
        Self::new(metadata, schema_text, facts, type_id, Box::new(erased), None, order)
    }
}
