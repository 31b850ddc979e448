//! `hitl grants` and `hitl revoke`.

use std::io;

use hitl_base::Timestamp;
use hitl_core::store::GrantQuery;
use hitl_core::{GrantId, GrantRecord};
use hitl_wire::GrantSummary;

use super::decide::authenticate;
use super::{Output, check_audited};
use crate::args::{BackendArgs, DeciderArgs, GrantsArgs, IdArg};
use crate::backend::{Backend, ConsoleClient, StoreBackend};
use crate::exit::{Exit, Failure};
use crate::person::Deed;
use crate::view::{grant_text, grants_table};

/// The maximum number of grants per request.
const PAGE: usize = 200;

pub(super) async fn list(
    source: &Backend,
    wanted: GrantsArgs,
    output: &Output,
) -> Result<(), Failure> {
    if let Some(id) = &wanted.grant {
        let grant = match source {
            Backend::Store(store) => load(store, id).await?,
            Backend::Console(console) => console.grant(id)?,
        };
        return Ok(output.print_folded(&grant, || grant_text(&grant, Timestamp::now()))?);
    }
    // One more than is shown, to know whether there are more.
    let most = wanted.limit.saturating_add(1);
    let mut lines = match source {
        Backend::Store(store) => from_store(store, &wanted, most).await?,
        Backend::Console(console) => from_console(console, &wanted, most)?,
    };
    let more = lines.len() > wanted.limit;
    lines.truncate(wanted.limit);
    if output.json {
        for line in &lines {
            output.print(line, String::new)?;
        }
    } else if lines.is_empty() {
        say_nothing(&wanted, output)?;
    } else {
        output.print(&(), || grants_table(&lines, Timestamp::now(), output.screen))?;
    }
    if more {
        Output::say_more()?;
    }
    Ok(())
}

/// Says that the list is empty.
fn say_nothing(wanted: &GrantsArgs, output: &Output) -> io::Result<()> {
    if wanted.tool.is_some() || wanted.principal.is_some() {
        return output.print_nothing("No such grant.", &[]);
    }
    if wanted.all {
        return output.print_nothing("Nobody has given a grant.", &[]);
    }
    let all: (&str, &[&str]) = ("Revoked and expired ones", &["grants", "--all"]);
    output.print_nothing("No grant is in force.", &[all])
}

async fn load(store: &StoreBackend, id: &IdArg<GrantId>) -> Result<GrantSummary, Failure> {
    let record = store.grant(id).await?;
    Ok(GrantSummary::new(&record, store.gate.now().await?))
}

async fn from_store(
    store: &StoreBackend,
    wanted: &GrantsArgs,
    most: usize,
) -> Result<Vec<GrantSummary>, Failure> {
    let mut lines = Vec::new();
    for tenant in store.tenants().await? {
        let mut page = if wanted.all { GrantQuery::all() } else { GrantQuery::live() };
        page.tool.clone_from(&wanted.tool);
        page.principal = wanted.principal.as_deref().map(Into::into);
        loop {
            let size = (most - lines.len()).min(PAGE);
            if size == 0 {
                return Ok(lines);
            }
            let records = store.gate.grants(&tenant, page.clone().limit(size)).await?;
            let now = store.gate.now().await?;
            let (full, last) = (records.len() == size, records.last().map(GrantRecord::id));
            lines.extend(records.iter().map(|record| GrantSummary::new(record, now)));
            match last {
                Some(last) if full => page = page.after(last),
                _ => break,
            }
        }
    }
    Ok(lines)
}

fn from_console(
    console: &ConsoleClient,
    wanted: &GrantsArgs,
    most: usize,
) -> Result<Vec<GrantSummary>, Failure> {
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let size = (most - lines.len()).min(PAGE);
        let mut query = vec![("limit", size.to_string())];
        query.push(("which", if wanted.all { "all" } else { "live" }.to_owned()));
        query.extend(wanted.tool.clone().map(|tool| ("tool", tool)));
        query.extend(wanted.principal.clone().map(|name| ("principal", name)));
        query.extend(after.map(|after: GrantId| ("after", after.to_string())));
        let page = console.grants(&query)?;
        lines.extend(page.grants);
        after = page.next;
        if after.is_none() || lines.len() >= most {
            return Ok(lines);
        }
    }
}

/// Revokes a grant, in the name of the person on the command line.
pub(super) async fn revoke(
    backend: &BackendArgs,
    id: &IdArg<GrantId>,
    reason: &str,
    who: &DeciderArgs,
    output: &Output,
) -> Result<(), Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::usage("give a reason: --reason"));
    }
    match Backend::open(backend, who.audit.as_deref()).await? {
        Backend::Store(store) => {
            let by = authenticate(Deed::Stop, who, backend, &store).await?;
            let record = store.grant(id).await?;
            let now = store.gate.now().await?;
            check_not_revoked(&GrantSummary::new(&record, now))?;
            let tenant = &record.grant.tenant;
            let revoked = store.gate.revoke_grant(tenant, record.id(), by, Some(reason)).await?;
            let revoked = GrantSummary::new(&revoked.unwrap_or(record), store.gate.now().await?);
            output.print_folded(&revoked, || grant_text(&revoked, Timestamp::now()))?;
            check_audited(&store)
        }
        Backend::Console(console) => {
            ConsoleClient::refuse_name(who)?;
            let grant = console.grant(id)?;
            check_not_revoked(&grant)?;
            let revoked = console.revoke(grant.id, reason)?;
            Ok(output.print_folded(&revoked, || grant_text(&revoked, Timestamp::now()))?)
        }
    }
}

/// Fails if the grant was revoked before, and names who did it: only the first revocation counts.
fn check_not_revoked(grant: &GrantSummary) -> Result<(), Failure> {
    let Some(revoked) = &grant.revoked else { return Ok(()) };
    let by = hitl_base::display::visible(revoked.by.as_str());
    Err(Failure::new(Exit::Conflict, format!("the grant was already revoked, by {by}")))
}
