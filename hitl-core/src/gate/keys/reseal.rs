//! Seals under the current host key the texts that were sealed under a former one, one by one,
//! while everything else continues.

use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::gate::Gate;
use crate::gate::keys::digest_keys::{self, SealedUnder};
use crate::seal::{KeyId, KeyRing};
use crate::store::{SealedPart, SealedText, StoreError, StoreErrorKind};

/// The number of texts read at a time.
const PAGE: usize = 100;

/// The result of [`Gate::reseal`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResealReport {
    /// The number of texts that were sealed under the current key.
    pub resealed: u64,
    /// The number of texts that are still sealed under another key. Some may have been written
    /// meanwhile: call it again.
    pub left: u64,
    /// The number of texts in `left` that none of the host's keys opens, or that do not belong to
    /// their call.
    pub unreadable: u64,
}

/// The number of texts that are sealed under one key other than the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyUse {
    /// The key; `None` for texts of versions of hitl that did not record it.
    pub key: Option<KeyId>,
    /// The number of texts.
    pub texts: u64,
}

impl Gate {
    /// Returns the id of the key with which this gate seals.
    pub fn key_id(&self) -> Option<KeyId> {
        self.core.vault.ring().id()
    }

    /// Seals under the current host key all texts that are sealed under another one: arguments and
    /// results of all tenants' calls. Other processes continue meanwhile; a process that does not
    /// know the new key cannot open these texts, so all must know it first.
    ///
    /// Each text is replaced individually, and stays readable at all times, even if the process
    /// dies. A call whose text is replaced does not change: its approvals count, and its record is
    /// not modified. A text that something else replaces meanwhile is left alone.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::GateErrorKind::Store) if the store cannot be read or written, or cannot
    /// list its sealed texts. Texts that were sealed by then stay so.
    ///
    /// Cancel safe: the next call continues with the remaining texts.
    pub async fn reseal(&self) -> Result<ResealReport, GateError> {
        let core = &*self.core;
        keep_digest_keys(core).await?;
        let mut done = ResealReport::default();
        let mut walk = Walk::default();
        while let Some(texts) = walk.next(core).await? {
            for text in &texts {
                done.resealed += u64::from(reseal_text(core, text).await?);
            }
        }
        let mut walk = Walk::default();
        while let Some(texts) = walk.next(core).await? {
            for text in &texts {
                done.left += 1;
                done.unreadable += u64::from(!is_readable(core, text).await?);
            }
        }
        Ok(done)
    }

    /// Returns the keys other than the current one that texts are sealed under, with the number of
    /// texts. It reads all sealed texts.
    pub async fn key_uses(&self) -> Result<Vec<KeyUse>, GateError> {
        let mut uses: Vec<KeyUse> = Vec::new();
        let mut walk = Walk::default();
        while let Some(texts) = walk.next(&self.core).await? {
            for key in texts.iter().map(|text| text.sealed.key_id()) {
                match uses.iter_mut().find(|kept| kept.key == key) {
                    Some(kept) => kept.texts += 1,
                    None => uses.push(KeyUse { key, texts: 1 }),
                }
            }
        }
        Ok(uses)
    }

    /// Records in the store that nothing is sealed under any key but the current one: from then on
    /// the host may provide only the current key.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::GateErrorKind::Store), with a store error of the kind
    /// [`Key`](StoreErrorKind::Key), while something is sealed under another key
    /// ([`reseal`](Self::reseal) first), or another process may still seal under one. Then nothing
    /// has changed.
    pub async fn retire_keys(&self) -> Result<(), GateError> {
        let core = &*self.core;
        let own = current_key(core)?;
        if core.calls.store().host_key().is_some_and(|key| key.id() != own) {
            let why = "this gate was given other keys than its store: retire keys where both have \
                       the same";
            return Err(StoreError::new(StoreErrorKind::Key, why).into());
        }
        // Before any process drops the keys that they are derived from.
        keep_digest_keys(core).await?;
        Ok(core.calls.store().retire_keys().await?)
    }
}

/// Keeps the digest keys of former host keys under the current one.
async fn keep_digest_keys(core: &GateCore) -> Result<(), StoreError> {
    let mut ring = KeyRing::new(core.vault.ring().keys().clone());
    digest_keys::learn(&**core.calls.store(), &mut ring, SealedUnder::Current).await
}

fn current_key(core: &GateCore) -> Result<KeyId, StoreError> {
    let id = core.vault.ring().id();
    id.ok_or_else(|| StoreError::new(StoreErrorKind::Key, "there is no host key"))
}

/// Seals one text under the current key. Returns `false` if it does not open, or was replaced
/// meanwhile.
async fn reseal_text(core: &GateCore, text: &SealedText) -> Result<bool, GateError> {
    let store = core.calls.store();
    let Some(record) = store.get(&text.tenant, text.id).await? else { return Ok(false) };
    let Some(sealed) = core.vault.reseal(text, &record)? else { return Ok(false) };
    Ok(store.reseal(text, sealed).await?)
}

/// Returns whether a text opens under one of the host's keys.
async fn is_readable(core: &GateCore, text: &SealedText) -> Result<bool, StoreError> {
    let record = core.calls.store().get(&text.tenant, text.id).await?;
    Ok(record.is_some_and(|record| core.vault.open_text(text, &record).is_some()))
}

/// A walk through all texts that are not sealed under the current key.
#[derive(Default)]
struct Walk {
    part: usize,
    after: u64,
}

impl Walk {
    /// Returns the next texts, or `None` at the end.
    async fn next(&mut self, core: &GateCore) -> Result<Option<Vec<SealedText>>, StoreError> {
        let Some(part) = SealedPart::ALL.get(self.part) else { return Ok(None) };
        let own = current_key(core)?;
        let page = core.calls.store().sealed_texts(*part, own, self.after, PAGE).await?;
        match page.next {
            Some(next) => self.after = next,
            None => *self = Walk { part: self.part + 1, after: 0 },
        }
        Ok(Some(page.texts))
    }
}

#[cfg(test)]
#[path = "reseal_tests.rs"]
mod tests;
