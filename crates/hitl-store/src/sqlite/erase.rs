//! Erasure and legal holds: each step is a transaction of its own.

use std::sync::Arc;

use hitl_base::Timestamp;
use hitl_core::store::{Erasable, ErasedCount, Hold, NotErased, StoreError, check_erasable};
use hitl_core::{HoldId, Principal, Tenant};

use super::operation::WriteContext;
use super::query;
use super::shared::Shared;
use super::{grants, holds, retention, scrub};

impl Shared {
    pub(super) async fn erase_ended(&self, before: Timestamp) -> Result<ErasedCount, StoreError> {
        let (mut calls, mut place) = (0, Some(query::SCAN_START));
        while let Some(after) = place {
            let erase = move |on: &rusqlite::Connection, _: &WriteContext| {
                retention::erase_ended(on, before, after)
            };
            let (erased, next) = self.write(erase).await?;
            (calls, place) = (calls + erased, next);
        }
        let mut place = Some(query::SCAN_START);
        while let Some(after) = place {
            let forget = move |on: &rusqlite::Connection, _: &WriteContext| {
                retention::forget_grants(on, before, after)
            };
            (_, place) = self.write(forget).await?;
        }
        // Also when nothing was erased: the previous erasure may not have emptied the log.
        self.scrub().await?;
        Ok(ErasedCount::new(calls))
    }

    pub(super) async fn erase_named(
        &self,
        calls: &[Erasable],
    ) -> Result<Vec<Option<NotErased>>, StoreError> {
        check_erasable(calls)?;
        let calls = calls.to_vec();
        // If the commit may have happened, the write is performed again and finds what it erased
        // itself.
        let mut first: Option<Vec<Option<NotErased>>> = None;
        let said = self
            .write(move |on, _| {
                let mut said = retention::erase(on, &calls)?;
                for (now, before) in said.iter_mut().zip(first.iter().flatten()) {
                    if before.is_none() && *now == Some(NotErased::Erased) {
                        *now = None;
                    }
                }
                first = Some(said.clone());
                Ok(said)
            })
            .await?;
        self.scrub().await?;
        Ok(said)
    }

    pub(super) async fn erase_grants_of(
        &self,
        tenant: &Tenant,
        principal: &Principal,
    ) -> Result<u64, StoreError> {
        let (tenant, principal) = (tenant.clone(), principal.clone());
        let forget = move |on: &rusqlite::Connection, context: &WriteContext| {
            grants::forget_of(on, (&tenant, &principal), context.clock.now()?)
        };
        let forgotten = self.write(forget).await?;
        self.scrub().await?;
        Ok(forgotten)
    }

    pub(super) async fn forget_begun(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut calls = 0;
        loop {
            let forgotten = self.write(move |on, _| retention::forget(on, before)).await?;
            calls += forgotten as u64;
            if forgotten < retention::BATCH {
                break;
            }
        }
        self.scrub().await?;
        Ok(calls)
    }

    pub(super) async fn place_hold(&self, hold: Hold) -> Result<Hold, StoreError> {
        self.write(move |on, context| holds::place(on, &hold, context.clock.now()?)).await
    }

    pub(super) async fn take_hold(
        &self,
        tenant: &Tenant,
        id: HoldId,
    ) -> Result<Option<Hold>, StoreError> {
        let tenant = tenant.clone();
        let mut first = None;
        self.write(move |on, _| {
            let released = holds::release(on, &tenant, id)?;
            // The hold is gone already: released by this operation's own lost commit.
            first = released.or_else(|| first.take());
            Ok(first.clone())
        })
        .await
    }

    /// Empties the log, which may contain erased data.
    pub(super) async fn scrub(&self) -> Result<(), StoreError> {
        let path = Arc::clone(&self.path);
        let longest = 2 * self.busy_timeout;
        self.read(move |_| scrub::empty_the_log(&path, longest)).await
    }
}
