//! The mutants that no test can see, and why.

use std::path::Path;

use serde::Deserialize;

use crate::mutants::sample::Mutant;

/// The kept list.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Explained {
    #[serde(default)]
    missed: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The mutant's name, without line and column.
    mutant: String,
    why: String,
}

impl Explained {
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", file.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let list: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        match list.missed.iter().find(|entry| entry.why.trim().is_empty()) {
            Some(entry) => Err(format!("{} has no reason", entry.mutant)),
            None => Ok(list),
        }
    }

    /// Returns the reason why no test can see a mutant.
    pub(crate) fn why(&self, mutant: &Mutant) -> Option<&str> {
        let description = mutant.description();
        let entry = self.missed.iter().find(|entry| entry.mutant == description)?;
        Some(&entry.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_needs_a_reason() {
        assert!(Explained::parse("").is_ok());
        assert!(Explained::parse("[[missed]]\nmutant = \"a: b\"\nwhy = \" \"").is_err());
        assert!(Explained::parse("[[missed]]\nmutant = \"a: b\"").is_err());
        assert!(Explained::parse("[[missed]]\nmutant = \"a: b\"\nwhy = \"c\"").is_ok());
    }
}
