//! A policy file is read completely, or refused with the position of each error.

use hitl_core::policy::RuleSet;

pub(crate) const SEEDS: &[&str] = &[
    "version = \"1\"\n",
    "[[rule]]\nname = \"big\"\neffect = \"full\"\ntools = [\"pay\"]\n",
    "[[rule]]\nname = 1\n[[rule]]\n= x",
];

/// Reads the bytes as a policy file.
pub fn rules(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(errors) = RuleSet::parse(&text) {
        assert!(errors.iter().next().is_some(), "it says what is wrong");
        assert!(!errors.to_string().is_empty());
    }
}
