//! What was sealed under a former host key is sealed under the current one, text by text, while
//! everything else continues.

use super::error::GateError;
use super::handle::{Gate, Inner};
use super::keys;
use crate::machine::CallRecord;
use crate::seal::{Bound, KeyId, KeyRing, Purpose};
use crate::store::{SealedPart, SealedText, StoreError, StoreErrorKind};

/// How many texts are looked at in one step.
const AT_ONCE: usize = 100;

/// What [`Gate::reseal`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resealed {
    /// Texts that it sealed under the current key.
    pub resealed: u64,
    /// Texts that are still sealed under another key. Some may have come while it worked: call it
    /// again.
    pub left: u64,
    /// Those of `left` that none of the host's keys opens, or that are not of their call.
    pub unreadable: u64,
}

/// How many texts are sealed under one key that is not the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyUse {
    /// The key; nothing for texts of versions of hitl that did not say which key it was.
    pub key: Option<KeyId>,
    /// How many texts.
    pub texts: u64,
}

impl Gate {
    /// Returns the id of the key that this gate seals under.
    pub fn key_id(&self) -> Option<KeyId> {
        self.inner.keys.id()
    }

    /// Seals under the current host key what is sealed under another one: arguments and results of
    /// all tenants' calls. Other processes continue meanwhile; those that do not know the new key
    /// cannot open what it seals, so each of them must know it before.
    ///
    /// Each text is replaced by itself, and stays readable at every moment, also when the process
    /// dies. A call whose text is replaced does not change: approvals of it count, and its record
    /// is not touched. What is replaced by something else meanwhile stays as it is.
    ///
    /// # Errors
    ///
    /// [`Store`](super::GateErrorKind::Store) if the store cannot be read or written, or is one
    /// that cannot list what is sealed. What was sealed until then stays so.
    ///
    /// Cancel safe: the next call continues with what is left.
    pub async fn reseal(&self) -> Result<Resealed, GateError> {
        let inner = &self.inner;
        inner.keep_digests().await?;
        let mut done = Resealed::default();
        let mut walk = Walk::default();
        while let Some(texts) = inner.others(&mut walk).await? {
            for text in &texts {
                done.resealed += u64::from(inner.reseal(text).await?);
            }
        }
        let mut walk = Walk::default();
        while let Some(texts) = inner.others(&mut walk).await? {
            for text in &texts {
                done.left += 1;
                done.unreadable += u64::from(!inner.opens(text).await?);
            }
        }
        Ok(done)
    }

    /// Returns how many texts are sealed under which keys other than the current one. It reads all
    /// that is sealed.
    pub async fn key_uses(&self) -> Result<Vec<KeyUse>, GateError> {
        let mut uses: Vec<KeyUse> = Vec::new();
        let mut walk = Walk::default();
        while let Some(texts) = self.inner.others(&mut walk).await? {
            for key in texts.iter().map(|text| text.sealed.key_id()) {
                match uses.iter_mut().find(|kept| kept.key == key) {
                    Some(kept) => kept.texts += 1,
                    None => uses.push(KeyUse { key, texts: 1 }),
                }
            }
        }
        Ok(uses)
    }

    /// Notes in the store that nothing is sealed under another key than the current one any more:
    /// from then on the host may give the current key alone.
    ///
    /// # Errors
    ///
    /// [`Store`](super::GateErrorKind::Store), with a store error of the kind
    /// [`Key`](StoreErrorKind::Key), while something is sealed under another key
    /// ([`reseal`](Self::reseal) first), or another process may still seal so. Nothing has changed
    /// then.
    pub async fn retire_keys(&self) -> Result<(), GateError> {
        let inner = &self.inner;
        let own = inner.current_key()?;
        if inner.store.host_key().is_some_and(|key| key.id() != own) {
            let why = "this gate was given other keys than its store: retire keys where both have \
                       the same";
            return Err(StoreError::new(StoreErrorKind::Key, why).into());
        }
        // Before anybody forgets the keys that they are derived from.
        inner.keep_digests().await?;
        Ok(inner.store.retire_keys().await?)
    }
}

impl Inner {
    fn current_key(&self) -> Result<KeyId, StoreError> {
        self.keys.id().ok_or_else(|| StoreError::new(StoreErrorKind::Key, "there is no host key"))
    }

    /// Keeps the digest keys of former host keys under the current one.
    async fn keep_digests(&self) -> Result<(), StoreError> {
        let mut ring = KeyRing::new(self.keys.keys().clone());
        keys::learn(&*self.store, &mut ring, true).await
    }

    /// Returns the next of the texts that are not sealed under the current key; nothing at the end.
    async fn others(&self, walk: &mut Walk) -> Result<Option<Vec<SealedText>>, StoreError> {
        let Some(part) = SealedPart::ALL.get(walk.part) else { return Ok(None) };
        let own = self.current_key()?;
        let page = self.store.sealed_texts(*part, own, walk.after, AT_ONCE).await?;
        match page.next {
            Some(next) => walk.after = next,
            None => *walk = Walk { part: walk.part + 1, after: 0 },
        }
        Ok(Some(page.texts))
    }

    /// Whether a text opens under one of the host's keys.
    async fn opens(&self, text: &SealedText) -> Result<bool, StoreError> {
        let record = self.store.get(&text.tenant, text.id).await?;
        Ok(record.is_some_and(|record| self.plain(text, &record).is_some()))
    }

    /// What a text says, if it opens and is of its call. Arguments and contents that are not what a
    /// reviewer is asked about are not sealed again: who has a former key, and can write to the
    /// store, would have them vouched for by the new one.
    fn plain(&self, text: &SealedText, record: &CallRecord) -> Option<Vec<u8>> {
        match text.part {
            SealedPart::Payload => {
                let (plain, _) = self.opened(record, &text.sealed).ok()?;
                self.kept_in(record, &plain).is_some().then_some(plain)
            }
            SealedPart::Result => self.keys.open(&text.sealed, &bound_of(text, record)).ok(),
        }
    }

    /// Seals one text under the current key. False when it does not open, or is another one by now.
    async fn reseal(&self, text: &SealedText) -> Result<bool, GateError> {
        let Some(record) = self.store.get(&text.tenant, text.id).await? else { return Ok(false) };
        let Some(plain) = self.plain(text, &record) else { return Ok(false) };
        let sealed = self.keys.seal(&plain, &bound_of(text, &record)).map_err(|error| {
            StoreError::new(StoreErrorKind::Key, "a text could not be sealed").because(error)
        })?;
        Ok(self.store.reseal(text, sealed).await?)
    }
}

/// How far a walk through all that is sealed has come.
#[derive(Default)]
struct Walk {
    part: usize,
    after: u64,
}

/// What a text of this call is bound to.
fn bound_of(text: &SealedText, record: &CallRecord) -> Bound {
    let purpose = match text.part {
        SealedPart::Payload => Purpose::Payload,
        SealedPart::Result => Purpose::Result,
    };
    Bound::new(record.id(), purpose, record.sealed_revision())
}

#[cfg(test)]
#[path = "reseal_tests.rs"]
mod tests;
