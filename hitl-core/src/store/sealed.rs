//! Sealed texts as a store lists them, to be sealed under another key.

use crate::call::Tenant;
use crate::ids::RequestId;
use crate::seal::Sealed;

/// Which of a call's sealed texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Exhaustive: a store that does not know a sealed column must not compile.
pub enum SealedPart {
    /// Its arguments.
    Payload,
    /// What its body gave.
    Result,
}

impl SealedPart {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Payload, Self::Result];
}

/// A sealed text of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealedText {
    /// Whose call it is.
    pub tenant: Tenant,
    /// The call.
    pub id: RequestId,
    /// Which of its texts.
    pub part: SealedPart,
    /// Its place in the list of its kind: the store's own number, from 1.
    pub at: u64,
    /// The text as it was when it was listed.
    pub sealed: Sealed,
}

impl SealedText {
    /// A text of a call at this place.
    pub fn new(
        (tenant, id): (Tenant, RequestId),
        part: SealedPart,
        at: u64,
        sealed: Sealed,
    ) -> Self {
        Self { tenant, id, part, at, sealed }
    }
}

/// A stretch of the sealed texts of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealedPage {
    /// Those that are not sealed under the key that was asked about.
    pub texts: Vec<SealedText>,
    /// After which place the list continues; nothing at its end.
    pub next: Option<u64>,
}

impl SealedPage {
    /// Makes a stretch of the `(place, text)` of at most `limit` texts that were looked at, in
    /// order: no text where one is sealed under the key.
    pub fn new(
        looked_at: impl IntoIterator<Item = (u64, Option<SealedText>)>,
        limit: usize,
    ) -> Self {
        let (mut page, mut seen) = (Self::default(), 0);
        for (at, text) in looked_at {
            seen += 1;
            page.next = Some(at);
            page.texts.extend(text);
        }
        if seen < limit {
            page.next = None;
        }
        page
    }
}
