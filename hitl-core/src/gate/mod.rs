//! The gate: the thin async driver around the pure parts.
//!
//! | file | what happens there |
//! |---|---|
//! | `builder` | a gate is put together, and refused when something is missing |
//! | `registry` | tools by name, typed or erased |
//! | `prepare` | a call is snapshotted, scored, routed and rendered; nothing is awaited |
//! | `preview` | the same as a dry run: what a gate would do with a call |
//! | `score` | scorers are asked about it |
//! | `submit` | it enters the store, or re-attaches to what is there |
//! | `review` | an approver is asked inline |
//! | `wait` | somebody waits for it; once approved, it is claimed |
//! | `claim` | what was approved is checked once more, and claimed |
//! | `tool_check` | whether its tool is still the one that was shown, here and elsewhere |
//! | `standing` | what the principal of a call may do now is asked, before it is claimed |
//! | `execute` | intent, body, result, record |
//! | `said` | what a tool said, as it may be kept |
//! | `call` | the entry points: typed calls from code, textual ones from a model; submissions |
//! | `call_builder` | typed calls, to the end of the body |
//! | `carried` | whether a snapshot says all that a typed call holds |
//! | `ownership` | a caller that goes away takes its call along |
//! | `attribution` | what the compiler says when nobody asks |
//! | `decide` | decisions, withdrawals, settlements |
//! | `words` | what people type is kept without secrets |
//! | `queue` | what waits, as one viewer sees it |
//! | `abort` | a reviewer stops a run: what of it has not started is withdrawn |
//! | `edit` | a human changes the arguments: the next revision |
//! | `edit_elsewhere` | the same at a gate without the tool, by the schema that is recorded |
//! | `uncover` | a reviewer sees what redaction masks |
//! | `uncovered_card` | the same, as it is sent to their surface |
//! | `erase`, `erase_lines`, `erase_scope` | people erase what has ended, in the store and in the audit; legal holds |
//! | `remember` | what a human has rejected is not asked about again |
//! | `grant` | a human permits what is like this: previewed, saved, revoked |
//! | `granted` | what a grant covers runs without asking |
//! | `retry` | an idempotent tool is tried once more |
//! | `retry_failed` | one that failed is tried again, as a call of its own |
//! | `view` | who may see which tenant's calls |
//! | `batch` | the parallel calls of one model turn |
//! | `together` | those of them that run together or not at all |
//! | `events` | what happens, in order, for one viewer |
//! | `reminders` | what somebody should be reminded of |
//! | `serve` | this process runs what others approved |
//! | `dynamic` | tools that are known only at run time |
//! | `observe` | spans and metrics |
//! | `recover` | what a dead process left is put in order |

mod abort;
#[cfg(feature = "policy-files")]
mod accept;
mod attribution;
mod batch;
mod builder;
mod call;
mod call_builder;
mod carried;
mod claim;
mod contents;
mod decide;
mod dynamic;
mod edit;
mod edit_elsewhere;
mod erase;
mod erase_lines;
mod erase_scope;
mod error;
mod events;
mod execute;
mod grant;
mod granted;
mod handle;
mod held;
mod identity;
mod keys;
mod observe;
mod outbox;
mod own_files;
mod ownership;
mod prepare;
mod preview;
mod queue;
mod recover;
mod registry;
mod remember;
mod reminders;
mod reseal;
mod retry;
mod retry_failed;
mod review;
mod said;
mod score;
mod serve;
mod standing;
mod submission;
mod submit;
mod taking;
mod together;
mod tool_check;
mod tool_set;
mod uncover;
mod uncovered_card;
mod view;
mod wait;
mod words;

#[doc(hidden)]
pub use attribution::SaysWhoAsks;
pub use batch::{Batch, BatchBuilder, Part, SubmittingBatch};
pub use builder::{BuildError, BuildErrorKind, GateBuilder};
pub use call::{SubmitBuilder, Submitting};
pub use call_builder::{Attributed, CallBuilder};
pub use erase::{ErasureReport, ErasureScope};
pub use error::{CallError, GateError, GateErrorKind, NotRun};
pub use events::{Events, Happening};
pub use grant::{GrantPreview, Granted};
pub use handle::{Gate, ToolInfo};
pub use preview::Preview;
pub use queue::{Queue, QueuePage};
pub use recover::Recovered;
pub use reminders::Reminders;
pub use reseal::{KeyUse, Resealed};
pub use submission::{Receipt, Submission, Ticket};
pub use tool_check::ToolStatus;
#[doc(hidden)]
pub use tool_set::OneBlockOfToolsForEachType;
pub use tool_set::ToolSet;
pub use uncover::{Places, Uncover, Uncovered, UncoveredPlace};
pub use uncovered_card::{UncoveredCard, UncoveredText};
pub use view::View;
