//! The digest keys of former host keys: kept in the store, so that calls that were submitted under
//! a former key can still be compared.

use crate::hex::{bytes_of, hex};
use crate::seal::{Bound, DigestKey, KeyId, KeyRing, Purpose, Sealed};
use crate::store::{Store, StoreError, StoreErrorKind};

/// The name of the mark that keeps the digest keys of former host keys, sealed.
const MARK: &str = "host_keys.digests";
/// The most digest keys that are kept: with one rotation a month, those of eight years.
const MAX_KEYS: usize = 100;
/// The most lists of the mark that are kept although no key opens them.
const MAX_UNOPENED: usize = 16;
/// The number of attempts if other processes change the mark first.
const MAX_TRIES: u32 = 16;

/// The keys under which the kept digest keys may be sealed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::gate) enum SealedUnder {
    /// Any of the host's keys.
    Any,
    /// The current key only, even if they must be sealed again.
    Current,
}

/// Adds to `ring` the digest keys that the store keeps, and to the store those of the previous keys
/// that it does not have yet.
///
/// Lists that these keys do not open stay in the store, unused. Until a process has the key again,
/// earlier calls with secrets count as different calls, and none of them runs.
///
/// Cancel safe: the mark changes by one compare-and-set.
pub(in crate::gate) async fn learn(
    store: &dyn Store,
    ring: &mut KeyRing,
    sealed_under: SealedUnder,
) -> Result<(), StoreError> {
    for _ in 0..MAX_TRIES {
        let kept = store.metadata(MARK).await?;
        let mut lists = kept
            .as_deref()
            .map_or_else(DigestKeyLists::default, |text| DigestKeyLists::open(text, ring));
        if let Some(why) = &lists.unreadable {
            tracing::warn!(
                %why,
                "the digest keys of former host keys cannot be read: calls with secrets that were \
                 submitted under those are other calls"
            );
        }
        ring.learn(lists.keys.iter().copied());
        let own: Vec<DigestKey> = ring.keys().previous().iter().map(DigestKey::new).collect();
        let is_kept = own.iter().all(|key| lists.keys.contains(key));
        let is_under_current = lists.sealed_by.iter().all(|by| *by == ring.id());
        if is_kept && (is_under_current || sealed_under == SealedUnder::Any) {
            return Ok(());
        }
        let mut keys = own;
        for key in lists.keys {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        if keys.len() > MAX_KEYS || lists.unopened.len() > MAX_UNOPENED {
            tracing::warn!(
                "more digest keys of former host keys are kept than fit; the oldest are dropped, and \
                 calls with secrets that were submitted under those are other calls"
            );
            keys.truncate(MAX_KEYS);
            lists.unopened.truncate(MAX_UNOPENED);
        }
        let to: Vec<String> = [seal_list(ring, &keys)?].into_iter().chain(lists.unopened).collect();
        let to = to.join(" ");
        match store.compare_and_set_metadata(MARK, kept.as_deref(), &to).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) if error.kind() == StoreErrorKind::Unsupported => {
                tracing::warn!(%error, "calls with secrets are unknown once their key is gone");
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
    let why = "others changed the kept digest keys each time; try again";
    Err(StoreError::new(StoreErrorKind::Unavailable, why))
}

/// The lists in the mark: sealed, separated by spaces, the newest first. There is more than one
/// only if a process could not open the existing one.
#[derive(Default)]
struct DigestKeyLists {
    keys: Vec<DigestKey>,
    /// The key of each list that opens.
    sealed_by: Vec<Option<KeyId>>,
    /// The lists that do not open, unchanged.
    unopened: Vec<String>,
    /// The reason why one of them does not open.
    unreadable: Option<String>,
}

impl DigestKeyLists {
    fn open(text: &str, ring: &KeyRing) -> Self {
        let mut lists = Self::default();
        for part in text.split_ascii_whitespace() {
            match open_list(part, ring) {
                Ok((by, keys)) => {
                    lists.sealed_by.push(by);
                    for key in keys {
                        if !lists.keys.contains(&key) {
                            lists.keys.push(key);
                        }
                    }
                }
                Err(why) => {
                    lists.unopened.push(part.to_owned());
                    lists.unreadable = Some(why);
                }
            }
        }
        lists
    }
}

/// Opens one sealed list. Returns the key that sealed it and the digest keys in it.
fn open_list(part: &str, ring: &KeyRing) -> Result<(Option<KeyId>, Vec<DigestKey>), String> {
    let sealed =
        bytes_of(part).map(Sealed::from_bytes).ok_or_else(|| "it is damaged".to_owned())?;
    let bytes = ring.open(&sealed, &Bound::of_store(Purpose::DigestKeys));
    let bytes = bytes.map_err(|error| error.to_string())?;
    let keys = bytes.as_chunks::<32>().0.iter().map(|key| DigestKey::from_bytes(*key));
    Ok((sealed.key_id(), keys.collect()))
}

/// Seals a list of digest keys under the current key.
fn seal_list(ring: &KeyRing, keys: &[DigestKey]) -> Result<String, StoreError> {
    let bytes: Vec<u8> = keys.iter().flat_map(|key| *key.as_bytes()).collect();
    let sealed = ring.seal(&bytes, &Bound::of_store(Purpose::DigestKeys)).map_err(|error| {
        StoreError::new(StoreErrorKind::Key, "the former digest keys could not be sealed")
            .with_source(error)
    })?;
    Ok(hex(sealed.as_bytes()))
}
