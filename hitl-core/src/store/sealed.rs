//! Listings of sealed texts, so that they can be sealed under another key.

use crate::call::Tenant;
use crate::ids::RequestId;
use crate::seal::Sealed;

/// The kind of a call's sealed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Exhaustive: a store that does not know a sealed column must not compile.
pub enum SealedPart {
    /// The arguments.
    Payload,
    /// The result of the body.
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
    /// The tenant of the call.
    pub tenant: Tenant,
    /// The call.
    pub id: RequestId,
    /// The kind of the text.
    pub part: SealedPart,
    /// Its position in the list of its kind: the store's own number, from 1.
    pub at: u64,
    /// The text at the time of listing.
    pub sealed: Sealed,
}

impl SealedText {
    /// Returns a text of a call at this position.
    pub fn new(
        (tenant, id): (Tenant, RequestId),
        part: SealedPart,
        at: u64,
        sealed: Sealed,
    ) -> Self {
        Self { tenant, id, part, at, sealed }
    }
}

/// A page of the sealed texts of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealedPage {
    /// The texts that are not sealed under the given key.
    pub texts: Vec<SealedText>,
    /// The position after which the list continues; `None` at its end.
    pub next: Option<u64>,
}

impl SealedPage {
    /// Returns the page for the `(position, text)` of at most `limit` texts that were checked, in
    /// order: `None` for a text that is sealed under the key.
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
