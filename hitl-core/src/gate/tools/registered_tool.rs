//! A tool in the form in which a gate holds it: typed inside, erased outside.

use std::any::TypeId;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_base::json::{Limits, parse_with_limits};
use hitl_base::redact::Taint;
use hitl_base::{Json, JsonText, Redactor};

use crate::approval::TitleWords;
use crate::arguments::{ArgumentError, ArgumentNames, DeclaredOrder, Places, Snapshot, parse};
use crate::call::{
    CallPreview, ContentReaders, Fingerprint, RunContext, Shown, StateRequirement, Tool,
    ToolConfig, ToolFacts, ToolKind, ToolSpec, ToolTerms, check_named_arguments, fingerprint,
};
use crate::gate::build_error::{BuildError, BuildErrorKind};
use crate::gate::error::GateError;
use crate::gate::execution::bound_call::{BoundCall, TypedCall};
use crate::gate::execution::execution::BodySpec;
use crate::gate::masking::mask_text;
use crate::gate::stored_text::UNLIMITED;
use crate::gate::tools::tool_bounds::ToolBounds;
use crate::panic::catch;

/// The number of times that a list of possibly unstable order is read back. The chance that two
/// items come back in the same order every time is one in 60,000.
const UNPROVEN_READS: usize = 16;

/// The most bytes that are read back for that check. A long list cannot come back in the same order
/// by chance.
const MAX_UNPROVEN_BYTES: usize = 1 << 20;

/// A registered tool.
pub(in crate::gate) struct RegisteredTool {
    metadata: ToolMetadata,
    schema: JsonText,
    fingerprint: Fingerprint,
    /// Its description for other processes.
    facts: ToolFacts,
    /// The Rust type, so that a typed call cannot reach another tool of the same name.
    type_id: TypeId,
    erased: Box<dyn ErasedTool>,
    /// The places in its arguments, from its schema; `None` for a tool without a type.
    places: Option<Arc<Places>>,
    /// The order in which its arguments are shown.
    order: Arc<DeclaredOrder>,
    bounds: ToolBounds,
    /// True once another tool has taken its place, or none.
    retired: AtomicBool,
}

/// The description of a tool, whatever its origin.
pub(in crate::gate) struct ToolMetadata {
    pub(in crate::gate) name: Cow<'static, str>,
    pub(in crate::gate) description: Cow<'static, str>,
    pub(in crate::gate) states: &'static [StateRequirement],
    /// The version of its code.
    pub(in crate::gate) version: Option<Cow<'static, str>>,
    pub(in crate::gate) config: ToolConfig,
    pub(in crate::gate) terms: ToolTerms,
    /// True if it finds out itself how an attempt ended.
    pub(in crate::gate) reconciles: bool,
}

impl ToolMetadata {
    /// Returns the description of the tool for other processes.
    pub(in crate::gate) fn facts(
        &self,
        fingerprint: Fingerprint,
        schema: &JsonText,
        kind: ToolKind,
    ) -> ToolFacts {
        let (config, terms) = (&self.config, &self.terms);
        let owned = |text: &Cow<'static, str>| text.clone().into_owned();
        ToolFacts {
            name: self.name.clone().into_owned(),
            fingerprint,
            build: self.version.clone().map(Cow::into_owned),
            description: self.description.clone().into_owned(),
            title: terms.title.clone(),
            describe: terms.describe.as_ref().map(owned),
            effect: terms.effect.as_ref().map(owned),
            schema: schema.as_str().to_owned(),
            sensitive: Vec::new(),
            contents: Vec::new(),
            previews: false,
            unchecked: Vec::new(),
            kind,
            approval_type: owned(&terms.approval_type),
            risk: config.risk,
            hints: config.hints,
            thresholds: config.thresholds(),
            choices: terms.choices.to_vec(),
            requires_reason: config.requires_reason,
            grace_ms: config.grace_ms(),
            approve_label: owned(&terms.approve_label),
            reject_label: owned(&terms.reject_label),
            amounts: terms.arguments.amounts.iter().map(|(amount, _)| owned(amount)).collect(),
            envelopes: Vec::new(),
        }
    }
}

/// A tool whose type is erased.
pub(in crate::gate) trait ErasedTool: Send + Sync {
    /// Binds a model's text, or a stored snapshot, to the tool's body.
    fn bind(&self, text: &str, limits: Limits) -> Result<ParsedCall, ArgumentError>;

    /// Returns the readers of the contents that these arguments name.
    fn content_readers(&self, snapshot: &Snapshot) -> Result<ContentReaders, ArgumentError>;

    /// Begins to render a preview of the call with these arguments. Called only for a tool that
    /// declares it.
    fn preview(&self, snapshot: &Snapshot, cx: RunContext) -> Result<Rendering, ArgumentError>;
}

/// The future of host code that renders a preview.
pub(in crate::gate) type Rendering = BoxFuture<'static, Result<CallPreview, String>>;

/// A text that was parsed as the arguments of a tool.
pub(in crate::gate) struct ParsedCall {
    pub(in crate::gate) snapshot: Snapshot,
    /// The tree of the snapshot, if parsing needed it.
    pub(in crate::gate) tree: Option<Json>,
    pub(in crate::gate) call: Box<dyn BoundCall>,
}

struct TypedTool<T> {
    places: Option<Arc<Places>>,
    /// True if an argument is or holds a secret.
    has_secrets: bool,
    of: PhantomData<fn() -> T>,
}

impl<T: Tool> ErasedTool for TypedTool<T> {
    fn bind(&self, text: &str, limits: Limits) -> Result<ParsedCall, ArgumentError> {
        let parsed = parse::<T>(text, limits, self.places.as_ref());
        let (arguments, snapshot, tree) = parsed.map_err(|error| {
            // What refuses an argument of a tool with secrets may have seen them.
            if self.has_secrets { error.without_own_words() } else { explain(error, text) }
        })?;
        Ok(ParsedCall { snapshot, tree: Some(tree), call: Box::new(TypedCall(arguments)) })
    }

    fn content_readers(&self, snapshot: &Snapshot) -> Result<ContentReaders, ArgumentError> {
        let (arguments, ..) = parse::<T>(snapshot.text(), UNLIMITED, self.places.as_ref())?;
        let mut readers = ContentReaders::default();
        arguments.contents(&mut readers);
        Ok(readers)
    }

    fn preview(&self, snapshot: &Snapshot, cx: RunContext) -> Result<Rendering, ArgumentError> {
        let (arguments, ..) = parse::<T>(snapshot.text(), UNLIMITED, self.places.as_ref())?;
        Ok(arguments.preview(cx).boxed())
    }
}

impl RegisteredTool {
    /// Combines the parts of a tool.
    pub(super) fn new(
        metadata: ToolMetadata,
        schema: JsonText,
        facts: ToolFacts,
        type_id: TypeId,
        erased: Box<dyn ErasedTool>,
        places: Option<Arc<Places>>,
        order: Arc<DeclaredOrder>,
    ) -> Self {
        let fingerprint = facts.fingerprint;
        let (bounds, retired) = (ToolBounds::default(), AtomicBool::new(false));
        Self {
            metadata,
            schema,
            fingerprint,
            facts,
            type_id,
            erased,
            places,
            order,
            bounds,
            retired,
        }
    }

    /// Sets the time limits of its own code.
    pub(super) fn with_bounds(self, bounds: ToolBounds) -> Self {
        Self { bounds, ..self }
    }

    /// Returns the time limits of its own code.
    pub(in crate::gate) fn bounds(&self) -> &ToolBounds {
        &self.bounds
    }

    /// Marks that it is not registered any more.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Checks that the tool with which a call was evaluated is still registered, before the call
    /// begins without another look at its tool.
    pub(in crate::gate) fn check_current(&self) -> Result<(), GateError> {
        if self.retired.load(Ordering::Acquire) {
            return Err(GateError::tool_replaced(self.name()));
        }
        Ok(())
    }

    pub(in crate::gate) fn name(&self) -> &Cow<'static, str> {
        &self.metadata.name
    }

    pub(in crate::gate) fn description(&self) -> &Cow<'static, str> {
        &self.metadata.description
    }

    pub(in crate::gate) fn config(&self) -> &ToolConfig {
        &self.metadata.config
    }

    /// Returns the words and lists of its configuration.
    pub(in crate::gate) fn terms(&self) -> &ToolTerms {
        &self.metadata.terms
    }

    /// Returns what it says for the line that a reviewer reads.
    pub(in crate::gate) fn title_words(&self) -> TitleWords<'_> {
        let terms = self.terms();
        TitleWords {
            tool: self.name(),
            name: terms.title.as_deref(),
            template: terms.describe.as_deref(),
        }
    }

    /// Returns the version of its code.
    pub(in crate::gate) fn version(&self) -> Option<&Cow<'static, str>> {
        self.metadata.version.as_ref()
    }

    /// Returns whether it finds out itself how an attempt ended.
    pub(in crate::gate) fn reconciles(&self) -> bool {
        self.metadata.reconciles
    }

    /// Returns the host state that it needs.
    pub(in crate::gate) fn states(&self) -> &'static [StateRequirement] {
        self.metadata.states
    }

    pub(in crate::gate) fn schema(&self) -> &JsonText {
        &self.schema
    }

    pub(in crate::gate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(in crate::gate) fn facts(&self) -> &ToolFacts {
        &self.facts
    }

    pub(in crate::gate) fn places(&self) -> Option<&Arc<Places>> {
        self.places.as_ref()
    }

    /// Returns the order in which its arguments are shown.
    pub(in crate::gate) fn order(&self) -> &DeclaredOrder {
        &self.order
    }

    /// Returns whether this is the tool with this Rust type.
    pub(in crate::gate) fn has_type<T: Tool>(&self) -> bool {
        self.type_id == TypeId::of::<T>()
    }

    /// Returns the parts that an execution needs.
    pub(in crate::gate) fn body_spec(&self) -> BodySpec {
        let ToolMetadata { name, version, config, .. } = &self.metadata;
        BodySpec {
            tool: name.clone(),
            version: version.clone(),
            timeout: config.timeout,
            read_only: config.hints.read_only,
        }
    }

    /// Binds a text to the tool's body. A type that panics while it is parsed refuses the text.
    pub(in crate::gate) fn bind(
        &self,
        text: &str,
        limits: Limits,
    ) -> Result<ParsedCall, ArgumentError> {
        let parsed = catch(|| self.erased.bind(text, limits));
        parsed.unwrap_or_else(|_panicked| Err(ArgumentError::panicked()))
    }

    /// Returns whether it declares arguments that name contents.
    pub(in crate::gate) fn reads_contents(&self) -> bool {
        !self.facts.contents.is_empty()
    }

    /// Returns the readers of the contents that these arguments name. If the tool panics, its call
    /// is refused.
    pub(in crate::gate) fn content_readers(
        &self,
        snapshot: &Snapshot,
    ) -> Result<ContentReaders, ArgumentError> {
        let readers = catch(|| self.erased.content_readers(snapshot));
        readers.unwrap_or_else(|_panicked| Err(ArgumentError::panicked()))
    }

    /// Returns whether it declares that it renders previews.
    pub(in crate::gate) fn previews(&self) -> bool {
        self.facts.previews
    }

    /// Returns whether the host's code looks at the world before a call of it runs: for the
    /// contents that its arguments name, or for a preview.
    pub(in crate::gate) fn looks_ahead(&self) -> bool {
        self.reads_contents() || self.previews()
    }

    /// Begins to render a preview of the call with these arguments. If the tool panics, its call is
    /// refused.
    pub(in crate::gate) fn preview(
        &self,
        snapshot: &Snapshot,
        cx: RunContext,
    ) -> Result<Rendering, ArgumentError> {
        let rendering = catch(|| self.erased.preview(snapshot, cx));
        rendering.unwrap_or_else(|_panicked| Err(ArgumentError::panicked()))
    }

    /// Checks, before anybody is asked, that a snapshot reads back to itself: a call that waits for
    /// a human runs from its snapshot.
    pub(in crate::gate) fn check_read_back(
        &self,
        snapshot: &Snapshot,
    ) -> Result<(), ArgumentError> {
        let reads = if snapshot.has_unproven_order() {
            (MAX_UNPROVEN_BYTES / snapshot.text().len().max(1)).clamp(2, UNPROVEN_READS)
        } else {
            1
        };
        for _ in 0..reads {
            let again = self.bind(snapshot.text(), UNLIMITED)?.snapshot;
            if let Some(lost) = snapshot.lost_in(&again) {
                return Err(lost);
            }
        }
        Ok(())
    }

    /// Binds a stored snapshot, to run it. It was read back before anybody was asked, so only the
    /// order of sets may differ, which older versions did not sort.
    pub(in crate::gate) fn bind_stored(
        &self,
        snapshot: &Snapshot,
    ) -> Result<Box<dyn BoundCall>, ArgumentError> {
        let ParsedCall { snapshot: again, call, .. } = self.bind(snapshot.text(), UNLIMITED)?;
        if again == *snapshot || snapshot.is_reordered_in(&again) {
            Ok(call)
        } else {
            Err(ArgumentError::unstable())
        }
    }

    /// Describes a typed tool.
    ///
    /// # Errors
    /// Its spec names an argument that its schema does not have.
    pub(in crate::gate) fn typed<T: Tool>() -> Result<Self, BuildError> {
        let schema = schemars::schema_for!(T);
        let schema = serde_json::to_string(&schema).ok().and_then(|text| JsonText::new(text).ok());
        let schema = schema.unwrap_or_else(JsonText::null);
        let tree = schema.tree().ok();
        let places = tree.as_ref().and_then(Places::from_schema).map(Arc::new);
        let spec = const { &T::SPEC };
        let has_secrets = check_names(spec, tree.as_ref().unwrap_or(&Json::Null))?;
        let shown = Shown {
            name: spec.name,
            description: spec.description,
            describe: spec.config.describe,
            title: None,
            schema: schema.as_str(),
        };
        let secrets = spec.parameters.iter().filter(|p| p.sensitive).map(|p| p.name);
        let contents = spec.parameters.iter().filter(|parameter| parameter.content_of);
        let contents: Vec<String> = contents.map(|parameter| parameter.name.to_owned()).collect();
        let fingerprint = fingerprint(&shown, secrets.clone(), &contents, spec.previews);
        let metadata = ToolMetadata {
            name: Cow::Borrowed(spec.name),
            description: Cow::Borrowed(spec.description),
            states: spec.states,
            version: spec.version.map(Cow::Borrowed),
            config: spec.config,
            terms: ToolTerms::of(&spec.config),
            reconciles: T::reconciler().is_some(),
        };
        let mut facts = metadata.facts(fingerprint, &schema, ToolKind::Typed);
        facts.sensitive = secrets.map(str::to_owned).collect();
        facts.contents = contents;
        facts.previews = spec.previews;
        let names: Vec<&str> = spec.parameters.iter().map(|parameter| parameter.name).collect();
        let order = DeclaredOrder::of_parameters(&names, tree.as_ref().unwrap_or(&Json::Null));
        let erased =
            Box::new(TypedTool::<T> { places: places.clone(), has_secrets, of: PhantomData });
        Ok(Self::new(metadata, schema, facts, TypeId::of::<T>(), erased, places, Arc::new(order)))
    }
}

/// Adds a type's own words to the error about arguments that it refused, so that a model can
/// correct its call: without copies of the arguments, and without what looks like a secret.
fn explain(error: ArgumentError, text: &str) -> ArgumentError {
    error.with_own_words(|words| match parse_with_limits(text, UNLIMITED) {
        Ok(arguments) => {
            let mut values = Vec::new();
            leaves(&arguments, &mut values);
            mask_text(&Redactor::standard(), words, &Taint::new(values)).into_owned()
        }
        Err(_) => String::new(),
    })
}

/// Collects the texts and numbers of a tree.
fn leaves(tree: &Json, found: &mut Vec<String>) {
    match tree {
        Json::String(text) => found.push(text.clone()),
        Json::Number(number) => found.push(number.to_string()),
        Json::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Json::Object(entries) => entries.iter().for_each(|(_, value)| leaves(value, found)),
        Json::Null | Json::Bool(_) => {}
    }
}

/// Checks that each name in a spec is an argument in the schema. Returns whether any argument is or
/// holds a secret.
fn check_names(spec: &ToolSpec, schema: &Json) -> Result<bool, BuildError> {
    let secrets = spec.parameters.iter().filter(|parameter| parameter.sensitive);
    let names = ArgumentNames::of_schema(schema, secrets.map(|parameter| parameter.name));
    let parameters = spec.parameters.iter().try_for_each(|parameter| {
        let known = names.find(parameter.name).map(|_| ());
        let name = parameter.name;
        known.map_err(|instead| format!("the parameter `{name}` is no argument of it{instead}"))
    });
    parameters.and_then(|()| check_named_arguments(&ToolTerms::of(&spec.config), &names)).map_err(
        |why| {
            let why = format!("the tool `{}`: {why}", spec.name);
            BuildError::new(BuildErrorKind::InvalidSpec, why)
        },
    )?;
    Ok(names.has_secrets())
}
