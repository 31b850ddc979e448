//! A call as signals and policy see it.

use hitl_base::{Json, Timestamp};

use crate::call::{CallContext, HitlConfig};

/// A call as signals and policy see it: plain borrowed data, secrets included, so that they can be
/// weighed. What a signal says about them is redacted.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallView<'c> {
    /// The tool's name.
    pub tool: &'c str,
    /// The tool's configuration.
    pub config: &'c HitlConfig,
    /// The arguments.
    pub arguments: &'c Json,
    /// Who asks and where.
    pub context: &'c CallContext,
    /// When it is asked, by the gate's clock; nothing when that is not known. Decisions read no
    /// clock of their own.
    pub at: Option<Timestamp>,
}

impl<'c> CallView<'c> {
    /// A call of `tool`.
    pub fn new(
        tool: &'c str,
        config: &'c HitlConfig,
        arguments: &'c Json,
        context: &'c CallContext,
    ) -> Self {
        Self { tool, config, arguments, context, at: None }
    }

    /// The same call at this time.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }
}
