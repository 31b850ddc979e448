//! What depends on the host's key while it is replaced: the digests of calls that were submitted
//! under a former one, and what is kept so that those can still be compared.

use super::error::{GateError, GateErrorKind};
use super::handle::Inner;
use crate::arguments::Snapshot;
use crate::call::{CallContext, ContentDigest, content_digest};
use crate::hex::{bytes_of, hex};
use crate::seal::{Bound, DigestKey, KeyId, KeyRing, Purpose, SealError, Sealed};
use crate::store::{Store, StoreError, StoreErrorKind};

/// The name of the mark that keeps the digest keys of former host keys, sealed.
const MARK: &str = "host_keys.digests";
/// The most digest keys that are kept: with one rotation in a month, those of eight years.
const MOST: usize = 100;
/// The most parts of the mark that are kept although no key opens them.
const MOST_CLOSED: usize = 16;
/// How often somebody else may be faster.
const TRIES: u32 = 16;

impl Inner {
    /// Returns the content of a call: `known`, if it is what one of the host's keys or former keys
    /// makes of these arguments, and otherwise what the current key makes of them.
    ///
    /// What was recorded under a former key is recognised by it. What no key makes is other
    /// content.
    pub(super) fn content_as(
        &self,
        known: ContentDigest,
        asked: (&str, &Snapshot, &CallContext),
    ) -> ContentDigest {
        let current = content_digest(asked.0, asked.1, asked.2, self.keys.digest());
        self.current_as(current, known, asked)
    }

    /// The same, of a call whose content under the current key is `current`.
    pub(super) fn current_as(
        &self,
        current: ContentDigest,
        known: ContentDigest,
        asked: (&str, &Snapshot, &CallContext),
    ) -> ContentDigest {
        let is_known = current != known && self.older_contents(asked).any(|it| it == known);
        if is_known { known } else { current }
    }

    /// Returns what former keys make of a call's content: nothing where no argument is secret,
    /// because then its content depends on no key.
    pub(super) fn older_contents<'c>(
        &'c self,
        (tool, snapshot, context): (&'c str, &'c Snapshot, &'c CallContext),
    ) -> impl Iterator<Item = ContentDigest> + 'c {
        let older = self.keys.older_digests();
        let has_secrets = !older.is_empty() && snapshot.pieces().any(|piece| piece.hidden);
        let older = if has_secrets { older } else { &[] };
        older.iter().map(move |key| content_digest(tool, snapshot, context, key))
    }
}

/// What cannot be opened, as the caller of a gate hears of it. A missing key is no damage: nothing
/// is lost, and nothing should be given up.
pub(super) fn not_opened(error: SealError, what: &str) -> GateError {
    let Some(id) = error.missing_key() else {
        let why = format!("{what} was sealed under another key, or is damaged; cancel the call");
        return GateError::new(GateErrorKind::Payload, why);
    };
    let why = format!(
        "{what} is sealed under the host key {id}, which this process does not have; give it that \
         key too, or restart it if the key was replaced while it ran"
    );
    StoreError::new(StoreErrorKind::Key, why).because(error).into()
}

/// Adds to `ring` the digest keys that the store keeps, and to the store those of the previous keys
/// that it does not keep yet. With `under_current`, what is kept is sealed under the current key
/// afterwards.
///
/// What the store keeps and these keys do not open stays there, unused: then calls with secrets of
/// before are other calls, and nothing of them runs, until a process has the key again.
///
/// Cancel safe: what is kept changes by one compare-and-set.
pub(super) async fn learn(
    store: &dyn Store,
    ring: &mut KeyRing,
    under_current: bool,
) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        let kept = store.metadata(MARK).await?;
        let mut opened = kept.as_deref().map_or_else(Kept::default, |text| Kept::open(text, ring));
        if let Some(why) = &opened.unreadable {
            tracing::warn!(
                %why,
                "the digest keys of former host keys cannot be read: calls with secrets that were \
                 submitted under those are other calls"
            );
        }
        ring.learn(opened.keys.iter().copied());
        let own: Vec<DigestKey> = ring.keys().previous().iter().map(DigestKey::new).collect();
        let is_kept = own.iter().all(|key| opened.keys.contains(key));
        let is_under_current = opened.by.iter().all(|by| *by == ring.id());
        if is_kept && (is_under_current || !under_current) {
            return Ok(());
        }
        let mut keys = own;
        for key in opened.keys {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        if keys.len() > MOST || opened.closed.len() > MOST_CLOSED {
            tracing::warn!(
                "more digest keys of former host keys are kept than fit; the oldest are dropped, and \
                 calls with secrets that were submitted under those are other calls"
            );
            keys.truncate(MOST);
            opened.closed.truncate(MOST_CLOSED);
        }
        let to: Vec<String> = [sealed(ring, &keys)?].into_iter().chain(opened.closed).collect();
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

/// What the mark says: sealed lists with spaces between them, the newest first. There is more than
/// one only where a process could not open what was there.
#[derive(Default)]
struct Kept {
    keys: Vec<DigestKey>,
    /// The key of each list that opens.
    by: Vec<Option<KeyId>>,
    /// The lists that do not open, as they are.
    closed: Vec<String>,
    /// Why one of them does not.
    unreadable: Option<String>,
}

impl Kept {
    fn open(text: &str, ring: &KeyRing) -> Self {
        let mut kept = Self::default();
        for part in text.split_ascii_whitespace() {
            match opened(part, ring) {
                Ok((by, keys)) => {
                    kept.by.push(by);
                    for key in keys {
                        if !kept.keys.contains(&key) {
                            kept.keys.push(key);
                        }
                    }
                }
                Err(why) => {
                    kept.closed.push(part.to_owned());
                    kept.unreadable = Some(why);
                }
            }
        }
        kept
    }
}

/// Opens one sealed list. Returns its key and what is in it.
fn opened(part: &str, ring: &KeyRing) -> Result<(Option<KeyId>, Vec<DigestKey>), String> {
    let sealed =
        bytes_of(part).map(Sealed::from_bytes).ok_or_else(|| "it is damaged".to_owned())?;
    let bytes = ring.open(&sealed, &Bound::of_store(Purpose::DigestKeys));
    let bytes = bytes.map_err(|error| error.to_string())?;
    let keys = bytes.as_chunks::<32>().0.iter().map(|key| DigestKey::from_bytes(*key));
    Ok((sealed.key_id(), keys.collect()))
}

fn sealed(ring: &KeyRing, keys: &[DigestKey]) -> Result<String, StoreError> {
    let bytes: Vec<u8> = keys.iter().flat_map(|key| *key.as_bytes()).collect();
    let sealed = ring.seal(&bytes, &Bound::of_store(Purpose::DigestKeys)).map_err(|error| {
        StoreError::new(StoreErrorKind::Key, "the former digest keys could not be sealed")
            .because(error)
    })?;
    Ok(hex(sealed.as_bytes()))
}
