//! The options that a suggested command repeats, because the reader has typed them. Pure.

use std::path::PathBuf;

use super::BackendArgs;
use crate::view::{CommandHint, Place};

impl BackendArgs {
    /// Returns a suggestion of commands on the same store or console. What the environment names is
    /// left out, and so is a password.
    pub(crate) fn hint(&self, environment: impl Fn(&str) -> Option<String>) -> CommandHint {
        let text = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let named = [
            ("--db", "HITL_DB", self.db.as_deref().map(without_password)),
            ("--schema", "HITL_SCHEMA", self.schema.clone()),
            ("--url", "HITL_URL", self.url.clone()),
            ("--token-file", "HITL_TOKEN_FILE", text(&self.token_file)),
            ("--key-file", "HITL_KEY_FILE", text(&self.key_file)),
        ];
        // Where the environment names both places, only a flag chooses one.
        let is_ambiguous = environment("HITL_DB").is_some() && environment("HITL_URL").is_some();
        let mut options = Vec::new();
        for (option, variable, value) in named {
            let Some(value) = value else { continue };
            let is_place = matches!(option, "--db" | "--url");
            let is_known = environment(variable).filter(|_| !(is_place && is_ambiguous));
            if is_known.is_none_or(|known| without_password(&known) != value) {
                options.extend([option.to_owned(), value]);
            }
        }
        for tenant in &self.tenant {
            options.extend(["--tenant".to_owned(), tenant.clone()]);
        }
        let place = if self.url.is_some() { Place::Console } else { Place::Store };
        CommandHint::new(place, options)
    }
}

/// Returns the address of a store without the user and password in it.
pub(crate) fn without_password(db: &str) -> String {
    let Some((scheme, rest)) = db.split_once("://") else { return db.to_owned() };
    match rest.split_once('@') {
        Some((_, host)) => format!("{scheme}://USER@{host}"),
        None => db.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::args::Cli;

    #[test]
    fn a_suggested_command_names_what_the_reader_named_and_no_password() {
        let hint = |words: &[&str], environment: &[(&str, &str)]| {
            let words = ["hitl"].iter().chain(words).chain(&["queue"]);
            let cli = Cli::try_parse_from(words).unwrap();
            let find = |name: &str| environment.iter().find(|(known, _)| *known == name);
            let known = |name: &str| find(name).map(|(_, value)| (*value).to_owned());
            cli.backend.hint(known).inline(&["show", "ID"])
        };
        assert_eq!(hint(&["--db", "a.db"], &[]), "hitl show ID --db a.db");
        assert_eq!(hint(&["--db", "a.db"], &[("HITL_DB", "a.db")]), "hitl show ID");
        assert_eq!(hint(&["--db", "a.db"], &[("HITL_DB", "b.db")]), "hitl show ID --db a.db");
        let url = ["--url", "http://127.0.0.1:7171", "--token-file", "my token.txt"];
        let expected = "hitl show ID --url http://127.0.0.1:7171 --token-file 'my token.txt'";
        assert_eq!(hint(&url, &[]), expected);
        let postgres = ["--db", "postgres://ann:geheim@db.example.com/hitl", "--key-file", "k"];
        let shown = hint(&postgres, &[]);
        assert!(!shown.contains("geheim") && shown.contains("USER@db.example.com/hitl"), "{shown}");
        let both = [("HITL_DB", "a.db"), ("HITL_URL", "http://127.0.0.1:7171")];
        assert_eq!(hint(&["--db", "a.db"], &both), "hitl show ID --db a.db");
        let tenants = hint(&["--db", "a.db", "--tenant", "acme"], &[]);
        assert_eq!(tenants, "hitl show ID --db a.db --tenant acme");
    }
}
