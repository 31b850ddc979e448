//! `hitl freeze` and `hitl thaw`: nothing starts between the two.

use std::fmt::Write as _;

use hitl_base::display::visible;
use hitl_core::{Freeze, FreezeScope, ReviewerIdentity, Tenant};
use hitl_wire::freeze::{FreezeList, FreezeReach};
use serde::Serialize;

use super::decide::{authenticate, require_person_at_console};
use super::{Output, check_audited};
use crate::args::{BackendArgs, DeciderArgs};
use crate::backend::{Backend, ConsoleClient, StoreBackend};
use crate::exit::Failure;
use crate::person::Deed;
use crate::view::CommandHint;

/// A freeze, as it is printed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FreezeLine {
    /// The tenant; `None` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// The name of what is frozen, for people.
    #[serde(skip)]
    what: String,
    by: String,
    at: hitl_base::Timestamp,
    reason: String,
}

impl From<&Freeze> for FreezeLine {
    fn from(freeze: &Freeze) -> Self {
        let tenant = match &freeze.scope {
            FreezeScope::All => None,
            FreezeScope::Tenant(tenant) => Some(tenant.to_string()),
        };
        let what = freeze.scope.to_string();
        let (by, at, reason) = (freeze.by.to_string(), freeze.at, freeze.reason.clone());
        Self { tenant, what, by, at, reason }
    }
}

/// Freezes the tenants that the command line names, or all.
pub(super) async fn freeze(
    backend: &BackendArgs,
    reason: &str,
    who: &DeciderArgs,
    output: &Output,
) -> Result<(), Failure> {
    match Backend::open(backend, who.audit.as_deref()).await? {
        Backend::Store(store) => {
            let by = authenticate(Deed::Stop, who, backend, &store).await?;
            for scope in scopes(backend) {
                store.gate.freeze(scope, reason, by.clone()).await?;
            }
            report(&store, backend, output).await?;
            if who.audit.is_none() {
                let why = "this is in no audit log: name its folder with --audit FOLDER";
                output.note(why)?;
            }
            check_audited(&store)
        }
        Backend::Console(console) => {
            ConsoleClient::refuse_name(who)?;
            print(&lines(&console.freeze(reason)?), output)
        }
    }
}

/// Thaws the tenants that the command line names, or all.
pub(super) async fn thaw(
    backend: &BackendArgs,
    who: &DeciderArgs,
    output: &Output,
) -> Result<(), Failure> {
    if who.audit.is_none() && backend.url.is_none() {
        let why = "a thaw must be audited: name the folder of the audit log with --audit FOLDER";
        return Err(Failure::usage(why));
    }
    match Backend::open(backend, who.audit.as_deref()).await? {
        Backend::Store(store) => {
            let by: ReviewerIdentity = authenticate(Deed::Loosen, who, backend, &store).await?;
            for scope in scopes(backend) {
                store.gate.thaw(&scope, by.clone()).await?;
            }
            report(&store, backend, output).await?;
            check_audited(&store)
        }
        Backend::Console(console) => {
            ConsoleClient::refuse_name(who)?;
            require_person_at_console(&console, Deed::Loosen, who.code.as_deref())?;
            print(&lines(&console.thaw()?), output)
        }
    }
}

/// Returns what is frozen among the calls that the command line names.
pub(super) async fn in_force(source: &Backend) -> Result<Vec<FreezeLine>, Failure> {
    match source {
        Backend::Store(store) => {
            let freezes = store.gate.freezes().await?;
            let tenants = store.named_tenants();
            let visible = |freeze: &&Freeze| {
                tenants.is_empty() || tenants.iter().any(|tenant| freeze.scope.reaches(tenant))
            };
            Ok(freezes.iter().filter(visible).map(FreezeLine::from).collect())
        }
        Backend::Console(console) => Ok(lines(&console.freezes()?)),
    }
}

/// Returns the sentence that a list of calls begins with while something is frozen.
pub(super) fn warning(frozen: &[FreezeLine], hint: &CommandHint) -> Option<String> {
    let first = frozen.first()?;
    let more = match frozen.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let thaw = hint.inline(&["thaw"]);
    Some(format!("FROZEN, nothing starts: {}{more}; a person thaws: {thaw}", sentence(first)))
}

async fn report(
    store: &StoreBackend,
    backend: &BackendArgs,
    output: &Output,
) -> Result<(), Failure> {
    let freezes = store.gate.freezes().await?;
    let scopes = scopes(backend);
    let concerns = |freeze: &&Freeze| {
        backend.tenant.is_empty()
            || scopes.contains(&freeze.scope)
            || freeze.scope == FreezeScope::All
    };
    print(&freezes.iter().filter(concerns).map(FreezeLine::from).collect::<Vec<_>>(), output)
}

fn print(frozen: &[FreezeLine], output: &Output) -> Result<(), Failure> {
    let text = || {
        if frozen.is_empty() {
            return "Nothing is frozen: approved calls start.\n".to_owned();
        }
        let mut out = String::new();
        for line in frozen {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "Frozen: {}", sentence(line));
        }
        let thaw = output.hint.inline(&["thaw"]);
        let _ = writeln!(out, "Nothing of it starts until a person thaws it: {thaw}");
        out
    };
    Ok(output.print(&frozen, text)?)
}

/// Returns who froze what, when and why.
pub(super) fn sentence(line: &FreezeLine) -> String {
    let FreezeLine { what, by, at, reason, .. } = line;
    format!("{}, by {} at {at}: {}", visible(what), visible(by), visible(reason))
}

/// Returns the freezes of a console, which shows those of its token's tenant.
fn lines(list: &FreezeList) -> Vec<FreezeLine> {
    let line = |freeze: &hitl_wire::freeze::FreezeView| FreezeLine {
        tenant: None,
        what: match freeze.reach {
            FreezeReach::All => FreezeScope::All.to_string(),
            FreezeReach::Tenant => "your tenant".to_owned(),
        },
        by: freeze.by.to_string(),
        at: freeze.at,
        reason: freeze.reason.clone(),
    };
    list.freezes.iter().map(line).collect()
}

fn scopes(backend: &BackendArgs) -> Vec<FreezeScope> {
    if backend.tenant.is_empty() {
        return vec![FreezeScope::All];
    }
    let scope = |name: &String| FreezeScope::Tenant(Tenant::new(name.as_str()));
    backend.tenant.iter().map(scope).collect()
}
