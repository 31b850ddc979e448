//! A signal is a pure function from a call to a factor, or to none.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::view::OwnedCall;
use super::{CallView, standard};
use crate::panic::catch;
use crate::policy::ApprovalLevel;
use crate::sync::{HostCode, HostThreads, NoAnswer};

/// A change of the confidence, or a demand for a level, and its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Factor {
    /// A short name, like `large_amount`.
    pub name: Cow<'static, str>,
    /// Points added to the confidence; negative points take away.
    pub adjustment: i32,
    /// The minimum level that the call needs, at any confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<ApprovalLevel>,
    /// The reason, in words for a person.
    pub reasoning: Cow<'static, str>,
    /// The origin of the factor.
    #[serde(default, skip_serializing_if = "FactorSource::is_signal")]
    pub source: FactorSource,
}

/// The origin of a factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FactorSource {
    /// A pure signal, evaluated at every assessment.
    #[default]
    Signal,
    /// An async scorer, asked once, when the call was submitted.
    Scorer,
}

impl FactorSource {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    const fn is_signal(&self) -> bool {
        matches!(self, Self::Signal)
    }
}

impl Factor {
    /// Creates a factor that changes the confidence by `points`.
    pub fn points(
        name: impl Into<Cow<'static, str>>,
        points: i32,
        reasoning: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (name, reasoning) = (name.into(), reasoning.into());
        Self { name, adjustment: points, level: None, reasoning, source: FactorSource::Signal }
    }

    /// Creates a factor that demands at least `level`.
    pub fn at_least(
        name: impl Into<Cow<'static, str>>,
        level: ApprovalLevel,
        reasoning: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { level: Some(level), ..Self::points(name, 0, reasoning) }
    }

    /// Returns the same factor with a scorer as its source.
    pub(crate) fn of_scorer(self) -> Self {
        Self { source: FactorSource::Scorer, ..self }
    }

    /// Returns whether it is a scorer's doubt. No rule removes those.
    pub(crate) fn is_doubt(&self) -> bool {
        self.source == FactorSource::Scorer && self.adjustment < 0
    }
}

/// A pure function of a call. It reads no clock and does no IO. A signal that panics makes the
/// confidence 0, and so does one that a gate asks and that does not answer in time: see
/// [`GateBuilder::evaluation_timeout`](crate::GateBuilder::evaluation_timeout). Closures fit:
///
/// ```
/// use hitl_core::{CallView, Factor, Signals};
///
/// let signals = Signals::standard().with(|call: &CallView<'_>| {
///     let night = call.arguments.get("at")?.as_str()?.starts_with("03:");
///     night.then(|| Factor::points("at_night", -20, "Nobody is awake to notice a mistake."))
/// });
/// ```
pub trait Signal: Send + Sync + 'static {
    /// Returns the factor of this signal for a call, if any.
    fn judge(&self, call: &CallView<'_>) -> Option<Factor>;

    /// Returns whether a gate runs this signal on the caller's thread. Then it has no deadline, and
    /// if it hangs, its caller hangs. Return `true` only for a signal that always returns at once,
    /// or that needs the caller's thread-local values.
    fn runs_inline(&self) -> bool {
        false
    }
}

impl<F> Signal for F
where
    F: Fn(&CallView<'_>) -> Option<Factor> + Send + Sync + 'static,
{
    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        self(call)
    }
}

/// An `Arc` lets signals be shared.
impl<S: Signal + ?Sized> Signal for Arc<S> {
    fn judge(&self, call: &CallView<'_>) -> Option<Factor> {
        (**self).judge(call)
    }

    fn runs_inline(&self) -> bool {
        (**self).runs_inline()
    }
}

/// A signal with its time limit. Without a bound it runs on the caller's thread.
#[derive(Clone)]
pub(super) struct SignalEntry {
    signal: Arc<dyn Signal>,
    bound: Option<HostCode>,
}

impl SignalEntry {
    /// Evaluates the signal.
    pub(super) fn ask(&self, call: &CallView<'_>) -> Result<Option<Factor>, NoAnswer> {
        let Some(bound) = &self.bound else {
            let asked = catch(|| self.signal.judge(call));
            return asked.map_err(|_panicked| NoAnswer::Panicked);
        };
        let (signal, call) = (Arc::clone(&self.signal), OwnedCall::new(call));
        let asked = bound.run(move || call.ask(|call| signal.judge(call)))?;
        asked.ok_or(NoAnswer::NotAsked)
    }
}

/// The signals of a gate, in the order of their evaluation.
#[derive(Clone)]
pub struct Signals {
    all: Vec<SignalEntry>,
    /// True if all of them are standard ones.
    standard: bool,
}

impl Signals {
    /// Creates an empty list: the confidence is the tool's base.
    pub fn none() -> Self {
        Self { all: Vec::new(), standard: true }
    }

    /// Returns the standard signals: admin +10, verified workspace +5, time-sensitive +5, amount
    /// above 1000 -15, bulk -10, more than 100 recipients -10.
    pub fn standard() -> Self {
        let signals = Self::none()
            .with(standard::AdminRole)
            .with(standard::VerifiedWorkspace)
            .with(standard::TimeSensitive)
            .with(standard::LargeAmount)
            .with(standard::BulkAction)
            .with(standard::ManyRecipients);
        Self { standard: true, ..signals }
    }

    /// Adds a signal.
    #[must_use]
    pub fn with(mut self, signal: impl Signal) -> Self {
        self.all.push(SignalEntry { signal: Arc::new(signal), bound: None });
        self.standard = false;
        self
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &SignalEntry> {
        self.all.iter()
    }

    /// Limits every signal that does not run inline to this time.
    pub(crate) fn bounded(mut self, threads: &Arc<HostThreads>, timeout: Duration) -> Self {
        for entry in self.all.iter_mut().filter(|entry| !entry.signal.runs_inline()) {
            entry.bound = Some(HostCode::new(threads, timeout));
        }
        self
    }

    /// Returns whether one of them may read [`CallView::at`]. The standard ones do not.
    pub(crate) fn may_ask_for_the_time(&self) -> bool {
        !self.standard
    }
}

impl Default for Signals {
    fn default() -> Self {
        Self::standard()
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signals({})", self.all.len())
    }
}
