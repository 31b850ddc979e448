//! `hitl resolve`: how a call ended whose outcome was not known.

use hitl_core::{CallState, Resolution};
use hitl_wire::decision::{Finding, ResolveBody};

use super::decide::{known, require_person_over_a_console};
use super::{Output, audited, terminal};
use crate::arguments::{Found, Place, ResolveArguments};
use crate::exit::{Exit, Failure};
use crate::look::{self, Look};
use crate::person::Deed;
use crate::source::{Console, Source};
use crate::view::{CallLine, Card, card_text, state_line};

pub(super) async fn run(
    place: &Place,
    wanted: ResolveArguments,
    output: &Output,
) -> Result<(), Failure> {
    let line = match Source::open(place, wanted.who.audit.as_deref()).await? {
        Source::Store(store) => {
            let by = known(Deed::Answer, &wanted.who, place, &store).await?;
            let record = store.call(wanted.id).await?;
            look(&store.card(&record).await?, wanted.version)?;
            let resolution = resolution(wanted.found, wanted.attest);
            let record = store.gate.resolve(&record, resolution, by).await?;
            let line = CallLine::from(&record);
            output.print(&line, || state_line(&line) + "\n")?;
            return audited(&store);
        }
        Source::Console(console) => {
            Console::anonymous(&wanted.who)?;
            let code = wanted.who.code.as_deref();
            require_person_over_a_console(&console, Deed::Answer, code)?;
            let card = console.card(wanted.id)?;
            look(&card, wanted.version)?;
            let (found, reason) = match resolution(wanted.found, wanted.attest) {
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

/// Sees to it that whoever settles it has seen it.
fn look(card: &Card, version: Option<u64>) -> Result<(), Failure> {
    if card.line.state != CallState::OutcomeUnknown {
        let why = format!("its outcome is not open: {}", state_line(&card.line));
        return Err(Failure::new(Exit::Changed, why));
    }
    if look::at_version(version, card.line.version, terminal::audience())? == Look::Ask {
        let answer = terminal::ask(&card_text(card), "Settle this call? [y/N]")?;
        if !terminal::is_yes(&answer) {
            return Err(terminal::declined());
        }
    }
    Ok(())
}

/// The command line gives exactly one of them.
fn resolution(found: Found, attested: bool) -> Resolution {
    match found.failed {
        Some(reason) => Resolution::Failed { reason },
        None if found.retry => Resolution::Retry { attested },
        None => Resolution::Executed,
    }
}
