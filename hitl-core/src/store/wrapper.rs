//! Stores that wrap another.
//!
//! The methods of [`Store`] are listed once, below. [`StoreWrapper`] forwards each of them, and
//! every wrapper is a store, so a method that is added to the contract cannot be forgotten in one:
//! `missing_trait_methods` compares the list with the contract.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use hitl_base::Timestamp;

use super::{
    ApplyError, ApplyRequest, AuditWriter, ChangeId, ChangeWatch, EffectHolder, Erasable,
    ErasedCount, EventPayload, Executors, GrantQuery, History, Hold, NotErased, PageRequest,
    SealedPage, SealedPart, SealedText, Store, StoreAddress, StoreError, SubmitResult,
};
use crate::audit::ChainHead;
use crate::call::{CallKey, ContentDigest, EffectDigest, Principal, RunId, Tenant, ToolFacts};
use crate::grant::GrantRecord;
use crate::ids::{GrantId, HoldId, RequestId, SessionId};
use crate::machine::{CallRecord, CallState, Event, HistoryEntry, NewCall};
use crate::queue::{QueueCounts, QueueEntry, QueueScan};
use crate::seal::{HostKey, HostKeys, KeyId, Sealed};

/// The return type of an async method of a store, as `async_trait` writes it.
type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Defines the trait and the implementation that makes every wrapper a store. In brackets are the
/// lifetimes of a method's arguments, in the order in which `async_trait` numbers them.
macro_rules! wrapper {
    (
        async { $(fn $name:ident [$($life:lifetime),*] ($($arg:ident: $ty:ty),*) -> $out:ty;)* }
        sync { $(fn $now:ident ($($given:ident: $given_ty:ty),*) -> $now_out:ty;)* }
    ) => {
        /// A store that wraps another: methods that it does not override go to the
        /// [inner](Self::inner) store. Every type that implements this implements [`Store`].
        ///
        /// ```
        /// use hitl::store::{History, StoreWrapper};
        /// use hitl::{store::StoreError, Store};
        ///
        /// struct Counted<S> {
        ///     inner: S,
        ///     reads: std::sync::atomic::AtomicU64,
        /// }
        ///
        /// #[async_trait::async_trait]
        /// impl<S: Store> StoreWrapper for Counted<S> {
        ///     type Inner = S;
        ///
        ///     fn inner(&self) -> &S {
        ///         &self.inner
        ///     }
        ///
        ///     async fn history(&self, after: u64, limit: usize) -> Result<History, StoreError> {
        ///         self.reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        ///         self.inner.history(after, limit).await
        ///     }
        /// }
        /// ```
        pub trait StoreWrapper: Send + Sync + 'static {
            /// The wrapped store.
            type Inner: Store + ?Sized;

            /// Returns the wrapped store.
            fn inner(&self) -> &Self::Inner;

            $(
                /// Forwards to the [inner](Self::inner) store's method of the same name.
                fn $name<'s, $($life,)* 'async_trait>(
                    &'s self, $($arg: $ty),*
                ) -> Answer<'async_trait, $out>
                where
                    's: 'async_trait,
                    $($life: 'async_trait,)*
                    Self: 'async_trait,
                {
                    self.inner().$name($($arg),*)
                }
            )*
            $(
                /// Forwards to the [inner](Self::inner) store's method of the same name.
                fn $now(&self, $($given: $given_ty),*) -> $now_out {
                    self.inner().$now($($given),*)
                }
            )*
        }

        #[deny(clippy::missing_trait_methods, reason = "a wrapper forgets no method")]
        impl<W: StoreWrapper> Store for W {
            $(
                fn $name<'s, $($life,)* 'async_trait>(
                    &'s self, $($arg: $ty),*
                ) -> Answer<'async_trait, $out>
                where
                    's: 'async_trait,
                    $($life: 'async_trait,)*
                    Self: 'async_trait,
                {
                    StoreWrapper::$name(self, $($arg),*)
                }
            )*
            $(
                fn $now(&self, $($given: $given_ty),*) -> $now_out {
                    StoreWrapper::$now(self, $($given),*)
                }
            )*
        }
    };
}

wrapper! {
    async {
        fn now[]() -> Result<Timestamp, StoreError>;
        fn open_session[]() -> Result<SessionId, StoreError>;
        fn close_session[](session: SessionId) -> Result<(), StoreError>;
        fn record_tools['a](session: SessionId, tools: &'a [ToolFacts]) -> Result<(), StoreError>;
        fn executors[]() -> Result<Executors, StoreError>;
        fn submit[](call: NewCall, payload: Sealed) -> Result<SubmitResult, StoreError>;
        fn apply['a](
            tenant: &'a Tenant, id: RequestId, event: Event, enclosed: EventPayload
        ) -> Result<CallRecord, ApplyError>;
        fn apply_all['a](
            tenant: &'a Tenant, events: Vec<ApplyRequest>
        ) -> Result<Vec<CallRecord>, ApplyError>;
        fn save_grant[](grant: GrantRecord) -> Result<GrantRecord, StoreError>;
        fn revoke_grant['a, 'b, 'c](
            tenant: &'a Tenant, id: GrantId, by: &'b Principal, reason: Option<&'c str>
        ) -> Result<Option<GrantRecord>, StoreError>;
        fn grant['a](tenant: &'a Tenant, id: GrantId) -> Result<Option<GrantRecord>, StoreError>;
        fn grants['a](tenant: &'a Tenant, page: GrantQuery) -> Result<Vec<GrantRecord>, StoreError>;
        fn get['a](tenant: &'a Tenant, id: RequestId) -> Result<Option<CallRecord>, StoreError>;
        fn get_by_key['a](key: &'a CallKey) -> Result<Option<CallRecord>, StoreError>;
        fn payload['a](tenant: &'a Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError>;
        fn result['a](tenant: &'a Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError>;
        fn list['a](tenant: &'a Tenant, page: PageRequest) -> Result<Vec<CallRecord>, StoreError>;
        fn rejected['a, 'b](
            tenant: &'a Tenant, run: &'b RunId, content: ContentDigest, limit: usize
        ) -> Result<Vec<CallRecord>, StoreError>;
        fn attachable['a, 'b](
            tenant: &'a Tenant, run: &'b RunId, content: ContentDigest
        ) -> Result<Option<CallRecord>, StoreError>;
        fn stale[](limit: usize) -> Result<Vec<(Tenant, RequestId, CallState)>, StoreError>;
        fn approved[](
            after: Option<RequestId>, limit: usize
        ) -> Result<Vec<(Tenant, RequestId)>, StoreError>;
        fn queue['a](scan: &'a QueueScan) -> Result<Vec<QueueEntry>, StoreError>;
        fn queue_counts['a](tenant: &'a Tenant) -> Result<QueueCounts, StoreError>;
        fn tenants['a](after: Option<&'a Tenant>, limit: usize) -> Result<Vec<Tenant>, StoreError>;
        fn history[](after: u64, limit: usize) -> Result<History, StoreError>;
        fn last_history_seq[]() -> Result<u64, StoreError>;
        fn call_history['a](
            tenant: &'a Tenant, id: RequestId
        ) -> Result<Vec<(u64, HistoryEntry)>, StoreError>;
        fn erase_ended_before[](cutoff: Timestamp) -> Result<ErasedCount, StoreError>;
        fn erase['a](calls: &'a [Erasable]) -> Result<Vec<Option<NotErased>>, StoreError>;
        fn calls_by_principal['a, 'b](
            tenant: &'a Tenant, principal: &'b Principal, after: Option<RequestId>, limit: usize
        ) -> Result<Vec<CallRecord>, StoreError>;
        fn forget_grants_of['a, 'b](
            tenant: &'a Tenant, principal: &'b Principal
        ) -> Result<u64, StoreError>;
        fn hold[](hold: Hold) -> Result<Hold, StoreError>;
        fn release_hold['a](tenant: &'a Tenant, id: HoldId) -> Result<Option<Hold>, StoreError>;
        fn holds[]() -> Result<Vec<Hold>, StoreError>;
        fn forget_runs[](watermark: Timestamp) -> Result<u64, StoreError>;
        fn runs_forgotten_before[]() -> Result<Option<Timestamp>, StoreError>;
        fn outbox_take[](session: SessionId, limit: usize) -> Result<Vec<HistoryEntry>, StoreError>;
        fn pending_outbox[](
            session: SessionId, limit: usize
        ) -> Result<Vec<HistoryEntry>, StoreError>;
        fn outbox_ack['a](audited: &'a [ChangeId]) -> Result<(), StoreError>;
        fn metadata['a](name: &'a str) -> Result<Option<String>, StoreError>;
        fn compare_and_set_metadata['a, 'b, 'c](
            name: &'a str, from: Option<&'b str>, to: &'c str
        ) -> Result<bool, StoreError>;
        fn effect_holder['a](
            tenant: &'a Tenant, effect: EffectDigest
        ) -> Result<Option<EffectHolder>, StoreError>;
        fn reserve_effect['a](
            tenant: &'a Tenant, effect: EffectDigest, from: Option<RequestId>, to: EffectHolder
        ) -> Result<bool, StoreError>;
        fn writer_register['a](stream: &'a str) -> Result<(), StoreError>;
        fn writers[]() -> Result<Vec<AuditWriter>, StoreError>;
        fn writer_advance['a](head: &'a ChainHead) -> Result<(), StoreError>;
        fn writer_heads[]() -> Result<Vec<ChainHead>, StoreError>;
        fn sealed_texts[](
            part: SealedPart, not_under: KeyId, after: u64, limit: usize
        ) -> Result<SealedPage, StoreError>;
        fn reseal['a](text: &'a SealedText, to: Sealed) -> Result<bool, StoreError>;
        fn sessions_under_other_keys[]() -> Result<u64, StoreError>;
        fn retire_keys[]() -> Result<(), StoreError>;
    }
    sync {
        fn watch(id: RequestId) -> ChangeWatch;
        fn watch_all() -> ChangeWatch;
        fn host_keys() -> Option<HostKeys>;
        fn host_key() -> Option<HostKey>;
        fn files() -> Vec<PathBuf>;
        fn address() -> StoreAddress;
    }
}

/// A store can be shared, and chosen at run time: `Arc<dyn Store>` is one.
impl<S: Store + ?Sized> StoreWrapper for Arc<S> {
    type Inner = S;

    fn inner(&self) -> &S {
        self
    }
}

impl<S: Store + ?Sized> StoreWrapper for Box<S> {
    type Inner = S;

    fn inner(&self) -> &S {
        self
    }
}
