//! The memory store's grants.

use std::collections::BTreeMap;

use hitl_base::Timestamp;

use crate::call::{Principal, Tenant};
use crate::grant::GrantRecord;
use crate::ids::GrantId;
use crate::store::{GrantQuery, Holds};

#[derive(Default)]
pub(super) struct Grants(BTreeMap<GrantId, GrantRecord>);

impl Grants {
    pub(super) fn get(&self, tenant: &Tenant, id: GrantId) -> Option<&GrantRecord> {
        self.0.get(&id).filter(|record| record.grant.tenant == *tenant)
    }

    pub(super) fn put(&mut self, record: GrantRecord) {
        self.0.insert(record.id(), record);
    }

    pub(super) fn save(&mut self, record: GrantRecord, now: Timestamp) -> GrantRecord {
        self.0.entry(record.id()).or_insert_with(|| record.stamped(now)).clone()
    }

    pub(super) fn revoke(
        &mut self,
        tenant: &Tenant,
        id: GrantId,
        by: &Principal,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Option<GrantRecord> {
        let record = self.0.get_mut(&id).filter(|record| record.grant.tenant == *tenant)?;
        if let Some(next) = record.revoke(by, reason, now) {
            *record = next;
        }
        Some(record.clone())
    }

    pub(super) fn page(
        &self,
        tenant: &Tenant,
        page: &GrantQuery,
        now: Timestamp,
    ) -> Vec<GrantRecord> {
        let fits = |record: &&GrantRecord| {
            record.grant.tenant == *tenant
                && page.after.is_none_or(|after| record.id() > after)
                && page.fits(record, now)
        };
        self.0.values().filter(fits).take(page.limit).cloned().collect()
    }

    /// Deletes the grants that ended before `cutoff` and that no hold covers.
    pub(super) fn erase_ended_before(&mut self, cutoff: Timestamp, holds: &Holds) {
        self.0.retain(|_, record| !record.ended_before(cutoff) || holds.on_grant(record).is_some());
    }

    /// Deletes a principal's grants that have ended and that no hold covers. Returns their number.
    pub(super) fn forget_of(
        &mut self,
        (tenant, principal): (&Tenant, &Principal),
        now: Timestamp,
        holds: &Holds,
    ) -> u64 {
        let before = self.0.len();
        self.0.retain(|_, record| {
            let theirs = record.grant.tenant == *tenant && record.grant.principal == *principal;
            !theirs || !record.ended_before(now) || holds.on_grant(record).is_some()
        });
        (before - self.0.len()) as u64
    }
}
