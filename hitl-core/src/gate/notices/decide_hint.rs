//! The commands and the link that decide a waiting call, or settle a parked one. Pure.

use std::fmt;

use hitl_base::display::{shell_word, visible};

use crate::ids::{GrantId, RequestId};
use crate::store::StoreAddress;

/// The argument of `hitl` that names the file with the host's key.
const KEY_FILE: &str = "--key-file";

/// The ways in which people decide the calls of a gate.
#[derive(Clone, Debug)]
pub(in crate::gate) struct DecideHint {
    address: StoreAddress,
    /// The console's address, without a slash at the end.
    console: Option<String>,
}

impl DecideHint {
    /// Describes the ways for a store, and for a console if the host has named one.
    pub(in crate::gate) fn new(address: StoreAddress, console: Option<&str>) -> Self {
        let console = console.map(|url| url.trim_end_matches('/').to_owned());
        Self { address, console }
    }

    /// Adds that the host keeps the key itself, so that `hitl` needs the key's file.
    pub(in crate::gate) fn with_own_key(mut self) -> Self {
        if let StoreAddress::Database(arguments) = &mut self.address
            && !arguments.iter().any(|argument| argument == KEY_FILE)
        {
            arguments.extend([KEY_FILE.to_owned(), "FILE".to_owned()]);
        }
        self
    }

    /// Returns whether nobody outside of this process can decide, as far as the host has said.
    pub(in crate::gate) fn is_process_only(&self) -> bool {
        self.address == StoreAddress::Process && self.console.is_none()
    }

    /// Returns the command that decides a waiting call, for a shell.
    pub(in crate::gate) fn approve_command(&self, id: RequestId) -> Option<String> {
        self.command("approve", id)
    }

    /// Returns the command that settles a parked call, for a shell.
    pub(in crate::gate) fn resolve_command(&self, id: RequestId) -> Option<String> {
        self.command("resolve", id)
    }

    /// Returns the command that revokes a grant, for a shell.
    pub(in crate::gate) fn revoke_command(&self, id: GrantId) -> Option<String> {
        Some(format!("{} --reason REASON", self.command("revoke", id)?))
    }

    fn command(&self, verb: &str, id: impl fmt::Display) -> Option<String> {
        let StoreAddress::Database(arguments) = &self.address else { return None };
        let mut command = format!("hitl {verb} {id}");
        for argument in arguments {
            command.push(' ');
            // A path may hold any character, and the line must stay one.
            command.push_str(&visible(&shell_word(argument)));
        }
        Some(command)
    }

    /// Returns the console's page of a call.
    pub(in crate::gate) fn link(&self, id: RequestId) -> Option<String> {
        self.console.as_ref().map(|console| format!("{console}/#queue/{id}"))
    }
}

/// Returns the reason why an address cannot be a console's, if there is one. A link is printed and
/// logged, so it must hold no credential.
pub(in crate::gate) fn console_url_fault(url: &str) -> Option<&'static str> {
    let after_scheme = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match after_scheme {
        None => Some("it must begin with `https://` or `http://`"),
        Some("") => Some("it names no host"),
        Some(rest) if rest.contains(['@', '?', '#']) => {
            Some("it must be the address of the page alone, without user, query or fragment")
        }
        Some(_) if visible(url) != url || url.contains(char::is_whitespace) => {
            Some("it has spaces or invisible characters")
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(arguments: &[&str]) -> StoreAddress {
        StoreAddress::Database(arguments.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn a_command_is_safe_to_paste_and_stays_one_line() {
        let id = RequestId::new();
        for (path, expected) in [
            ("refunds.db", "refunds.db"),
            ("/srv/my refunds.db", "'/srv/my refunds.db'"),
            ("/srv/$(rm -rf x)'.db", r"'/srv/$(rm -rf x)'\''.db'"),
            ("a\nb", r"'a\nb'"),
        ] {
            let hint = DecideHint::new(database(&["--db", path]), None);
            let expected = format!("hitl approve {id} --db {expected}");
            assert_eq!(hint.approve_command(id), Some(expected), "{path:?}");
            assert!(!hint.is_process_only());
        }
    }

    #[test]
    fn a_parked_call_is_settled_by_another_command_on_the_same_store() {
        let id = RequestId::new();
        let hint = DecideHint::new(database(&["--db", "my refunds.db"]), None).with_own_key();
        let expected = format!("hitl resolve {id} --db 'my refunds.db' --key-file FILE");
        assert_eq!(hint.resolve_command(id), Some(expected));
        assert_eq!(DecideHint::new(StoreAddress::Process, None).resolve_command(id), None);
    }

    #[test]
    fn a_key_that_the_host_keeps_is_named_once() {
        let id = RequestId::new();
        let hint = DecideHint::new(database(&["--db", "a.db"]), None).with_own_key();
        let expected = format!("hitl approve {id} --db a.db --key-file FILE");
        assert_eq!(hint.approve_command(id).as_ref(), Some(&expected));
        assert_eq!(hint.with_own_key().approve_command(id), Some(expected));
    }

    #[test]
    fn a_store_in_memory_has_no_command_and_a_console_has_a_link() {
        let id = RequestId::new();
        let memory = DecideHint::new(StoreAddress::Process, None).with_own_key();
        assert!(memory.is_process_only());
        assert_eq!((memory.approve_command(id), memory.link(id)), (None, None));
        let console = DecideHint::new(StoreAddress::Process, Some("http://127.0.0.1:7171/review/"));
        assert!(!console.is_process_only());
        assert_eq!(console.link(id), Some(format!("http://127.0.0.1:7171/review/#queue/{id}")));
        assert!(!DecideHint::new(StoreAddress::Unknown, None).is_process_only());
    }

    #[test]
    fn invariant_8_the_address_of_a_console_holds_no_credential() {
        for url in ["https://review.example.com", "http://127.0.0.1:7171/review/"] {
            assert_eq!(console_url_fault(url), None, "{url}");
        }
        for url in [
            "review.example.com",
            "javascript:alert(1)",
            "https://",
            "https://ann:secret@review.example.com",
            "https://review.example.com/?token=secret",
            "https://review.example.com/#token",
            "https://review.example.com/ evil",
            "https://review.example.com/\u{202e}x",
        ] {
            assert!(console_url_fault(url).is_some(), "{url}");
        }
    }
}
