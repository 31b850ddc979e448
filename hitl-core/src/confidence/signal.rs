//! A signal is a pure function from a call to a factor, or to none.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::view::OwnedCall;
use super::{CallView, general, original};
use crate::call::Risk;
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
/// use hitl::confidence::{CallView, Factor, Signals};
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

/// The signals of a gate, in the order of their evaluation, and the base confidence of tools that
/// set none.
#[derive(Clone)]
pub struct Signals {
    all: Vec<SignalEntry>,
    base: BaseConfidence,
    /// True if all of them are hitl's own.
    own: bool,
}

/// The base confidence of a tool that sets none.
#[derive(Clone, Copy)]
enum BaseConfidence {
    ByRisk,
    Same(u8),
}

impl Signals {
    /// Creates an empty list: the confidence is the tool's base. A tool that sets none has 80 if
    /// its risk is low, 70 if it is medium, 60 if it is high, and 50 if it is critical.
    pub fn none() -> Self {
        Self { all: Vec::new(), base: BaseConfidence::ByRisk, own: true }
    }

    /// Returns the general signals, which a gate has unless it is given others: the tool's
    /// [`Annotations`](super::Annotations), the size of amounts
    /// ([`AmountSize`](super::AmountSize)), bulk -10, more than 100 recipients -10. The base is
    /// that of [`none`](Self::none).
    ///
    /// None of them adds points for who asks or for haste: neither makes a call right.
    pub fn standard() -> Self {
        let signals = Self::none()
            .with(general::Annotations)
            .with(general::AmountSize)
            .with(original::BulkAction)
            .with(original::ManyRecipients);
        Self { own: true, ..signals }
    }

    /// Returns the signals of the system that hitl re-creates: base 70, admin +10, verified
    /// workspace +5, time-sensitive +5, amount above 1000 -15, bulk -10, more than 100 recipients
    /// -10.
    ///
    /// ```
    /// # async fn build() -> Result<(), hitl::gate::BuildError> {
    /// use hitl::{confidence::Signals, Gate};
    ///
    /// let gate = Gate::builder().signals(Signals::original()).build().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn original() -> Self {
        let signals = Self::none()
            .with(original::AdminRole)
            .with(original::VerifiedWorkspace)
            .with(original::TimeSensitive)
            .with(original::LargeAmount)
            .with(original::BulkAction)
            .with(original::ManyRecipients);
        Self { base: BaseConfidence::Same(70), own: true, ..signals }
    }

    /// Returns the base confidence of a tool of this risk that sets none.
    pub(super) const fn base(&self, risk: Risk) -> u8 {
        match self.base {
            BaseConfidence::ByRisk => general::base(risk),
            BaseConfidence::Same(points) => points,
        }
    }

    /// Adds a signal.
    #[must_use]
    pub fn with(mut self, signal: impl Signal) -> Self {
        self.all.push(SignalEntry { signal: Arc::new(signal), bound: None });
        self.own = false;
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

    /// Returns whether one of them may read [`CallView::at`]. Those of hitl do not.
    pub(crate) fn may_ask_for_the_time(&self) -> bool {
        !self.own
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
