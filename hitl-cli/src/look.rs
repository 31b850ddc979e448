//! Whether an approver has seen what they approve. Nothing is approved by an id alone: ids stay the
//! same while what they stand for changes.

use crate::exit::{Exit, Failure};

/// The fewest digits of a binding digest that name a revision.
const DIGITS: usize = 8;

/// Who can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Somebody sits at the terminal.
    Person,
    /// Nobody does.
    Nobody,
}

/// What is left to do before a decision is given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nothing: the command line names what was seen.
    Seen,
    /// Show it, and ask.
    Ask,
}

/// Compares what the command line names (the beginning of the binding digest) with what stands.
pub(crate) fn at_binding(
    named: Option<&str>,
    stands: &str,
    audience: Audience,
) -> Result<Look, Failure> {
    match (named, audience) {
        (Some(named), _) => {
            let is_hex = named.bytes().all(|byte| byte.is_ascii_hexdigit());
            if named.len() < DIGITS || !is_hex {
                let why = format!(
                    "--binding takes at least {DIGITS} hexadecimal digits, as `hitl show` prints them"
                );
                return Err(Failure::usage(why));
            }
            if stands.starts_with(&named.to_ascii_lowercase()) {
                return Ok(Look::Seen);
            }
            let why = "the call is not the one that --binding names: it has changed since it was \
                       shown, or the digits are of another call; look at it again";
            Err(Failure::new(Exit::Changed, why))
        }
        (None, Audience::Person) => Ok(Look::Ask),
        (None, Audience::Nobody) => Err(Failure::usage(
            "nobody can be asked here, so say what you have looked at: --binding DIGITS, as `hitl \
             show` prints them",
        )),
    }
}

/// The same for a record whose outcome is not known, which is named by its version.
pub(crate) fn at_version(
    named: Option<u64>,
    stands: u64,
    audience: Audience,
) -> Result<Look, Failure> {
    match (named, audience) {
        (Some(named), _) if named == stands => Ok(Look::Seen),
        (Some(_), _) => {
            let why =
                format!("the record has changed: it is at version {stands}; look at it again");
            Err(Failure::new(Exit::Changed, why))
        }
        (None, Audience::Person) => Ok(Look::Ask),
        (None, Audience::Nobody) => Err(Failure::usage(
            "nobody can be asked here, so say what you have looked at: --version N, as `hitl show` \
             prints it",
        )),
    }
}

/// A deletion is approved only by whoever names what is deleted.
pub(crate) fn confirmed(wanted: Option<&str>, typed: Option<&str>) -> Result<(), Failure> {
    match wanted {
        Some(name) if typed != Some(name) => Err(Failure::new(
            Exit::Refused,
            "this deletes something: give its exact name, as `hitl show` prints it, with --confirm",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDS: &str = "0123456789abcdef";

    fn code(named: Option<&str>, audience: Audience) -> Result<Look, Exit> {
        at_binding(named, STANDS, audience).map_err(|failure| failure.exit)
    }

    #[test]
    fn invariant_2_only_what_was_seen_can_be_approved() {
        for audience in [Audience::Person, Audience::Nobody] {
            assert_eq!(code(Some("01234567"), audience), Ok(Look::Seen));
            assert_eq!(code(Some("0123456789ABcdef"), audience), Ok(Look::Seen));
            assert_eq!(code(Some("11234567"), audience), Err(Exit::Changed));
            assert_eq!(code(Some("0123456789abcdef0"), audience), Err(Exit::Changed));
            for short in ["", "0123456", "0123456x", "........"] {
                assert_eq!(code(Some(short), audience), Err(Exit::Usage), "{short}");
            }
        }
        assert_eq!(code(None, Audience::Person), Ok(Look::Ask));
        assert_eq!(code(None, Audience::Nobody), Err(Exit::Usage));
    }

    #[test]
    fn a_record_is_settled_at_the_version_that_was_seen() {
        let exit = |named, audience| at_version(named, 7, audience).map_err(|f| f.exit);
        assert_eq!(exit(Some(7), Audience::Nobody), Ok(Look::Seen));
        assert_eq!(exit(Some(6), Audience::Person), Err(Exit::Changed));
        assert_eq!(exit(None, Audience::Person), Ok(Look::Ask));
        assert_eq!(exit(None, Audience::Nobody), Err(Exit::Usage));
    }

    #[test]
    fn a_deletion_needs_its_exact_name() {
        assert!(confirmed(None, None).is_ok());
        assert!(confirmed(Some("apollo"), Some("apollo")).is_ok());
        for typed in [None, Some(""), Some("Apollo"), Some("apollo ")] {
            assert!(confirmed(Some("apollo"), typed).is_err(), "{typed:?}");
        }
    }
}
