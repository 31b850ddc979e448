//! `hitl hold`: legal holds, whose calls nothing may erase until a person releases them.

use clap::{Args, Subcommand};
use hitl_base::Timestamp;
use hitl_base::display::visible;
use hitl_core::approval::ReviewerIdentity;
use hitl_core::{Hold, HoldId, HoldScope, Principal, RequestId};

use super::decide::authenticate;
use super::erase::one_tenant;
use super::{Output, check_audited};
use crate::args::{BackendArgs, DeciderArgs, IdArg, IdSearch, short_id};
use crate::backend::{Backend, StoreBackend};
use crate::exit::{Exit, Failure};
use crate::person::Deed;
use crate::view::exactly;

#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Place a legal hold: nothing erases what it covers. Needs --audit.
    Place {
        #[command(flatten)]
        what: ScopeArgs,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: DeciderArgs,
    },
    /// Release a legal hold. Needs a person, and --audit.
    Release {
        /// The hold's id, or the beginning or the end of it, as `hold list` prints it.
        hold: IdArg<HoldId>,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: DeciderArgs,
    },
    /// List the legal holds.
    List,
}

/// The scope of a hold: one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ScopeArgs {
    /// This call: its id, or the beginning or the end of it.
    #[arg(long, value_name = "ID")]
    call: Option<IdArg<RequestId>>,
    /// Everything that this principal had a part in, in the tenant.
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,
    /// Everything of the tenant: the one that --tenant names, else the default one.
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(
    backend: &BackendArgs,
    command: HoldCommand,
    output: &Output,
) -> Result<(), Failure> {
    let who = match &command {
        HoldCommand::Place { who, .. } | HoldCommand::Release { who, .. } => Some(who),
        HoldCommand::List => None,
    };
    if who.is_some_and(|who| who.audit.is_none()) {
        let why = "holds must be audited: name the folder of the audit log with --audit FOLDER";
        return Err(Failure::usage(why));
    }
    let audit = who.and_then(|who| who.audit.as_deref());
    let Backend::Store(store) = Backend::open(backend, audit).await? else {
        return Err(Failure::usage("holds are kept in a store: give --db instead of --url"));
    };
    let hold = match &command {
        HoldCommand::Place { what, reason, who } => {
            let by = authenticate(Deed::Stop, who, backend, &store).await?;
            let (tenant, scope) = match (&what.call, &what.principal) {
                (Some(id), _) => {
                    let record = store.call(id).await?;
                    (record.key().tenant.clone(), HoldScope::Call(record.id()))
                }
                (None, Some(name)) => {
                    (one_tenant(backend)?, HoldScope::Principal(Principal::new(name.as_str())))
                }
                (None, None) => (one_tenant(backend)?, HoldScope::Tenant),
            };
            store.gate.hold(&tenant, scope, reason, by).await?
        }
        HoldCommand::Release { hold, reason, who } => {
            let by = authenticate(Deed::Loosen, who, backend, &store).await?;
            let hold = one_hold(visible_holds(backend, &store).await?, hold)?;
            store.gate.release_hold(&hold.tenant, hold.id, reason, by).await?
        }
        HoldCommand::List => {
            let holds = visible_holds(backend, &store).await?;
            return Ok(output.print_folded(&holds, || holds_text(&holds, Timestamp::now()))?);
        }
    };
    output.print_folded(&hold, || hold_line(&hold, Timestamp::now()))?;
    check_audited(&store)
}

async fn visible_holds(backend: &BackendArgs, store: &StoreBackend) -> Result<Vec<Hold>, Failure> {
    let mut who = ReviewerIdentity::new("viewer");
    for tenant in &backend.tenant {
        who = who.tenant(tenant.as_str());
    }
    Ok(store.gate.holds(who).await?)
}

fn holds_text(holds: &[Hold], now: Timestamp) -> String {
    if holds.is_empty() {
        return "No legal holds: what has ended may be erased.\n".to_owned();
    }
    holds.iter().map(|hold| hold_line(hold, now)).collect()
}

/// Returns the hold with this id.
fn one_hold(holds: Vec<Hold>, id: &IdArg<HoldId>) -> Result<Hold, Failure> {
    let id = match id {
        IdArg::Whole(id) => *id,
        IdArg::Part(part) => {
            let mut search = IdSearch::new(part, "hold");
            for hold in &holds {
                search.add(hold.id, || hold.reason.clone());
            }
            search.finish()?
        }
    };
    let none = || Failure::new(Exit::NotFound, "no such hold");
    holds.into_iter().find(|seen| seen.id == id).ok_or_else(none)
}

fn hold_line(hold: &Hold, now: Timestamp) -> String {
    let shown = |text: &str| visible(text).into_owned();
    format!(
        "{}  {}  {}, placed by {} {}: {}\n",
        short_id(&hold.id),
        shown(hold.tenant.as_str()),
        shown(&hold.scope.to_string()),
        shown(hold.by.as_str()),
        exactly(hold.placed_at, now),
        shown(&hold.reason)
    )
}
