//! The state of a rule file, for the people who answer for it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use hitl_base::Timestamp;

use super::{Relaxation, RuleErrors};
use crate::audit::AuditError;
use crate::policy::PolicyVersion;

/// The result of reading a rule file again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg(feature = "policy-files")]
pub enum Reload {
    /// The content is the same as before.
    Unchanged,
    /// The file is in force from now on.
    Loaded(PolicyVersion),
    /// The file may be laxer than the accepted text: the stricter of both decides until it is
    /// accepted.
    Waiting(PendingRules),
}

/// A rule file that waits to be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg(feature = "policy-files")]
pub struct PendingRules {
    /// The version that waits.
    pub version: PolicyVersion,
    /// The ways in which it may be laxer than the accepted text.
    pub relaxations: Vec<Relaxation>,
    /// The removed (`- `) and added (`+ `) lines, with their numbers; at most 400, and a last line
    /// that counts the others. Empty if the accepted text is unknown: then read the whole file.
    pub changes: Vec<String>,
    /// The number of removed or added lines that are not listed in `changes`, or not in full. If it
    /// is not zero, a person has to compare the whole file with the accepted text.
    pub unlisted: usize,
    /// The reason why no signature accepts it, where the host takes signatures.
    pub signature: Option<String>,
    /// The reason why the accepted text is unknown, if it is: then every call is denied meanwhile.
    pub untrusted: Option<String>,
}

/// The state of a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg(feature = "policy-files")]
pub struct RuleFileStatus {
    /// The accepted version in force. `None`: every call is denied, because the file never loaded
    /// or because the accepted text is unknown.
    pub in_force: Option<PolicyVersion>,
    /// The time since when it is in force.
    pub loaded_at: Option<Timestamp>,
    /// The mistakes in the file when it was last read, if there were any. Then the rules in force
    /// are older than the file.
    pub problem: Option<RuleErrors>,
    /// The version in the file that waits to be accepted. Where it is stricter it counts already.
    pub waiting: Option<PendingRules>,
}

/// An error for a rule file that was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[cfg(feature = "policy-files")]
pub enum AcceptError {
    /// The file does not load.
    #[error("the rule file does not load: {0}")]
    Unsound(#[from] RuleErrors),
    /// The file changed after the person looked at it.
    #[error("the rule file has changed since it was looked at; look at it again")]
    Changed,
    /// The acceptance could not be written.
    #[error("what is accepted cannot be written to {}: {source}", path.display())]
    Unwritable {
        /// The acceptance file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A program may not accept a policy.
    #[error("only a person accepts a policy")]
    NotHuman,
    /// The acceptance cannot be audited, so the file was not accepted.
    #[error("the acceptance cannot be audited, so nothing was accepted: {0}")]
    Audit(#[source] AuditError),
}

impl fmt::Display for PendingRules {
    /// Writes lines for the person who is to accept it. They contain the file's own words: a
    /// terminal must show them with [`visible`](hitl_base::display::visible), line by line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} waits to be accepted", self.version)?;
        if let Some(why) = &self.untrusted {
            writeln!(f, "It is not known what was accepted before: {why}")?;
            writeln!(f, "Every call is denied until it is. Read the whole file.")?;
        }
        if let Some(why) = &self.signature {
            writeln!(f, "No signature accepts it: {why}")?;
        }
        for relaxation in &self.relaxations {
            writeln!(f, "- {relaxation}")?;
        }
        if self.unlisted > 0 {
            let lines = self.unlisted;
            writeln!(
                f,
                "{lines} lines that go or come are not listed, or not in full. Read the whole file, and"
            )?;
            writeln!(f, "compare it with `text` in the acceptance file, before you accept it.")?;
        }
        if !self.changes.is_empty() {
            writeln!(f, "lines that go (-) and come (+):")?;
        }
        for line in &self.changes {
            writeln!(f, "  {line}")?;
        }
        writeln!(f, "digest {}", self.version.digest)
    }
}
