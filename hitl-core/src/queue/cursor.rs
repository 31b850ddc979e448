//! Cursors: positions at which a listing continues.

use std::fmt;
use std::str::FromStr;

use super::{QueueFilter, QueueOrder, ReviewScope};
use crate::hex::hex;
use crate::seal::{HostKey, HostKeys};

/// The domain from which a cursor's check is derived.
const DOMAIN: &str = "hitl.cursor.v1";
/// The sizes in bytes of the position and of the check.
const PLACE: usize = 32;
const CHECK: usize = 16;

/// The position at which a listing continues: after the last call of a page. Opaque text; it
/// contains no secret.
///
/// It stays valid while the host provides the key under which it was made: calls that come and go
/// in between move nothing. It is bound to the viewer, the filter and the order of its listing, and
/// is refused for any other.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor([u8; PLACE + CHECK]);

/// An error for text that is not a cursor of this listing: it was changed, made under another key,
/// or for another viewer, filter or order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor of this listing; begin at its first page")]
pub struct InvalidCursor(());

impl Cursor {
    pub(crate) fn seal(
        place: [i64; 4],
        key: &HostKey,
        viewer: &ReviewScope,
        filter: &QueueFilter,
        order: QueueOrder,
    ) -> Self {
        let mut bytes = [0; PLACE + CHECK];
        for (at, part) in place.iter().enumerate() {
            bytes[at * 8..(at + 1) * 8].copy_from_slice(&part.to_be_bytes());
        }
        let check = check(&bytes[..PLACE], key, &listing(viewer, filter, order));
        bytes[PLACE..].copy_from_slice(&check);
        Self(bytes)
    }

    pub(crate) fn open(
        &self,
        keys: &HostKeys,
        viewer: &ReviewScope,
        filter: &QueueFilter,
        order: QueueOrder,
    ) -> Result<[i64; 4], InvalidCursor> {
        let (place, given) = self.0.split_at(PLACE);
        // This guards against mistakes and foreign listings, not a secret: the viewer's rights are
        // checked each time.
        let listing = listing(viewer, filter, order);
        if !keys.all().any(|key| given == check(place, key, &listing)) {
            return Err(InvalidCursor(()));
        }
        let mut parts = [0; 4];
        for (part, bytes) in parts.iter_mut().zip(place.as_chunks::<8>().0) {
            *part = i64::from_be_bytes(*bytes);
        }
        Ok(parts)
    }
}

/// Returns the JSON of the listing. Plain data always serialises, and differently if it differs.
fn listing(viewer: &ReviewScope, filter: &QueueFilter, order: QueueOrder) -> Vec<u8> {
    serde_json::to_vec(&(viewer, filter, order)).unwrap_or_default()
}

fn check(place: &[u8], key: &HostKey, listing: &[u8]) -> [u8; CHECK] {
    let mac = key.mac(DOMAIN, &[place, listing].concat());
    let mut check = [0; CHECK];
    check.copy_from_slice(&mac[..CHECK]);
    check
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({self})")
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; PLACE + CHECK];
        let digits = text.as_bytes();
        let plain = |digit: &u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(digit);
        if digits.len() != 2 * bytes.len() || !digits.iter().all(plain) {
            return Err(InvalidCursor(()));
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = &text[at * 2..at * 2 + 2];
            *byte = u8::from_str_radix(digits, 16).map_err(|_| InvalidCursor(()))?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Priority;

    #[test]
    fn a_cursor_comes_back_and_fits_its_own_listing_only() {
        let key = HostKey::from_bytes([7; 32]);
        let keys = HostKeys::new(key.clone());
        let (viewer, filter) = (ReviewScope::tenant("acme"), QueueFilter::default());
        let place = [0, 12, -5, i64::MAX];
        let cursor = Cursor::seal(place, &key, &viewer, &filter, QueueOrder::Reviewer);
        let again: Cursor = cursor.to_string().parse().unwrap();
        assert_eq!(again.open(&keys, &viewer, &filter, QueueOrder::Reviewer), Ok(place));

        let urgent = QueueFilter { priority: Some(Priority::Urgent), ..filter.clone() };
        assert!(again.open(&keys, &viewer, &urgent, QueueOrder::Reviewer).is_err());
        assert!(again.open(&keys, &viewer, &filter, QueueOrder::Due).is_err());
        assert!(
            again.open(&keys, &ReviewScope::all_tenants(), &filter, QueueOrder::Reviewer).is_err()
        );
        let other = HostKey::from_bytes([8; 32]);
        let rotated = HostKeys::new(other.clone()).with_previous(key);
        assert_eq!(again.open(&rotated, &viewer, &filter, QueueOrder::Reviewer), Ok(place));
        assert!(again.open(&other.into(), &viewer, &filter, QueueOrder::Reviewer).is_err());
    }

    #[test]
    fn a_changed_cursor_is_refused() {
        let key = HostKey::from_bytes([7; 32]);
        let (viewer, filter) = (ReviewScope::tenant("acme"), QueueFilter::default());
        let keys = HostKeys::new(key.clone());
        let cursor = Cursor::seal([0, 1, 2, 3], &key, &viewer, &filter, QueueOrder::Due);
        for at in 0..cursor.0.len() * 8 {
            let mut bent = cursor.clone();
            bent.0[at / 8] ^= 1 << (at % 8);
            assert!(bent.open(&keys, &viewer, &filter, QueueOrder::Due).is_err(), "bit {at}");
        }
        let text = cursor.to_string();
        for bad in ["", "zz", &text[1..], &text.to_uppercase(), &format!("{text}00"), "\u{e9}"] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }
}
