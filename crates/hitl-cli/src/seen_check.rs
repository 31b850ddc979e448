//! Checks that an approver has seen what they approve. Nothing is approved by an id alone: an id
//! stays the same while its call changes.

use crate::exit::{Exit, Failure};

/// The minimum number of digits of a binding digest that identify a revision.
const DIGITS: usize = 8;

/// The presence of a person who can answer a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interactivity {
    /// A person is at the terminal.
    Person,
    /// Nobody is at the terminal.
    Nobody,
}

/// The steps that are required before a decision is given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SeenCheck {
    /// None: the command line names what was seen.
    Seen,
    /// The call must be shown, and the person asked.
    Ask,
}

/// Compares the command line's value (the beginning of the binding digest) with the current digest.
pub(crate) fn check_binding(
    named: Option<&str>,
    current: &str,
    audience: Interactivity,
) -> Result<SeenCheck, Failure> {
    match (named, audience) {
        (Some(named), _) => {
            let is_hex = named.bytes().all(|byte| byte.is_ascii_hexdigit());
            if named.len() < DIGITS || !is_hex {
                let why = format!(
                    "--binding takes at least {DIGITS} hexadecimal digits, as `hitl show` prints them"
                );
                return Err(Failure::usage(why));
            }
            if current.starts_with(&named.to_ascii_lowercase()) {
                return Ok(SeenCheck::Seen);
            }
            let why = "--binding does not match: the call has changed since it was shown, or the digits \
                       are those of another call; check it again";
            Err(Failure::new(Exit::Conflict, why))
        }
        (None, Interactivity::Person) => Ok(SeenCheck::Ask),
        (None, Interactivity::Nobody) => Err(Failure::usage(
            "nobody can be asked here, so name what you have seen: --binding DIGITS, as `hitl \
             show` prints them",
        )),
    }
}

/// Does the same for a record whose outcome is unknown, which is identified by its version.
pub(crate) fn check_version(
    named: Option<u64>,
    current: u64,
    audience: Interactivity,
) -> Result<SeenCheck, Failure> {
    match (named, audience) {
        (Some(named), _) if named == current => Ok(SeenCheck::Seen),
        (Some(_), _) => {
            let why = format!("the record has changed: it is at version {current}; check it again");
            Err(Failure::new(Exit::Conflict, why))
        }
        (None, Interactivity::Person) => Ok(SeenCheck::Ask),
        (None, Interactivity::Nobody) => Err(Failure::usage(
            "nobody can be asked here, so name what you have seen: --version N, as `hitl show` \
             prints it",
        )),
    }
}

/// Checks that the exact name of what is deleted was typed.
pub(crate) fn check_confirmation(wanted: Option<&str>, typed: Option<&str>) -> Result<(), Failure> {
    match wanted {
        Some(name) if typed != Some(name) => Err(Failure::new(
            Exit::Refused,
            "this is a deletion: give its exact name, as `hitl show` prints it, with --confirm",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: &str = "0123456789abcdef";

    fn code(named: Option<&str>, audience: Interactivity) -> Result<SeenCheck, Exit> {
        check_binding(named, CURRENT, audience).map_err(|failure| failure.exit)
    }

    #[test]
    fn invariant_2_only_what_was_seen_can_be_approved() {
        for audience in [Interactivity::Person, Interactivity::Nobody] {
            assert_eq!(code(Some("01234567"), audience), Ok(SeenCheck::Seen));
            assert_eq!(code(Some("0123456789ABcdef"), audience), Ok(SeenCheck::Seen));
            assert_eq!(code(Some("11234567"), audience), Err(Exit::Conflict));
            assert_eq!(code(Some("0123456789abcdef0"), audience), Err(Exit::Conflict));
            for short in ["", "0123456", "0123456x", "........"] {
                assert_eq!(code(Some(short), audience), Err(Exit::Usage), "{short}");
            }
        }
        assert_eq!(code(None, Interactivity::Person), Ok(SeenCheck::Ask));
        assert_eq!(code(None, Interactivity::Nobody), Err(Exit::Usage));
    }

    #[test]
    fn a_record_is_resolved_at_the_version_that_was_seen() {
        let exit = |named, audience| check_version(named, 7, audience).map_err(|f| f.exit);
        assert_eq!(exit(Some(7), Interactivity::Nobody), Ok(SeenCheck::Seen));
        assert_eq!(exit(Some(6), Interactivity::Person), Err(Exit::Conflict));
        assert_eq!(exit(None, Interactivity::Person), Ok(SeenCheck::Ask));
        assert_eq!(exit(None, Interactivity::Nobody), Err(Exit::Usage));
    }

    #[test]
    fn a_deletion_needs_its_exact_name() {
        assert!(check_confirmation(None, None).is_ok());
        assert!(check_confirmation(Some("apollo"), Some("apollo")).is_ok());
        for typed in [None, Some(""), Some("Apollo"), Some("apollo ")] {
            assert!(check_confirmation(Some("apollo"), typed).is_err(), "{typed:?}");
        }
    }
}
