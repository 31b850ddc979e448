//! The rule files that the console shows, and the roles that may accept a waiting version.

#[cfg(feature = "policy-files")]
use hitl_core::RuleFile;

/// The rule files that the console shows.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    #[cfg(feature = "policy-files")]
    files: Vec<(RuleFile, String)>,
}

impl Policies {
    /// Returns the number of rule files.
    #[cfg(feature = "policy-files")]
    pub(crate) fn count(&self) -> usize {
        self.files.len()
    }

    /// Returns the number of rule files, which is zero without the feature.
    #[cfg(not(feature = "policy-files"))]
    #[expect(clippy::unused_self, reason = "with the feature it has some")]
    pub(crate) const fn count(&self) -> usize {
        0
    }

    /// Returns whether a version of each rule file is in force.
    #[cfg(feature = "policy-files")]
    pub(crate) fn are_in_force(&self) -> bool {
        self.files.iter().all(|(rules, _)| rules.rules().is_some())
    }

    /// Returns true, because there are no rule files without the feature.
    #[cfg(not(feature = "policy-files"))]
    #[expect(clippy::unused_self, reason = "with the feature it has some")]
    pub(crate) const fn are_in_force(&self) -> bool {
        true
    }

    /// Adds a rule file; reviewers with the role may accept it.
    #[cfg(feature = "policy-files")]
    pub(crate) fn add(&mut self, rules: RuleFile, role: String) {
        self.files.push((rules, role));
    }

    /// Returns the files with the roles that accept them.
    #[cfg(feature = "policy-files")]
    pub(crate) fn files(&self) -> &[(RuleFile, String)] {
        &self.files
    }
}
