//! The options with which a file is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Clock;
use hitl_base::clock::SystemClock;
use hitl_core::HostKeys;

/// The options with which a [`SqliteStore`](crate::SqliteStore) is opened.
///
/// ```
/// # use hitl::SqliteStore;
/// # use std::time::Duration;
/// # async fn f() -> Result<(), hitl::store::StoreError> {
/// let store = SqliteStore::options().busy_timeout(Duration::from_secs(1)).open("hitl.db").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "nothing is opened before `open`"]
pub struct SqliteOptions {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) busy_timeout: Duration,
    pub(super) keys: Option<HostKeys>,
    pub(super) replace_lost_key: bool,
    pub(super) restored: bool,
    pub(super) accept_clock: bool,
    pub(super) max_pages: Option<u32>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            busy_timeout: Duration::from_secs(5),
            keys: None,
            replace_lost_key: false,
            restored: false,
            accept_clock: false,
            max_pages: None,
        }
    }
}

impl SqliteOptions {
    /// Sets the clock that expiry and due times are judged by: the machine's, unless a test
    /// provides one. The store uses no earlier moment than it has stamped: a clock that is set back
    /// revives nothing, and one that jumps ahead by more than 31 days is refused with
    /// [`Clock`](hitl_core::StoreErrorKind::Clock) until it is correct.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets how long an operation waits for another process that holds the file, before it fails
    /// with [`Unavailable`](hitl_core::StoreErrorKind::Unavailable). Five seconds by default. An
    /// erasure waits twice as long for the readers of erased data.
    pub fn busy_timeout(mut self, length: Duration) -> Self {
        self.busy_timeout = length;
        self
    }

    /// Sets a key that the host keeps itself, for example in a vault. No key file is read or
    /// written then. While the key is being replaced, the [former](HostKeys::with_previous) one is
    /// given too.
    pub fn key(mut self, keys: impl Into<HostKeys>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    /// Accepts a key other than the one the file was written under, because that one is lost for
    /// good. Texts sealed under the lost key stay unreadable: such calls can no longer run.
    pub fn replace_lost_key(mut self) -> Self {
        self.replace_lost_key = true;
        self
    }

    /// Declares that the file was restored from a copy that hitl did not make (a snapshot of the
    /// disk, `cp` while nothing ran): it gets a new epoch, and everything that could run is held
    /// for review by a human. A copy made by [`back_up`](crate::SqliteStore::back_up) is recognised
    /// without this.
    pub fn restored(mut self) -> Self {
        self.restored = true;
        self
    }

    /// Accepts a clock that is more than 400 days ahead of the file's last change. Without this
    /// such a file is not opened: once a moment in the far future is stamped, no earlier one
    /// counts.
    pub fn accept_clock(mut self) -> Self {
        self.accept_clock = true;
        self
    }

    /// Limits the file to this many pages, to simulate a full disk.
    #[doc(hidden)]
    pub fn max_pages(mut self, pages: u32) -> Self {
        self.max_pages = Some(pages);
        self
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("busy_timeout", &self.busy_timeout)
            .field("keys", &self.keys)
            .field("replace_lost_key", &self.replace_lost_key)
            .finish_non_exhaustive()
    }
}
