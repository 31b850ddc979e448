//! What is known of an installation. What could not be read is there as the reason.

use std::time::Duration;

use hitl_base::Timestamp;
use hitl_core::people::CodeDemand;
use hitl_store::StoreInspection;

use crate::person::Presence;

/// What is known of an installation with a store.
pub(super) struct Facts {
    pub(super) store: StoreFacts,
    /// `None` if the store was not opened.
    pub(super) key: Option<Result<KeyFacts, String>>,
    pub(super) audit: Vec<AuditFacts>,
    /// What verifying all chains together found; `None` if no audit was named or none can be read.
    pub(super) verified: Option<Result<VerifiedFacts, String>>,
    pub(super) policy: Option<PolicyFacts>,
    pub(super) calls: Option<Result<CallFacts, String>>,
    pub(super) executors: Option<Result<Vec<ExecutorFacts>, String>>,
    pub(super) person: PersonFacts,
}

/// The store itself.
pub(super) struct StoreFacts {
    /// Its path, or the address without a password.
    pub(super) place: String,
    pub(super) inspection: Result<StoreInspection, String>,
    pub(super) opened: Opened,
    /// What is known of a file; `None` for a database.
    pub(super) file: Option<FileFacts>,
    /// The machine's clock.
    pub(super) now: Timestamp,
}

/// Whether the store was opened, to look inside.
pub(super) enum Opened {
    Yes,
    /// Opening it would have changed it.
    NotTried,
    Failed(String),
}

/// The file of a store, and its disk.
#[derive(Clone, Debug, Default)]
pub(super) struct FileFacts {
    /// Whether this user may create files beside it: sessions, the write-ahead log.
    pub(super) folder_takes_files: bool,
    /// The length of its write-ahead log, in bytes.
    pub(super) log_bytes: u64,
    /// What is free on its disk, in bytes, where the system says it.
    pub(super) free_bytes: Option<u64>,
}

/// The host key.
#[derive(Debug, Default)]
pub(super) struct KeyFacts {
    /// The id of the key that seals.
    pub(super) current: Option<String>,
    /// The number of texts under other keys that were given.
    pub(super) under_previous: u64,
    /// The number of texts under keys that were not given.
    pub(super) under_unknown: u64,
    /// The number of running programs that seal under another key.
    pub(super) programs: u64,
    /// People whose device was enrolled under a former key.
    pub(super) devices: Vec<String>,
}

/// One audit folder or file.
pub(super) struct AuditFacts {
    pub(super) path: String,
    /// The number of chains in it.
    pub(super) chains: Result<usize, String>,
    /// Whether this user may write there.
    pub(super) is_writable: bool,
}

/// What verifying the chains found.
#[derive(Debug, Default)]
pub(super) struct VerifiedFacts {
    pub(super) records: u64,
    pub(super) chains: usize,
    /// Each finding in words.
    pub(super) findings: Vec<String>,
}

/// The rule file.
#[derive(Debug, Default)]
pub(super) struct PolicyFacts {
    pub(super) file: String,
    /// The reason why it cannot be read.
    pub(super) unreadable: Option<String>,
    pub(super) mistakes: Vec<String>,
    pub(super) warnings: Vec<String>,
    pub(super) failed_tests: Vec<String>,
    pub(super) tests: usize,
    /// The accepted version in force.
    pub(super) in_force: Option<String>,
    /// The version that waits to be accepted.
    pub(super) waiting: Option<String>,
}

/// The calls.
#[derive(Debug, Default)]
pub(super) struct CallFacts {
    pub(super) pending: String,
    /// The number of calls that expired and have not been ended yet.
    pub(super) expired: usize,
    /// The number of calls that are claimed by a process that died.
    pub(super) claimed_by_dead: usize,
    /// The number of calls whose outcome is unknown, as it is shown; `None` if there is none.
    pub(super) unknown: Option<String>,
    /// The approved calls that no living executor runs as they were approved, some of them by id.
    pub(super) orphaned: Vec<String>,
    /// The number of approved calls that were looked at.
    pub(super) approved: usize,
    /// The longest time since when one of the orphaned has been approved.
    pub(super) oldest_orphan: Duration,
    /// What is frozen, by whom and why, safe to show.
    pub(super) freezes: Vec<String>,
    /// The grants in force that were given by breaking the glass, safe to show.
    pub(super) broken_glass: Vec<String>,
}

/// An executor.
#[derive(Clone, Debug)]
pub(super) struct ExecutorFacts {
    pub(super) is_alive: bool,
    /// Its tools: the name, and what tells two versions apart.
    pub(super) tools: Vec<(String, String)>,
}

/// The person who runs this program.
pub(super) struct PersonFacts {
    /// The name under which they would decide.
    pub(super) name: Result<String, String>,
    /// What an answer takes here. `None` if it is not known who has enrolled.
    pub(super) presence: Option<Presence>,
    /// Whether they have enrolled a device or codes.
    pub(super) is_enrolled: bool,
}

/// What a console says.
pub(super) struct ConsoleFacts {
    /// The owner of the token, and what needs a code of them; or why the console does not say.
    pub(super) owner: Result<(String, Option<CodeDemand>), String>,
    pub(super) presence: Option<Presence>,
    pub(super) counts: Result<ConsoleCounts, String>,
    /// The number of tools that are registered at the console.
    pub(super) tools: usize,
    pub(super) policies: Result<Vec<ConsolePolicy>, String>,
    /// How far the console's clock is from the machine's.
    pub(super) clock_skew: Duration,
}

/// The numbers of calls, as they are shown.
#[derive(Clone, Debug)]
pub(super) struct ConsoleCounts {
    pub(super) pending: String,
    /// `None` if there is none.
    pub(super) overdue: Option<String>,
    pub(super) approved: Option<String>,
    pub(super) unknown: Option<String>,
}

/// A rule file of a console.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ConsolePolicy {
    pub(super) file: String,
    pub(super) in_force: Option<ConsoleVersion>,
    pub(super) has_problem: bool,
    pub(super) waits: bool,
}

/// A version of a rule file.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct ConsoleVersion {
    pub(super) version: String,
}
