//! The memory store's grants.

use std::collections::BTreeMap;

use hitl_base::Timestamp;

use super::GrantPage;
use crate::call::{Principal, Tenant};
use crate::grant::GrantRecord;
use crate::ids::GrantId;

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
        page: &GrantPage,
        now: Timestamp,
    ) -> Vec<GrantRecord> {
        let fits = |record: &&GrantRecord| {
            record.grant.tenant == *tenant
                && page.after.is_none_or(|after| record.id() > after)
                && page.fits(record, now)
        };
        self.0.values().filter(fits).take(page.limit).cloned().collect()
    }

    /// Forgets what ended before `before`.
    pub(super) fn retain(&mut self, before: Timestamp) {
        self.0.retain(|_, record| !record.ended_before(before));
    }
}
