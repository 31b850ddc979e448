//! **A human in the loop of AI agents.** A tool call is a value. A gate scores it, routes it, asks
//! a human when it should, and starts it at most once.
//!
//! # The tour
//!
//! ## 1. A tool
//!
//! [`#[hitl_tool]`](hitl_tool) turns an async fn into a constructor of calls. Calling it runs
//! nothing: it gives you the arguments, as a value that only a [`Gate`] can run.
//!
//! ```
//! use hitl::prelude::*;
//!
//! /// Sends an invoice.
//! #[hitl_tool(risk = "medium", describe = "Invoice {customer} over ${amount}")]
//! async fn send_invoice(
//!     /// Who gets it.
//!     customer: String,
//!     amount: f64,
//! ) -> Result<String, std::io::Error> {
//!     Ok(format!("{customer} owes {amount}"))
//! }
//!
//! let call: SendInvoice = send_invoice("Initech", 120.0);
//! assert_eq!(format!("{call:?}"), r#"SendInvoice({"customer":"Initech","amount":120.0})"#);
//! ```
//!
//! ## 2. A gate
//!
//! [`Gate::builder`] combines tools, their host state, a [`Store`], an [`Approver`] for quick
//! questions and an [`AuditSink`]. There are two ways to call a tool: typed ([`Gate::call`],
//! [`Gate::submit`]) and as a model writes it ([`Gate::call_json`], [`Gate::submit_json`]).
//! [`Gate::assess`] is the dry run.
//!
//! ```
//! # use hitl::prelude::*;
//! # /// Sends an invoice.
//! # #[hitl_tool(risk = "medium", describe = "Invoice {customer} over ${amount}")]
//! # async fn send_invoice(customer: String, amount: f64) -> Result<String, std::io::Error> {
//! #     Ok(format!("{customer} owes {amount}"))
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = Gate::builder().tool::<SendInvoice>().build().await?;
//!
//! let preview = gate.assess(&send_invoice("Initech", 9000.0), "ann")?;
//! assert_eq!(preview.assessment.confidence, 70 - 15);
//! assert_eq!(preview.verdict, Verdict::Ask(ApprovalLevel::Full));
//! assert_eq!(preview.title, "Invoice \"Initech\" over $9,000.00");
//!
//! // Two phases: submit now, decide later, run what was approved.
//! let submission = gate.submit(send_invoice("Initech", 9000.0)).by("ann").key("run-1", 0).await?;
//! let Submission::Pending(ticket) = submission else { panic!("it needs a review") };
//! gate.decide(ticket.request().approve().by("bob")).await?;
//! let Outcome::Executed(output) = ticket.wait().await? else { panic!("it was approved") };
//! assert_eq!(output.parse::<String>()?, "Initech owes 9000");
//! # Ok(())
//! # }
//! ```
//!
//! ## 3. Who is asked
//!
//! | level | when | who |
//! |---|---|---|
//! | [`Auto`](ApprovalLevel::Auto) | confident enough | nobody; the audit says so |
//! | [`Quick`](ApprovalLevel::Quick) | in between | the gate's [`Approver`], inline; without an answer it waits like Full |
//! | [`Full`](ApprovalLevel::Full) | not confident, or a rule says so | a reviewer, in the queue: [`Gate::scoped_to`], [`Gate::decide`] |
//!
//! Confidence is a base and [`Factor`](confidence::Factor)s from [`Signal`]s
//! ([`assess`](confidence::assess)); [`route`](policy::route) makes the [`Verdict`]. Approvers:
//! `TerminalApprover` (feature `terminal`), [`approval::channel`], [`approval::ScriptedApprover`],
//! combined by [`approval::ApproverExt`].
//!
//! ## 4. Durability
//!
//! A [`Store`] keeps calls: [`MemoryStore`] while the process lives, `SqliteStore` (feature
//! `sqlite`, on by default) in one file, through `kill -9`. Give each call a [`CallKey`] and submit
//! it again after a restart: it re-attaches, and starts nothing twice. A call that a dead process
//! was running becomes [`Outcome::OutcomeUnknown`], for a human to [resolve](Gate::resolve).
//!
//! ## 5. Long work
//!
//! [`tasks`] runs multi-step work with timeouts, retries, cancellation and live progress.
//! [`GateInTask`] joins the two: a gated call inside a step, whose wait for a human costs no time
//! and no slot.
//!
//! # Where to go next
//!
//! | for | read |
//! |---|---|
//! | a program from `cargo add` to an approval in another terminal | the [tutorial][1] |
//! | the loop of an agent: transcript, restarts, what the model reads | [an agent's loop][9] |
//! | recipes, testing, several processes, tenants, backups | the [guide][2] |
//! | reviewers in a browser | [the console][3], in the crate [`hitl-console`][4] |
//! | reviewers in a terminal, and scripts | [the command line][5]: the program `hitl` of the crate `hitl-cli` |
//! | long work | [`tasks`], and [what happens when][6] |
//! | rules about who may do what | the [page on policies][7] |
//!
//! hitl has no adapters for particular models or frameworks: [`Gate::submit_json`] takes what any
//! model writes (OpenAI's `tool_calls`, MCP's `tools/call`). A tool that an MCP server lists at run
//! time is a [`dynamic::DynTool`], and an [`Approver`] asks in a chat such as Slack. [Coming from
//! LangChain or OpenAI's Agents SDK][8] has their names beside those of hitl.
//!
//! [1]: https://github.com/hitl-rs/hitl/blob/main/docs/guide/tutorial.md
//! [2]: https://github.com/hitl-rs/hitl/blob/main/docs/guide/README.md
//! [3]: https://github.com/hitl-rs/hitl#the-console
//! [4]: https://docs.rs/hitl-console
//! [5]: https://github.com/hitl-rs/hitl#the-command-line
//! [6]: https://github.com/hitl-rs/hitl/blob/main/docs/tasks.md
//! [7]: https://github.com/hitl-rs/hitl/blob/main/docs/policy.md
//! [8]: https://github.com/hitl-rs/hitl/blob/main/docs/guide/migrate.md
//! [9]: https://github.com/hitl-rs/hitl/blob/main/docs/guide/agent-loop.md
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `sqlite` | yes | `SqliteStore`: one file |
//! | `postgres` | no | `PostgresStore`: several machines |
//! | `policy-files` | no | `RuleFile`: rules in TOML, reloaded while they are in use |
//! | `terminal` | no | `TerminalApprover`, `tasks::ProgressBars` |
//! | `checkpoints` | no | signed checkpoints of the audit |
//! | `metrics` | no | counters and gauges through the `metrics` facade |

// On docs.rs, items say which feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

// The names that most programs need. A new public item of a crate becomes API of this one only when
// it is listed here or belongs to one of the modules.
pub use hitl_base::{Json, Sensitive, Timestamp};
pub use hitl_base::{clock, display, json, redact};
pub use hitl_core::{
    ApprovalLevel, ApprovalRequest, Approver, AuditSink, CallContext, CallError, CallKey,
    CallRecord, CallState, Decision, Gate, GateBuilder, GateError, JsonlAudit, MemoryAudit,
    MemoryStore, NotRunReason, Outcome, Policy, Principal, Reconciliation, RequestId, Risk,
    RunContext, Signal, Store, Submission, Tenant, Ticket, Tool, Verdict,
};
#[doc(inline)]
pub use hitl_core::{
    approval, arguments, audit, call, confidence, dynamic, gate, grant, policy, queue, seal,
};
pub use hitl_macros::{hitl_tool, hitl_tools};
#[cfg(feature = "postgres")]
pub use hitl_store::PostgresStore;
#[cfg(feature = "sqlite")]
pub use hitl_store::SqliteStore;
#[doc(inline)]
pub use hitl_tasks as tasks;
#[doc(no_inline)]
pub use schemars::{self, JsonSchema};

pub mod backend;
pub mod store;

#[doc(hidden)]
pub mod __private;
mod in_task;

pub use in_task::{GateInTask, ReadyStepCall, StepCall};

/// The items that most programs import: `use hitl::prelude::*;`
pub mod prelude {
    #[cfg(feature = "terminal")]
    pub use hitl_core::TerminalApprover;
    pub use hitl_core::approval::ApproverExt;
    pub use hitl_core::{
        ApprovalLevel, CallContext, CallError, CallKey, Gate, GateBuilder, JsonlAudit,
        NotRunReason, Outcome, Principal, Reconciliation, Submission, Tool, Verdict,
    };
    #[cfg(feature = "sqlite")]
    pub use hitl_store::SqliteStore;
    #[cfg(feature = "terminal")]
    pub use hitl_tasks::ProgressBars;
    pub use hitl_tasks::{Retry, StepContext, Task, TaskManager, TaskStep};

    pub use crate::{hitl_tool, hitl_tools};
}

/// The examples of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The examples of the guide, compiled and run.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../docs/guide/tutorial.md")]
    struct Tutorial;
    #[doc = include_str!("../docs/effects.md")]
    struct Effects;
    #[doc = include_str!("../docs/guide/levels.md")]
    struct Levels;
    #[doc = include_str!("../docs/guide/agent-loop.md")]
    struct AgentLoop;
    #[cfg(all(feature = "sqlite", feature = "terminal"))]
    #[doc = include_str!("../docs/guide/tasks.md")]
    struct TasksTutorial;
    #[doc = include_str!("../docs/guide/testing.md")]
    struct Testing;
    #[doc = include_str!("../docs/guide/replicas.md")]
    struct Replicas;
    #[doc = include_str!("../docs/guide/tenants.md")]
    struct Tenants;
    #[doc = include_str!("../docs/guide/extend.md")]
    struct Extend;
    #[doc = include_str!("../docs/guide/store.md")]
    struct OwnStore;
    #[doc = include_str!("../docs/guide/backup.md")]
    struct Backup;
    #[doc = include_str!("../docs/guide/recipes/always-allow.md")]
    struct AlwaysAllow;
    #[doc = include_str!("../docs/guide/recipes/retries.md")]
    struct Retries;
    #[doc = include_str!("../docs/guide/recipes/preview.md")]
    struct PreviewOfACall;
}

/// The recipes with rules in them.
#[cfg(all(doctest, feature = "policy-files"))]
mod recipes {
    #[doc = include_str!("../docs/guide/recipes/two-persons.md")]
    struct TwoPersons;
    #[doc = include_str!("../docs/guide/recipes/escalation.md")]
    struct Escalation;
    #[doc = include_str!("../docs/guide/recipes/chat.md")]
    struct Chat;
    #[doc = include_str!("../docs/guide/recipes/shadow.md")]
    struct Shadow;
    #[doc = include_str!("../docs/guide/recipes/own-secrets.md")]
    struct OwnSecrets;
    #[cfg(feature = "sqlite")]
    #[doc = include_str!("../docs/guide/recipes/restart.md")]
    struct Restart;
}
