//! A tool that is known only at run time.

use std::any::Any;
use std::fmt::{self, Debug, Display};
use std::future::Future;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_base::json::{Limits, parse_with_limits};
use hitl_base::{Json, JsonText};
use serde::de::DeserializeOwned;

use super::{DynContent, DynPreview, DynSpec, Schema};
use crate::arguments::{ArgumentError, ArgumentNames, DeclaredOrder, Snapshot, parse_text};
use crate::call::{
    Attempt, InvalidSpec, Permit, Reconciler, Reconciliation, ToolTerms, check_config,
    check_dyn_name, check_named_arguments, is_unknown_outcome, output_of,
};

/// A tool that is known only at run time: for example one of an MCP server that the host exposes.
/// It passes through the gate like any other; typed and dynamic tools share one list of names.
///
/// # The schema
/// The schema is the text of a JSON Schema of draft 2020-12, or of an older one. All keywords that
/// restrict values are checked, but for `unevaluatedProperties` and `unevaluatedItems`; `$ref`
/// names a schema in the same document, by a pointer or an `$anchor`. A schema that restricts
/// values in any other way is refused, unless the host accepts that with [`DynSpec::unchecked`]; so
/// is a regular expression that cannot be checked exactly as ECMA-262 defines it, like one that
/// looks ahead. `format` restricts nothing, as in the standard. Numbers are compared exactly.
/// Properties marked `"writeOnly": true` or `"x-sensitive": true` are secrets, in every alternative
/// that names them. Schemas, and the work of a check, have bounds.
///
/// # The snapshot
/// The snapshot is exactly what the model wrote, to the digit: no type in between could change it.
/// Only the keys are sorted. Defaults in the schema are left to the tool that runs the call; they
/// are not filled in.
///
/// ```
/// use hitl::json::JsonText;
/// use hitl::dynamic::{DynArguments, DynSpec, DynTool};
/// use hitl::{call::Permit, Gate, Outcome};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let schema = r#"{"type": "object", "properties": {"id": {"type": "integer"}}, "required":
/// ["id"]}"#; let body = |permit: Permit<DynArguments>| async move {
///     let (arguments, _cx) = permit.open();
///     // Here a proxy would pass `arguments.json()` on to the server.
///     JsonText::new(format!(r#"{{"sent": {}}}"#, arguments.json()))
/// };
/// let spec = DynSpec::new("crm_read", "Reads a contact.");
/// let gate = Gate::builder().dyn_tool(DynTool::new(spec, schema, body)?).build().await?;
/// assert_eq!(gate.tools()[0].name, "crm_read");
/// let refused = gate.assess_json("crm_read", r#"{"id": "7"}"#, "ann").unwrap_err();
/// assert!(refused.to_string().contains("expected a whole number"));
/// # Ok(())
/// # }
/// ```
pub struct DynTool {
    pub(crate) spec: DynSpec,
    pub(crate) terms: ToolTerms,
    pub(crate) schema_text: JsonText,
    pub(crate) schema: Arc<Schema>,
    pub(crate) body: DynBody,
    pub(crate) contents: Vec<DynContent>,
    pub(crate) preview: Option<DynPreview>,
    pub(crate) reconciler: Option<Reconciler<DynArguments, JsonText>>,
}

/// The arguments of a call of a [`DynTool`].
#[derive(Clone)]
pub struct DynArguments {
    pub(crate) snapshot: Arc<Snapshot>,
    /// The order in which it is shown.
    pub(crate) order: Arc<DeclaredOrder>,
}

impl DynArguments {
    /// Returns the JSON text, secrets included: exactly what was approved and digested, with the
    /// names of each object sorted.
    pub fn json(&self) -> &str {
        self.snapshot.text()
    }

    /// Returns the arguments as a tree that keeps numbers as they were written.
    pub fn tree(&self) -> Json {
        // It was written from a tree.
        let unlimited = Limits { depth: usize::MAX, bytes: usize::MAX };
        parse_with_limits(self.json(), unlimited).unwrap_or(Json::Null)
    }

    /// Parses the arguments as a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ArgumentError> {
        parse_text(self.json())
    }
}

impl Debug for DynArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DynArguments({})", self.snapshot.shown_in(&self.order).to_text())
    }
}

type Ran = BoxFuture<'static, Result<JsonText, DynFailure>>;

/// A body of any type.
pub(crate) type DynBody = Arc<dyn Fn(Permit<DynArguments>) -> Ran + Send + Sync>;

/// Arguments and the body that they are for.
pub(crate) struct Running {
    pub(crate) arguments: DynArguments,
    pub(crate) body: DynBody,
    pub(crate) reconciler: Option<Reconciler<DynArguments, JsonText>>,
}

/// An error of a body, of any type.
pub(crate) struct DynFailure {
    error: Box<dyn Said>,
    /// The output that it carries.
    pub(crate) output: Option<JsonText>,
    /// True if it says that the outcome is not known.
    pub(crate) is_unknown: bool,
}

trait Said: Display + Debug + Send {}
impl<E: Display + Debug + Send> Said for E {}

impl DynFailure {
    fn new<E: Display + Debug + Send + 'static>(error: E) -> Self {
        let output = output_of(&error as &dyn Any).cloned();
        let is_unknown = is_unknown_outcome(&error as &dyn Any);
        Self { error: Box::new(error), output, is_unknown }
    }
}

impl Display for DynFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.error, f)
    }
}

impl Debug for DynFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.error, f)
    }
}

impl DynTool {
    /// Creates a tool from its spec, the text of its JSON Schema, and its body.
    ///
    /// The body returns JSON text; [`JsonText::from`] creates it from a tree. If it fails and has
    /// an output all the same, it returns a [`ToolFailure`](crate::call::ToolFailure).
    ///
    /// # Errors
    /// [`DynToolErrorKind`] lists them: nothing is guessed and nothing ignored.
    pub fn new<F, R, E>(spec: DynSpec, schema: &str, body: F) -> Result<Self, DynToolError>
    where
        F: Fn(Permit<DynArguments>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<JsonText, E>> + Send + 'static,
        E: Display + Debug + Send + 'static,
    {
        let terms = ToolTerms::of(&spec.config).with(spec.terms.clone());
        check_dyn_name(&spec.name)
            .and_then(|()| check_config(spec.version.as_deref(), &spec.config))
            .and_then(|()| terms.check(spec.config.hints.read_only))
            .map_err(|invalid| {
                DynToolError::new(DynToolErrorKind::Spec(invalid), &spec, invalid.to_string())
            })?;
        let wrong = |kind| {
            let spec = &spec;
            move |why: String| DynToolError::new(kind, spec, why)
        };
        let mut compiled = super::compile::compile(schema, &spec.unchecked)
            .map_err(wrong(DynToolErrorKind::Schema))?;
        for path in &spec.sensitive {
            compiled.hide(path).map_err(wrong(DynToolErrorKind::Sensitive))?;
        }
        let schema_text = JsonText::new(schema.to_owned())
            .map_err(|error| wrong(DynToolErrorKind::Schema)(error.to_string()))?;
        let tree = schema_text.tree().unwrap_or(Json::Null);
        let names = ArgumentNames::of_schema(&tree, spec.sensitive.iter().map(String::as_str));
        check_named_arguments(&terms, &names).map_err(wrong(DynToolErrorKind::Argument))?;
        let body: DynBody = Arc::new(move |permit| {
            let running = body(permit);
            async move { running.await.map_err(DynFailure::new) }.boxed()
        });
        let (schema, contents) = (Arc::new(compiled), Vec::new());
        Ok(Self {
            spec,
            terms,
            schema_text,
            schema,
            body,
            contents,
            preview: None,
            reconciler: None,
        })
    }

    /// Sets the tool's own way to find out how an attempt ended whose outcome is unknown: an async
    /// function that asks the provider and changes nothing; see [`Reconciler`].
    ///
    /// ```
    /// use hitl::call::{Attempt, Permit, Reconciliation};
    /// use hitl::dynamic::{DynArguments, DynSpec, DynTool};
    /// use hitl::json::JsonText;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # async fn send(_: &str, _: String) -> std::io::Result<JsonText> { Ok(JsonText::null()) }
    /// # async fn find(_: String) -> std::io::Result<Option<JsonText>> { Ok(None) }
    /// let body = |permit: Permit<DynArguments>| async move {
    ///     let (arguments, cx) = permit.open();
    ///     send(arguments.json(), cx.idempotency_key()).await
    /// };
    /// let spec = DynSpec::new("crm_send", "Sends a letter.");
    /// let tool = DynTool::new(spec, r#"{"type": "object"}"#, body)?.reconcile(
    ///     |attempt: Attempt<DynArguments>| async move {
    ///         let found = find(attempt.idempotency_key()).await?;
    ///         let answer = found.map_or(Reconciliation::NotExecuted, Reconciliation::Executed);
    ///         Ok::<_, std::io::Error>(answer)
    ///     },
    /// );
    /// # drop(tool);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn reconcile<F, R, E>(mut self, ask: F) -> Self
    where
        F: Fn(Attempt<DynArguments>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reconciliation<JsonText>, E>> + Send + 'static,
        E: Display + Debug + Send + 'static,
    {
        self.reconciler = Some(Reconciler::new(ask));
        self
    }
}

impl Debug for DynTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DynTool({:?})", self.spec.name)
    }
}

/// The reason why a [`DynTool`] is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DynToolErrorKind {
    /// Its spec is invalid.
    Spec(InvalidSpec),
    /// Its schema is not a JSON Schema of an object, or restricts values in a way that the gate
    /// does not check.
    Schema,
    /// A path in [`DynSpec::sensitive`] names nothing.
    Sensitive,
    /// A path in [`DynTool::content_of`] names nothing, or a secret.
    Content,
    /// An amount, or a placeholder in `describe` or `effect`, is no argument in the schema, or a
    /// secret where none may be; or a brace of a template is alone.
    Argument,
}

/// The error for a tool that is known only at run time and cannot be offered. Its message has the
/// reason, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tool `{tool}`: {message}")]
pub struct DynToolError {
    kind: DynToolErrorKind,
    tool: String,
    message: String,
}

impl DynToolError {
    pub(super) fn new(kind: DynToolErrorKind, spec: &DynSpec, message: String) -> Self {
        // Foreign text may contain invisible characters.
        let visible = |text: &str| {
            let clipped = hitl_base::display::clip(text, 500);
            hitl_base::display::visible(&clipped).into_owned()
        };
        Self { kind, tool: visible(&spec.name), message: visible(&message) }
    }

    /// Returns the reason.
    pub fn kind(&self) -> DynToolErrorKind {
        self.kind
    }
}
