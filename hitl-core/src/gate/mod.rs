//! The gate: the thin async driver around the pure parts.
//!
//! | folder | purpose |
//! |---|---|
//! | `tools` | the tools by name, and whether a tool is the one that was shown |
//! | `evaluation` | a call is scored and routed; the identities of its people |
//! | `intake` | a call is read and submitted |
//! | `waiting` | a caller waits for a decision and an outcome; inline review |
//! | `claiming` | an approved call is checked once more and claimed |
//! | `parked` | a call of unknown outcome is settled: its tool is asked, or it is tried again |
//! | `notices` | what the gate says unasked: that a call waits, and how it is decided |
//! | `freeze` | freezing, thawing, and what is frozen |
//! | `execution` | intent, body, result, record |
//! | `review` | people decide, edit, uncover, abort, grant |
//! | `break_glass` | in an emergency: calls run without the people who would be asked |
//! | `worker` | approved calls run without a caller; recovery |
//! | `contents` | the files and contents that arguments name |
//! | `calls` | the store, and changes of state that need no tool |
//! | `audit` | the ledger of what the gate does |
//! | `keys` | sealing, digests, rotation of the host key |
//! | `erasure` | erasing calls, and legal holds |
//! | `read` | queue, events, reminders |
//!
//! A future that few calls need is boxed, so that the future of every call stays small.
//!
//! `core` names the parts that a gate consists of, `assemble` builds them, and `gate` is the public
//! handle.

mod assemble;
mod audit;
mod break_glass;
mod build_error;
mod builder;
mod calls;
mod claiming;
mod contents;
mod core;
mod erasure;
mod error;
mod evaluation;
mod execution;
mod freeze;
#[expect(clippy::module_inception, reason = "named after its main type")]
mod gate;
mod intake;
mod keys;
mod masking;
mod notices;
mod parked;
mod read;
mod review;
mod stored_text;
mod telemetry;
mod tools;
mod waiting;
mod worker;

pub use build_error::{BuildError, BuildErrorKind};
pub use builder::GateBuilder;
pub use erasure::report::{ErasureReport, ErasureScope};
pub use error::{CallError, GateError, GateErrorKind, NotRunReason};
pub use freeze::freezing::MAX_FREEZE_REASON;
pub use gate::{Gate, ToolInfo};
#[doc(hidden)]
pub use intake::attribution::SaysWhoAsks;
pub use intake::batch::{Batch, BatchBuilder, BatchPart, ReadyBatch};
pub use intake::call_builder::{CallBuilder, ReadyCall};
pub use intake::preview::Preview;
pub use intake::repeat::Repeat;
pub use intake::submit_builder::{
    ModelCall, ReadySubmission, SubmitBuilder, TextSubmissionBuilder,
};
pub use keys::reseal::{KeyUse, ResealReport};
pub use notices::break_glass_notice::{BreakGlassEvent, BreakGlassNotice};
pub use notices::build_warning::{BuildWarning, BuildWarningKind};
pub use notices::frozen_notice::FrozenNotice;
pub use notices::notice::Notice;
pub use notices::parked_notice::ParkedNotice;
pub use notices::wait_timeout::{LeftCall, WaitTimeout};
pub use notices::waiting_notice::WaitingNotice;
pub use read::by_reference::ReferencedRequest;
pub use read::earlier::EarlierCalls;
pub use read::events::{Events, GateEvent};
pub use read::queue::{Queue, QueuePage};
pub use read::reminders::Reminders;
pub use read::scoped::ScopedGate;
pub use read::shown_result::ShownResult;
pub use read::unscoped::UnscopedGate;
pub use review::absence::AbsenceSetter;
pub use review::assign::Assigned;
pub use review::edit_preview::EditPreview;
pub use review::grant_admin::{GrantPreview, SavedGrant};
pub use review::review_access::ReviewAccess;
pub use review::uncovered_card::{UncoveredCard, UncoveredText};
pub use review::uncovered_request::{MaskSelection, UncoveredPlace, UncoveredRequest};
pub use tools::status::ToolStatus;
#[doc(hidden)]
pub use tools::tool_set::OneBlockOfToolsForEachType;
pub use tools::tool_set::ToolSet;
pub use waiting::receipt::Receipt;
pub use waiting::submission::Submission;
pub use waiting::ticket::Ticket;
pub use worker::recover::RecoveryReport;
