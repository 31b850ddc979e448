//! `hitl resolve`: resolves a call whose outcome is unknown.

use hitl_core::{CallState, Resolution};
use hitl_wire::decision::{Finding, ResolveBody};

use super::decide::{authenticate, require_person_at_console};
use super::{Output, check_audited, terminal};
use crate::args::{BackendArgs, FindingArgs, ResolveArgs};
use crate::backend::{Backend, ConsoleClient};
use crate::exit::{Exit, Failure};
use crate::person::Deed;
use crate::seen_check::{self, SeenCheck};
use crate::view::{CallLine, Card, card_text, state_line};

pub(super) async fn run(
    backend: &BackendArgs,
    wanted: ResolveArgs,
    output: &Output,
) -> Result<(), Failure> {
    let line = match Backend::open(backend, wanted.who.audit.as_deref()).await? {
        Backend::Store(store) => {
            let by = authenticate(Deed::Answer, &wanted.who, backend, &store).await?;
            let record = store.call(wanted.id).await?;
            check_seen(&store.card(&record).await?, wanted.version)?;
            let resolution = resolution(wanted.finding, wanted.attest);
            let record = store.gate.resolve(&record, resolution, by).await?;
            let line = CallLine::from(&record);
            output.print(&line, || state_line(&line) + "\n")?;
            return check_audited(&store);
        }
        Backend::Console(console) => {
            ConsoleClient::refuse_name(&wanted.who)?;
            let code = wanted.who.code.as_deref();
            require_person_at_console(&console, Deed::Answer, code)?;
            let card = console.card(wanted.id)?;
            check_seen(&card, wanted.version)?;
            let (found, reason) = match resolution(wanted.finding, wanted.attest) {
                Resolution::Failed { reason } => (Finding::Failed, Some(reason)),
                Resolution::Retry { attested: true } => (Finding::RetryAttested, None),
                Resolution::Retry { .. } => (Finding::Retry, None),
                _ => (Finding::Executed, None),
            };
            let body = ResolveBody { version: card.line.version, found, reason };
            console.resolve(wanted.id, &body)?
        }
    };
    output.print(&line, || state_line(&line) + "\n")?;
    Ok(())
}

/// Checks that the person who resolves the call has seen it.
fn check_seen(card: &Card, version: Option<u64>) -> Result<(), Failure> {
    if card.line.state != CallState::OutcomeUnknown {
        let why = format!("its outcome is not unknown: {}", state_line(&card.line));
        return Err(Failure::new(Exit::Conflict, why));
    }
    if seen_check::check_version(version, card.line.version, terminal::interactivity())?
        == SeenCheck::Ask
    {
        let answer = terminal::ask(&card_text(card), "Resolve this call? [y/N]")?;
        if !terminal::is_yes(&answer) {
            return Err(terminal::declined());
        }
    }
    Ok(())
}

/// Returns the resolution. The command line gives exactly one finding.
fn resolution(finding: FindingArgs, attested: bool) -> Resolution {
    match finding.failed {
        Some(reason) => Resolution::Failed { reason },
        None if finding.retry => Resolution::Retry { attested },
        None => Resolution::Executed,
    }
}
