//! Tools by name. Typed inside, erased outside.

use std::any::TypeId;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_base::json::Limits;
use hitl_base::{Json, JsonText};

use super::error::GateError;
use super::execute::{Runnable, execute};
use super::handle::Inner;
use super::held::Held;
use crate::arguments::{ArgumentError, Places, Snapshot, parse};
use crate::call::{
    ContentReaders, Fingerprint, Outcome, Shown, StateRequirement, Tool, ToolConfig, ToolFacts,
    ToolKind, fingerprint,
};

/// A registered tool.
pub(super) struct Registered {
    pub(super) spec: Described,
    pub(super) schema: JsonText,
    pub(super) fingerprint: Fingerprint,
    /// What others know of it.
    pub(super) facts: ToolFacts,
    /// The Rust type, so that a typed call cannot meet another tool of the same name.
    pub(super) type_id: TypeId,
    pub(super) kind: Box<dyn Kind>,
    /// What its schema says about the places in its arguments; nothing for a tool without a type.
    pub(super) places: Option<Arc<Places>>,
}

/// What a tool says about itself, wherever that comes from.
pub(super) struct Described {
    pub(super) name: Cow<'static, str>,
    pub(super) description: Cow<'static, str>,
    pub(super) states: &'static [StateRequirement],
    /// The version of its code.
    pub(super) version: Option<Cow<'static, str>>,
    pub(super) config: ToolConfig,
}

impl Described {
    /// What others are told of it.
    pub(super) fn facts(
        &self,
        fingerprint: Fingerprint,
        schema: &JsonText,
        kind: ToolKind,
    ) -> ToolFacts {
        let config = &self.config;
        ToolFacts {
            name: self.name.clone().into_owned(),
            fingerprint,
            build: self.version.clone().map(Cow::into_owned),
            description: self.description.clone().into_owned(),
            describe: config.describe.map(str::to_owned),
            schema: schema.as_str().to_owned(),
            sensitive: Vec::new(),
            contents: Vec::new(),
            unchecked: Vec::new(),
            kind,
            approval_type: config.approval_type.to_owned(),
            risk: config.risk,
            hints: config.hints,
            thresholds: config.thresholds(),
            choices: config.decisions.to_vec(),
            requires_reason: config.requires_reason,
            approve_label: config.approve_label.to_owned(),
            reject_label: config.reject_label.to_owned(),
        }
    }
}

/// What a tool's type can do that its name cannot.
pub(super) trait Kind: Send + Sync {
    /// Reads a model's text, or a stored snapshot.
    fn read(&self, text: &str, limits: Limits) -> Result<Understood, ArgumentError>;

    /// What reads the contents that these arguments name.
    fn readers(&self, snapshot: &Snapshot) -> Result<ContentReaders, ArgumentError>;
}

/// A text that was read.
pub(super) struct Understood {
    pub(super) snapshot: Snapshot,
    /// The tree of the snapshot, where it was needed to read the text.
    pub(super) tree: Option<Json>,
    pub(super) body: Box<dyn Body>,
}

/// Arguments that are ready to run.
pub(super) trait Body: Send {
    fn execute(
        self: Box<Self>,
        gate: Arc<Inner>,
        held: Held,
    ) -> BoxFuture<'static, Result<Outcome, GateError>>;
}

struct Of<T> {
    places: Option<Arc<Places>>,
    of: PhantomData<fn() -> T>,
}

impl<T: Tool> Kind for Of<T> {
    fn read(&self, text: &str, limits: Limits) -> Result<Understood, ArgumentError> {
        let (arguments, snapshot, tree) = parse::<T>(text, limits, self.places.as_ref())?;
        Ok(Understood { snapshot, tree: Some(tree), body: Box::new(Arguments(arguments)) })
    }

    fn readers(&self, snapshot: &Snapshot) -> Result<ContentReaders, ArgumentError> {
        let (arguments, ..) = parse::<T>(snapshot.text(), UNLIMITED, self.places.as_ref())?;
        let mut readers = ContentReaders::default();
        arguments.contents(&mut readers);
        Ok(readers)
    }
}

pub(super) struct Arguments<T>(pub(super) T);

impl<T: Runnable> Body for Arguments<T> {
    fn execute(
        self: Box<Self>,
        gate: Arc<Inner>,
        held: Held,
    ) -> BoxFuture<'static, Result<Outcome, GateError>> {
        execute(gate, held, self.0).map(|ended| Ok(ended?.into_outcome())).boxed()
    }
}

/// For text that this process wrote itself.
const UNLIMITED: Limits = Limits { depth: usize::MAX, bytes: usize::MAX };

/// How often a list whose order may be that of a hash is read back. Two items come back in the same
/// order every time with a chance of one in 60,000.
const UNPROVEN_READS: usize = 16;

/// The most bytes that are read back for that. A long list comes back in the same order by no
/// chance.
const MAX_UNPROVEN_BYTES: usize = 1 << 20;

impl Registered {
    /// Reads a text. A type that panics while it is read refuses the text.
    pub(super) fn read(&self, text: &str, limits: Limits) -> Result<Understood, ArgumentError> {
        let read = catch_unwind(AssertUnwindSafe(|| self.kind.read(text, limits)));
        read.unwrap_or_else(|panic| {
            // A panic's own value may panic when it is dropped.
            std::mem::forget(panic);
            Err(ArgumentError::panicked())
        })
    }

    /// Whether it declares arguments that name contents.
    pub(super) fn reads_contents(&self) -> bool {
        !self.facts.contents.is_empty()
    }

    /// What reads the contents that these arguments name. A tool that panics reads none, and its
    /// call is refused.
    pub(super) fn readers(&self, snapshot: &Snapshot) -> Result<ContentReaders, ArgumentError> {
        let readers = catch_unwind(AssertUnwindSafe(|| self.kind.readers(snapshot)));
        readers.unwrap_or_else(|panic| {
            std::mem::forget(panic);
            Err(ArgumentError::panicked())
        })
    }

    /// Reads a snapshot back before anybody is asked. What waits for a human is run from its
    /// snapshot, so one that does not say the same when it is read again is refused here.
    pub(super) fn read_back(&self, snapshot: &Snapshot) -> Result<(), ArgumentError> {
        let reads = if snapshot.has_unproven_order() {
            (MAX_UNPROVEN_BYTES / snapshot.text().len().max(1)).clamp(2, UNPROVEN_READS)
        } else {
            1
        };
        for _ in 0..reads {
            let again = self.read(snapshot.text(), UNLIMITED)?.snapshot;
            if let Some(lost) = snapshot.lost_in(&again) {
                return Err(lost);
            }
        }
        Ok(())
    }

    /// Reads what was stored, to run it. It was read back once before anybody was asked, so only
    /// the order of sets may differ, which older versions did not sort.
    pub(super) fn read_stored(&self, snapshot: &Snapshot) -> Result<Box<dyn Body>, ArgumentError> {
        let Understood { snapshot: again, body, .. } = self.read(snapshot.text(), UNLIMITED)?;
        if again == *snapshot || snapshot.is_reordered_in(&again) {
            Ok(body)
        } else {
            Err(ArgumentError::unstable())
        }
    }

    pub(super) fn of<T: Tool>() -> Self {
        let schema = schemars::schema_for!(T);
        let schema = serde_json::to_string(&schema).ok().and_then(|text| JsonText::new(text).ok());
        let schema = schema.unwrap_or_else(JsonText::null);
        let places = schema.tree().ok().and_then(|tree| Places::from_schema(&tree)).map(Arc::new);
        let spec = const { &T::SPEC };
        let shown = Shown {
            name: spec.name,
            description: spec.description,
            describe: spec.config.describe,
            schema: schema.as_str(),
        };
        let secrets = spec.parameters.iter().filter(|p| p.sensitive).map(|p| p.name);
        let contents = spec.parameters.iter().filter(|parameter| parameter.content_of);
        let contents: Vec<String> = contents.map(|parameter| parameter.name.to_owned()).collect();
        let fingerprint = fingerprint(&shown, secrets.clone(), &contents);
        let spec = Described {
            name: Cow::Borrowed(spec.name),
            description: Cow::Borrowed(spec.description),
            states: spec.states,
            version: spec.version.map(Cow::Borrowed),
            config: spec.config,
        };
        let mut facts = spec.facts(fingerprint, &schema, ToolKind::Typed);
        facts.sensitive = secrets.map(str::to_owned).collect();
        facts.contents = contents;
        Self {
            fingerprint,
            facts,
            spec,
            schema,
            type_id: TypeId::of::<T>(),
            kind: Box::new(Of::<T> { places: places.clone(), of: PhantomData }),
            places,
        }
    }
}
