//! The rule files that the console shows, and who may accept what waits in them.

#[cfg(feature = "policy-files")]
use hitl_core::RuleFile;

/// The rule files that the console shows.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    #[cfg(feature = "policy-files")]
    files: Vec<(RuleFile, String)>,
}

impl Policies {
    /// The number of there are.
    #[cfg(feature = "policy-files")]
    pub(crate) fn count(&self) -> usize {
        self.files.len()
    }

    /// The number of there are.
    #[cfg(not(feature = "policy-files"))]
    #[expect(clippy::unused_self, reason = "with the feature it has some")]
    pub(crate) const fn count(&self) -> usize {
        0
    }

    /// Shows one more; who has the role may accept it.
    #[cfg(feature = "policy-files")]
    pub(crate) fn add(&mut self, rules: RuleFile, role: String) {
        self.files.push((rules, role));
    }

    /// The files with the roles that accept them.
    #[cfg(feature = "policy-files")]
    pub(crate) fn files(&self) -> &[(RuleFile, String)] {
        &self.files
    }
}
