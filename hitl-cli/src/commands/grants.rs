//! `hitl grants` and `hitl revoke`.

use std::io::{self, Write as _};

use hitl_core::store::GrantQuery;
use hitl_core::{GrantId, GrantRecord};

use super::decide::known;
use super::{Output, audited};
use crate::arguments::{GrantsArguments, Place, Who};
use crate::exit::{Exit, Failure};
use crate::person::Deed;
use crate::source::{Console, Source, StoreSource};
use crate::view::{GrantLine, grant_text, grants_table};

/// The most grants that are read in one go.
const PAGE: usize = 200;

pub(super) async fn list(
    source: &Source,
    wanted: GrantsArguments,
    output: &Output,
) -> Result<(), Failure> {
    if let Some(id) = wanted.grant {
        let grant = match source {
            Source::Store(store) => line(store, id).await?,
            Source::Console(console) => console.grant(id)?,
        };
        return Ok(output.print(&grant, || grant_text(&grant))?);
    }
    // One more than is shown, to know whether there are more.
    let most = wanted.limit.saturating_add(1);
    let mut lines = match source {
        Source::Store(store) => of_store(store, &wanted, most).await?,
        Source::Console(console) => of_console(console, &wanted, most)?,
    };
    let more = lines.len() > wanted.limit;
    lines.truncate(wanted.limit);
    if output.json {
        for line in &lines {
            output.print(line, String::new)?;
        }
    } else {
        output.print(&(), || grants_table(&lines))?;
    }
    if more {
        writeln!(io::stderr(), "hitl: there are more; raise --limit")?;
    }
    Ok(())
}

async fn line(store: &StoreSource, id: GrantId) -> Result<GrantLine, Failure> {
    let record = store.grant(id).await?;
    Ok(GrantLine::of(&record, store.gate.now().await?))
}

async fn of_store(
    store: &StoreSource,
    wanted: &GrantsArguments,
    most: usize,
) -> Result<Vec<GrantLine>, Failure> {
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
            lines.extend(records.iter().map(|record| GrantLine::of(record, now)));
            match last {
                Some(last) if full => page = page.after(last),
                _ => break,
            }
        }
    }
    Ok(lines)
}

fn of_console(
    console: &Console,
    wanted: &GrantsArguments,
    most: usize,
) -> Result<Vec<GrantLine>, Failure> {
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let size = (most - lines.len()).min(PAGE);
        let mut query = vec![("limit", size.to_string())];
        query.push(("which", if wanted.all { "all" } else { "live" }.to_owned()));
        query.extend(wanted.tool.clone().map(|tool| ("tool", tool)));
        query.extend(wanted.principal.clone().map(|name| ("principal", name)));
        query.extend(after.map(|after: GrantId| ("after", after.to_string())));
        let told = console.grants(&query)?;
        lines.extend(told.grants);
        after = told.next;
        if after.is_none() || lines.len() >= most {
            return Ok(lines);
        }
    }
}

/// Takes a grant back, in the name of who says so.
pub(super) async fn revoke(
    place: &Place,
    id: GrantId,
    reason: &str,
    who: &Who,
    output: &Output,
) -> Result<(), Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::usage("say why: --reason"));
    }
    match Source::open(place, who.audit.as_deref()).await? {
        Source::Store(store) => {
            let by = known(Deed::Stop, who, place, &store).await?;
            let record = store.grant(id).await?;
            let now = store.gate.now().await?;
            stands(&GrantLine::of(&record, now))?;
            let tenant = &record.grant.tenant;
            let revoked = store.gate.revoke_grant(tenant, id, by, Some(reason)).await?;
            let revoked = GrantLine::of(&revoked.unwrap_or(record), store.gate.now().await?);
            output.print(&revoked, || grant_text(&revoked))?;
            audited(&store)
        }
        Source::Console(console) => {
            Console::anonymous(who)?;
            stands(&console.grant(id)?)?;
            let revoked = console.revoke(id, reason)?;
            Ok(output.print(&revoked, || grant_text(&revoked))?)
        }
    }
}

/// The first revocation stands: whoever comes later is told whose it was.
fn stands(grant: &GrantLine) -> Result<(), Failure> {
    let Some(by) = grant.revoked_by() else { return Ok(()) };
    let by = hitl_base::display::visible(by.as_str());
    Err(Failure::new(Exit::Changed, format!("the grant was revoked before, by {by}")))
}
