//! What the command line says.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use hitl_base::Timestamp;
use hitl_core::grant::ParseAmountError;
use hitl_core::{Amount, ApprovalLevel, CallState, GrantId, Priority, QueueOrder, RequestId, Risk};
use serde::de::DeserializeOwned;

use crate::commands::erase::EraseArguments;
use crate::commands::hold::HoldCommand;
use crate::commands::key::KeyCommand;
use crate::exit::EXIT_CODES;
use crate::person::PersonCommand;

/// What waits for a human, seen and decided in a terminal or by a script.
#[derive(Debug, Parser)]
#[command(name = "hitl", version, after_long_help = EXIT_CODES, infer_subcommands = false)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Print JSON for programs instead of text for people.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which calls it is about.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The store: an SQLite file, or `postgres://..`.
    #[arg(long, global = true, env = "HITL_DB", hide_env_values = true, value_name = "FILE|URL")]
    pub(crate) db: Option<String>,
    /// The schema of a PostgreSQL store, when it is not `hitl`.
    #[arg(long, global = true, env = "HITL_SCHEMA", value_name = "NAME")]
    pub(crate) schema: Option<String>,
    /// Instead of a store, a console: its address, `http://127.0.0.1:PORT` or `https://..`. Who you
    /// are says a token, in the environment variable `HITL_TOKEN` or in --token-file.
    #[arg(long, global = true, env = "HITL_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The file with the token for the console.
    #[arg(long, global = true, env = "HITL_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The file with the host key, 64 hexadecimal digits: of a PostgreSQL store, or of an SQLite
    /// file whose host keeps the key itself. While the key is replaced, the former ones follow, one
    /// a line.
    #[arg(long, global = true, env = "HITL_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Only this tenant's calls are seen and decided; may be repeated. Default: all tenants.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) tenant: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what waits for a decision, what is to be looked at first on top.
    Queue(QueueArguments),
    /// Show one call: the card, where it stands, and what happened to it.
    Show {
        /// The call's id.
        id: RequestId,
        /// Also show what redaction masks. You need the rights of a decision; the audit keeps who
        /// uncovered what, so a store needs --audit. What the host declared sensitive stays hidden.
        #[arg(long)]
        uncover: bool,
        #[command(flatten)]
        who: Who,
    },
    /// Approve a call, after a look at it: on a terminal its card is shown and a question asked,
    /// elsewhere --binding is needed.
    Approve {
        #[command(flatten)]
        decide: Decide,
        /// The exact name of what is deleted, for deletions.
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
        /// Do not ask. Needs --binding.
        #[arg(long, requires = "binding")]
        yes: bool,
    },
    /// Change arguments, and approve that: in your editor, or by a patch. With --db only for tools
    /// that are known by their schema; arguments of the others are checked where they are
    /// registered, with --url. Whoever runs the call assesses it again.
    Edit {
        #[command(flatten)]
        decide: Decide,
        /// What changes: a JSON merge patch (RFC 7396), like '{"amount": 80}'. Default: the
        /// arguments are opened in $VISUAL or $EDITOR.
        #[arg(long, value_name = "JSON")]
        patch: Option<String>,
    },
    /// Reject a call. The model is told why.
    Reject {
        #[command(flatten)]
        decide: Decide,
        /// Why.
        #[arg(long)]
        reason: String,
        /// The same call may be asked about again in the same run.
        #[arg(long)]
        may_ask_again: bool,
    },
    /// Answer the model instead of running the call.
    Respond {
        #[command(flatten)]
        decide: Decide,
        /// The answer.
        #[arg(long)]
        message: String,
    },
    /// Do not run the call, and stop the run.
    Abort {
        #[command(flatten)]
        decide: Decide,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List the grants: what runs without asking, and what has been drawn on it. Or show one.
    Grants(GrantsArguments),
    /// Let a call run, and calls like it without asking from now on. The exact rule is shown and a
    /// question asked; elsewhere --binding is needed. Default: the very same arguments, in this
    /// run.
    Allow(AllowArguments),
    /// Take a grant back. What it has allowed and has not begun is asked about again.
    Revoke {
        /// The grant's id, as `grants` prints it.
        grant: GrantId,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Who,
    },
    /// Erase what is kept of calls that have ended. Keys stay taken, and the audit's chain stays
    /// whole. What a legal hold covers is left. Needs a person, and --audit.
    Erase(EraseArguments),
    /// Place, release and list legal holds.
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Settle a call whose outcome is not known, after you have looked what it did.
    Resolve(ResolveArguments),
    /// List the tasks and how far they are. A console says it as it happens; a store as its journal
    /// has it, the youngest first: a task that was begun and not ended is running, also when its
    /// process died, and the step that runs counts as 0 %.
    Tasks {
        /// Maximum number to list.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Follow what happens to calls until interrupted.
    Watch {
        /// Begin after this change, as `watch` prints it; of a store a number, 0 is the beginning.
        /// Default: what comes from now on.
        #[arg(long, value_name = "PLACE")]
        after: Option<String>,
        /// End after this number of changes.
        #[arg(long, value_name = "N")]
        count: Option<u64>,
    },
    /// Check audit logs.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Say who is a person: enrol a device or codes, by which an agent in somebody's shell is told
    /// from them.
    Person {
        #[command(subcommand)]
        command: PersonCommand,
    },
    /// Replace the host key of a store: rotate, reseal, retire.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Check rule files.
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Count what waits, and what was decided. Reads every call of a store; a console counts the
    /// outcomes of the last 90 days.
    Stats,
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct QueueArguments {
    /// Calls in this state; may be repeated. Default: pending.
    #[arg(long, value_parser = state)]
    pub(crate) state: Vec<CallState>,
    /// Of this tool.
    #[arg(long)]
    pub(crate) tool: Option<String>,
    /// Of this priority: medium, high, urgent.
    #[arg(long, value_parser = word::<Priority>)]
    pub(crate) priority: Option<Priority>,
    /// At this level: quick, full.
    #[arg(long, value_parser = word::<ApprovalLevel>)]
    pub(crate) level: Option<ApprovalLevel>,
    /// Of this risk: low, medium, high, critical.
    #[arg(long, value_parser = word::<Risk>)]
    pub(crate) risk: Option<Risk>,
    /// Of this run.
    #[arg(long)]
    pub(crate) run: Option<String>,
    /// Asked for by this principal.
    #[arg(long, value_name = "NAME")]
    pub(crate) principal: Option<String>,
    /// With this text in the title.
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// In this order. What has ended is listed as it came.
    #[arg(long, value_enum, default_value_t = Order::Reviewer)]
    pub(crate) order: Order,
    /// Maximum number to list.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Order {
    /// By priority and due time, agents taking turns.
    Reviewer,
    /// What is due first.
    Due,
    /// What came first.
    Created,
}

impl From<Order> for QueueOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::Reviewer => Self::Reviewer,
            Order::Due => Self::Due,
            Order::Created => Self::Created,
        }
    }
}

/// Who decides about what.
#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The call's id.
    pub(crate) id: RequestId,
    /// What you have looked at: the beginning of the binding digest that `show` prints, at least 8
    /// digits. A call that is another one by now is left alone.
    #[arg(long, value_name = "DIGITS")]
    pub(crate) binding: Option<String>,
    #[command(flatten)]
    pub(crate) who: Who,
}

/// Who decides. Whoever may write to the store is believed; a console knows it by the token.
#[derive(Debug, Args)]
pub(crate) struct Who {
    /// Who decides. Default: the operating system's user. Name an agent `agent:NAME` and a service
    /// `service:NAME`; they answer only what the host lets them.
    #[arg(long = "as", env = "HITL_APPROVER", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// In which role; may be repeated.
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Vec<String>,
    /// The folder of the audit log, in which this program writes a file of its own. Without it the
    /// decision is in the store's history alone.
    #[arg(long, env = "HITL_AUDIT", value_name = "FOLDER")]
    pub(crate) audit: Option<PathBuf>,
    /// A one-time code, of a device or printed: says that it is you, also where an agent is near.
    /// Asked for at a terminal where it is needed; not used up by what only stops something.
    #[arg(long, env = "HITL_CODE", hide_env_values = true, value_name = "CODE")]
    pub(crate) code: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct GrantsArguments {
    /// Only this one.
    pub(crate) grant: Option<GrantId>,
    /// Also those that are revoked or whose time is over.
    #[arg(long)]
    pub(crate) all: bool,
    /// Of this tool.
    #[arg(long)]
    pub(crate) tool: Option<String>,
    /// For calls of this principal.
    #[arg(long, value_name = "NAME")]
    pub(crate) principal: Option<String>,
    /// Maximum number to list.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct AllowArguments {
    #[command(flatten)]
    pub(crate) decide: Decide,
    /// In any run, until it is revoked; not only in this one.
    #[arg(long)]
    pub(crate) durable: bool,
    /// With any arguments.
    #[arg(long, conflicts_with_all = ["same", "at_most", "like", "inside", "host"])]
    pub(crate) any: bool,
    /// With this argument as it is in the call, others free; may be repeated.
    #[arg(long, value_name = "ARGUMENT")]
    pub(crate) same: Vec<String>,
    /// With at most this number in this argument, others free; may be repeated.
    #[arg(long, value_name = "ARGUMENT=NUMBER", value_parser = at_most)]
    pub(crate) at_most: Vec<(String, Amount)>,
    /// With plain text of this form in this argument, `*` for any; may be repeated. Text with signs
    /// that a shell, a path or a URL gives a meaning to is asked about.
    #[arg(long, value_name = "ARGUMENT=FORM", value_parser = pair)]
    pub(crate) like: Vec<(String, String)>,
    /// With the path of a file below this folder in this argument; may be repeated.
    #[arg(long, value_name = "ARGUMENT=FOLDER", value_parser = pair)]
    pub(crate) inside: Vec<(String, String)>,
    /// With a URL of this host, over https, in this argument; may be repeated.
    #[arg(long, value_name = "ARGUMENT=HOST", value_parser = pair)]
    pub(crate) host: Vec<(String, String)>,
    /// Maximum number of starts.
    #[arg(long, value_name = "N")]
    pub(crate) uses: Option<u64>,
    /// Maximum sum of this argument over all calls together.
    #[arg(long, value_name = "ARGUMENT=NUMBER", value_parser = at_most)]
    pub(crate) sum: Option<(String, Amount)>,
    /// Until then: a moment like 2027-01-31T18:00:00Z, or a time from now like 30m, 8h or 7d.
    #[arg(long, value_name = "TIME", value_parser = until)]
    pub(crate) until: Option<Until>,
    /// Show the rule, and give no grant.
    #[arg(long)]
    pub(crate) preview: bool,
}

/// When something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Then.
    At(Timestamp),
    /// So long from now.
    In(Duration),
}

#[derive(Debug, Args)]
pub(crate) struct ResolveArguments {
    /// The call's id.
    pub(crate) id: RequestId,
    #[command(flatten)]
    pub(crate) found: Found,
    /// With --retry: you attest that the earlier attempt is over, although its process may live.
    #[arg(long, requires = "retry")]
    pub(crate) attest: bool,
    /// What you have looked at: the record's version that `show` prints.
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u64>,
    #[command(flatten)]
    pub(crate) who: Who,
}

/// What somebody found who has looked.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Found {
    /// It took effect.
    #[arg(long)]
    pub(crate) done: bool,
    /// It did not, or only in part: what you saw.
    #[arg(long, value_name = "REASON")]
    pub(crate) failed: Option<String>,
    /// It may run once more.
    #[arg(long)]
    pub(crate) retry: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check that nothing was changed, removed or put in. With --db also that every call that ran
    /// is in the log. Without a checkpoint kept elsewhere, a log that was written anew looks sound.
    Verify {
        /// The log's files, one for each chain; the segments that they were rotated from are found.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// A checkpoint that was kept elsewhere (JSON); may be repeated.
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        /// Trust checkpoints signed by this key (64 hexadecimal digits), and no others.
        #[arg(long, value_name = "KEY")]
        trust: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Read a rule file and run the tests that it carries.
    Test {
        /// The rule file (TOML).
        file: PathBuf,
    },
    /// Accept a rule file that may relax what was accepted before. The difference is shown, and a
    /// person is asked; where nobody can be asked, --digest names what was looked at. With --db
    /// what is accepted is kept beside the store, otherwise beside the rule file: give what the
    /// host gives. A first load waits, too: whether the host trusts it is not known here. Without
    /// --db no one-time code is checked, so only a person at a terminal accepts it.
    Accept {
        /// The rule file (TOML).
        file: PathBuf,
        /// The file's SHA-256, or at least 8 digits of its beginning, as this command prints it.
        #[arg(long, value_name = "DIGITS")]
        digest: Option<String>,
        /// Show the difference, and accept nothing.
        #[arg(long)]
        preview: bool,
        /// Vouch for it with the host's key: that of --key-file, or of the store.
        #[arg(long)]
        keyed: bool,
        /// Who accepts it. Default: the operating system's user.
        #[arg(long = "as", env = "HITL_APPROVER", value_name = "NAME")]
        name: Option<String>,
        /// The folder of the audit log, in which this program writes a file of its own: it has the
        /// acceptance before it takes effect. Without it the acceptance file alone names who
        /// accepted.
        #[arg(long, env = "HITL_AUDIT", value_name = "FOLDER")]
        audit: Option<PathBuf>,
        /// A one-time code, of a device or printed: says that it is you, also where an agent is
        /// near.
        #[arg(long, env = "HITL_CODE", hide_env_values = true, value_name = "CODE")]
        code: Option<String>,
    },
}

/// A value by the name that it has in JSON.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|_| "there is no such value".to_owned())
}

/// `NAME=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("this is written ARGUMENT=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// `NAME=NUMBER`.
fn at_most(text: &str) -> Result<(String, Amount), String> {
    let (name, number) = pair(text)?;
    Ok((name, number.parse().map_err(|why: ParseAmountError| why.to_string())?))
}

fn until(text: &str) -> Result<Until, String> {
    if let Ok(moment) = text.parse() {
        return Ok(Until::At(moment));
    }
    let length = || {
        let unit = text.chars().last()?;
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        // A century is for ever; more would not fit a moment.
        number.checked_mul(seconds).filter(|seconds| *seconds <= 100 * 365 * 86_400)
    };
    let wrong = || "a moment like 2027-01-31T18:00:00Z, or a time like 30m, 8h or 7d".to_owned();
    length().map(|seconds| Until::In(Duration::from_secs(seconds))).ok_or_else(wrong)
}

fn state(text: &str) -> Result<CallState, String> {
    CallState::ALL.into_iter().find(|state| state.name() == text).ok_or_else(|| {
        let names = CallState::ALL.map(CallState::name);
        format!("states are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_grant_ends_when_it_is_told_to() {
        let hours = |n: u64| Ok(Until::In(Duration::from_secs(n * 3600)));
        assert_eq!(until("8h"), hours(8));
        assert_eq!(until("7d"), hours(7 * 24));
        let moment: Timestamp = "2027-01-31T18:00:00Z".parse().unwrap();
        assert_eq!(until("2027-01-31T18:00:00Z"), Ok(Until::At(moment)));
        for wrong in ["", "h", "8", "-8h", "8 h", "8w", "1.5h", "tomorrow", "99999999999d"] {
            assert!(until(wrong).is_err(), "{wrong}");
        }
        assert!(at_most("amount=-5").is_err() && at_most("amount").is_err());
        assert_eq!(pair("to=a=b"), Ok(("to".to_owned(), "a=b".to_owned())));
    }

    #[test]
    fn yes_alone_approves_nothing() {
        let id = RequestId::new().to_string();
        let line = |rest: &[&str]| {
            let words = ["hitl", "approve", id.as_str()].into_iter().chain(rest.iter().copied());
            Arguments::try_parse_from(words).is_ok()
        };
        assert!(!line(&["--yes"]));
        assert!(line(&["--yes", "--binding", "01234567"]));
    }
}
