//! A reference to one revision of a request, as a short text.

use std::fmt;
use std::str::FromStr;

use super::ApprovalRequest;
use crate::call::BindingDigest;
use crate::ids::RequestId;

/// The first word of a reference: its version.
const VERSION: &str = "r1";

/// A reference to a request exactly as it was shown: its id, its revision and the beginning of its
/// binding digest, in one opaque text. For places that hold a text and give it back later: the
/// button of a chat message, a link, the state of a question that a client answers in another
/// request.
///
/// It is at most 63 bytes of `a-z`, `0-9` and `-`, so it fits where 64 bytes are allowed. It is no
/// proof: anybody can write one, so check who answers. A decision names the whole digest,
/// which [`Gate::request_by_ref`](crate::Gate::request_by_ref) reads from the store.
///
/// ```
/// # use hitl::{ApprovalRequest, approval::RequestRef};
/// # fn button(request: &ApprovalRequest) {
/// let text = request.reference().to_string();
/// assert_eq!(text.parse::<RequestRef>().unwrap(), request.reference());
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestRef {
    id: RequestId,
    revision: u32,
    binding: u64,
}

impl RequestRef {
    /// Returns the id of the call's record.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Returns the revision that was shown.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Returns whether it is a reference to this request, in this revision and with this binding.
    pub fn is_of(&self, request: &ApprovalRequest) -> bool {
        *self == request.reference()
    }
}

impl ApprovalRequest {
    /// Returns the reference to this revision of this request.
    pub fn reference(&self) -> RequestRef {
        let Self { id, revision, binding, .. } = self;
        RequestRef { id: *id, revision: *revision, binding: prefix(*binding) }
    }
}

/// Returns the first eight bytes of a digest.
fn prefix(binding: BindingDigest) -> u64 {
    let mut text = binding.to_string();
    text.truncate(16);
    u64::from_str_radix(&text, 16).unwrap_or(0)
}

impl fmt::Display for RequestRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.to_string().replace('-', "");
        write!(f, "{VERSION}-{id}-{}-{:016x}", self.revision, self.binding)
    }
}

impl fmt::Debug for RequestRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestRef({self})")
    }
}

/// The error for a text that is no reference to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseRequestRefError {
    /// The text is no reference at all, or was changed or cut off.
    #[error(
        "not a reference to a request, which looks like r1-<32 hex digits>-<revision>-<16 hex digits>"
    )]
    Malformed,
    /// A newer version of hitl wrote it.
    #[error("a reference to a request of a newer version of hitl: update this program")]
    NewerVersion,
}

impl FromStr for RequestRef {
    type Err = ParseRequestRefError;

    /// Reads exactly what `Display` writes: of two texts at most one is a reference to a revision.
    fn from_str(text: &str) -> Result<Self, ParseRequestRefError> {
        let malformed = ParseRequestRefError::Malformed;
        let (version, rest) = text.split_once('-').ok_or(malformed)?;
        if version != VERSION {
            let number = version.strip_prefix('r').filter(|number| is_number(number));
            return Err(number.map_or(malformed, |_| ParseRequestRefError::NewerVersion));
        }
        let mut parts = rest.split('-');
        let (Some(id), Some(revision), Some(binding), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed);
        };
        if !is_hex(id, 32) || !is_number(revision) || !is_hex(binding, 16) {
            return Err(malformed);
        }
        Ok(Self {
            id: id.parse().map_err(|_| malformed)?,
            revision: revision.parse().map_err(|_| malformed)?,
            binding: u64::from_str_radix(binding, 16).map_err(|_| malformed)?,
        })
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Returns whether a text is a number from 1, without leading zeros.
fn is_number(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::approval::fixture;

    fn any_ref() -> impl Strategy<Value = RequestRef> {
        let parts = (any::<u128>(), 1..=u32::MAX, any::<u64>());
        parts.prop_map(|(id, revision, binding)| {
            let id = format!("{id:032x}").parse().unwrap();
            RequestRef { id, revision, binding }
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_fits_into_a_button(reference in any_ref()) {
            let text = reference.to_string();
            prop_assert!(text.len() <= 64, "{text}");
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
            prop_assert_eq!(text.parse(), Ok(reference));
        }

        #[test]
        fn no_two_texts_are_one_reference(reference in any_ref(), at: prop::sample::Index, with: char) {
            let mut changed: Vec<char> = reference.to_string().chars().collect();
            let at = at.index(changed.len());
            changed[at] = with;
            let changed: String = changed.into_iter().collect();
            if let Ok(read) = changed.parse::<RequestRef>() {
                prop_assert_eq!(read.to_string(), changed);
            }
        }

        #[test]
        fn no_text_panics(text: String) {
            if let Ok(read) = text.parse::<RequestRef>() {
                prop_assert_eq!(read.to_string(), text);
            }
        }

        #[test]
        fn a_text_that_was_cut_off_is_refused(reference in any_ref(), at: prop::sample::Index) {
            let text = reference.to_string();
            let cut = &text[..at.index(text.len())];
            prop_assert_eq!(cut.parse::<RequestRef>(), Err(ParseRequestRefError::Malformed));
        }
    }

    #[test]
    fn it_is_of_one_revision_and_binding() {
        let request = fixture::request("{}");
        let reference = request.reference();
        assert!(reference.is_of(&request));
        assert_eq!((reference.id(), reference.revision()), (request.id, request.revision));
        let mut other = request.clone();
        other.revision += 1;
        assert!(!reference.is_of(&other));
        other = request.clone();
        other.binding = BindingDigest::ERASED;
        assert!(!reference.is_of(&other));
        other = request;
        other.id = RequestId::new();
        assert!(!reference.is_of(&other));
    }

    #[test]
    fn a_text_of_a_newer_version_says_so() {
        let text = fixture::request("{}").reference().to_string();
        let newer = format!("r2{}", &text[2..]);
        assert_eq!(newer.parse::<RequestRef>(), Err(ParseRequestRefError::NewerVersion));
        for other in ["", "r1", "r1-", "r0-1", "x1-2", "r-1", &text.to_uppercase(), &text[1..]] {
            let error = other.parse::<RequestRef>().unwrap_err();
            assert_eq!(error, ParseRequestRefError::Malformed, "{other}");
        }
    }
}
