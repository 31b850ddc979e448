//! Options for opening a rule file.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::{AcceptanceFile, PolicySignatures, RuleErrors, RuleFile};
use crate::audit::AuditSink;

/// Options for opening a [`RuleFile`] in another way than [`RuleFile::open`]. Made by
/// [`RuleFile::options`].
#[must_use = "open it"]
#[cfg(feature = "policy-files")]
pub struct RuleFileOptions {
    pub(super) path: PathBuf,
    pub(super) acceptance: AcceptanceFile,
    pub(super) signatures: Option<Arc<dyn PolicySignatures>>,
    pub(super) audit: Option<Arc<dyn AuditSink>>,
    pub(super) only_people: bool,
}

impl RuleFileOptions {
    pub(super) fn new(path: PathBuf) -> Self {
        let acceptance = AcceptanceFile::beside_policy(&path);
        Self { path, acceptance, signatures: None, audit: None, only_people: false }
    }

    /// Sets where acceptances are kept: beside a store, under a key.
    pub fn acceptance(mut self, acceptance: AcceptanceFile) -> Self {
        self.acceptance = acceptance;
        self
    }

    /// Takes a signature instead of a person: a text that may relax comes into force if it is
    /// signed under a higher number than any accepted before. The first load must be signed then.
    pub fn signatures(mut self, signatures: impl PolicySignatures) -> Self {
        self.signatures = Some(Arc::new(signatures));
        self
    }

    /// Writes each acceptance to this audit before it takes effect, as
    /// [`AuditEvent::PolicyAccepted`](crate::audit::AuditEvent::PolicyAccepted): by a person, by a
    /// signature, or because it needs nobody. If that fails, a text that relaxes waits.
    ///
    /// Use the gate's audit. [`Gate::accept_policy`](crate::Gate::accept_policy) uses the gate's
    /// own and does not need this.
    pub fn audit(mut self, audit: impl AuditSink) -> Self {
        self.audit = Some(Arc::new(audit));
        self
    }

    /// Accepts nothing by itself, and writes only what a person accepts: a first load and stricter
    /// texts wait, too. For a program that shows what waits and does not know how the host opens
    /// the file, like `hitl policy accept`.
    pub fn only_people_accept(mut self) -> Self {
        self.only_people = true;
        self
    }

    /// Opens the file like [`RuleFile::open`].
    #[must_use]
    pub fn open(self) -> RuleFile {
        RuleFile::opened(self)
    }

    /// Opens the file if it loads and is accepted, like [`RuleFile::open_strict`].
    ///
    /// # Errors
    ///
    /// The mistakes in the file, or the reason why it is not accepted.
    pub fn open_strict(self) -> Result<RuleFile, RuleErrors> {
        self.open().strict()
    }
}

impl fmt::Debug for RuleFileOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleFileOptions")
            .field("path", &self.path)
            .field("acceptance", &self.acceptance)
            .field("signatures", &self.signatures)
            .field("only_people", &self.only_people)
            .finish_non_exhaustive()
    }
}
