//! `hitl resolve`: resolves a call whose outcome is unknown.

use hitl_core::{CallState, Principal, Resolution};
use hitl_wire::decision::{Finding, ResolveBody};

use super::decide::{authenticate, require_person_at_console};
use super::{Output, check_audited, terminal};
use crate::args::{BackendArgs, FindingArgs, ResolveArgs};
use crate::backend::{Backend, ConsoleClient};
use crate::exit::{Exit, Failure};
use crate::person::Deed;
use crate::seen_check::{self, Interactivity, SeenCheck};
use crate::view::{CallLine, Card, Screen, card_text, state_line};

pub(super) async fn run(
    backend: &BackendArgs,
    wanted: ResolveArgs,
    output: &Output,
) -> Result<(), Failure> {
    let line = match Backend::open(backend, wanted.who.audit.as_deref()).await? {
        Backend::Store(store) => {
            let by = authenticate(Deed::Answer, &wanted.who, backend, &store).await?;
            let record = store.call(&wanted.id).await?;
            let resolution = find_out(&store.card(&record).await?, &wanted)?;
            let person = by.principal.clone();
            let record = store.gate.resolve(&record, resolution, by).await?;
            let line = CallLine::from(&record).settled_by(&person);
            let line = line.neglected(store.neglect(&record).await?);
            output.print_result(&line)?;
            return check_audited(&store);
        }
        Backend::Console(console) => {
            ConsoleClient::refuse_name(&wanted.who)?;
            let code = wanted.who.code.as_deref();
            require_person_at_console(&console, Deed::Answer, code)?;
            let card = console.card(&wanted.id)?;
            let (found, reason) = match find_out(&card, &wanted)? {
                Resolution::Failed { reason } => (Finding::Failed, Some(reason)),
                Resolution::Retry { attested: true } => (Finding::RetryAttested, None),
                Resolution::Retry { .. } => (Finding::Retry, None),
                _ => (Finding::Executed, None),
            };
            let body = ResolveBody { version: card.line.version, found, reason };
            let person = Principal::new(console.token_owner()?.name);
            console.resolve(card.request.id, &body)?.settled_by(&person)
        }
    };
    output.print_result(&line)?;
    Ok(())
}

/// Returns how the call ended: as the command line says, or as the person at the terminal does.
/// Checks that they have seen the call.
fn find_out(card: &Card, wanted: &ResolveArgs) -> Result<Resolution, Failure> {
    let named = resolution(&wanted.finding, wanted.attest);
    let interactivity = terminal::interactivity();
    if named.is_none() && interactivity == Interactivity::Nobody {
        let why =
            "nobody can be asked here, so say how it ended: --done, --failed REASON or --retry";
        return Err(Failure::usage(why));
    }
    if card.line.state != CallState::OutcomeUnknown {
        let why = format!("its outcome is not unknown: {}", state_line(&card.line, card.now));
        return Err(Failure::new(Exit::Conflict, why));
    }
    let seen = seen_check::check_version(wanted.version, card.line.version, interactivity)?;
    let Some(named) = named else { return ask(card) };
    if seen == SeenCheck::Ask {
        let question = match &named {
            Resolution::Failed { .. } => "Record that it failed? [y/N]",
            Resolution::Retry { .. } => "Let it run once more? [y/N]",
            _ => "Record that it took effect? [y/N]",
        };
        if !terminal::is_yes(&terminal::ask(&card_text(card, Screen::messages()), question)?) {
            return Err(terminal::declined());
        }
    }
    Ok(named)
}

/// Shows the call, and asks how it ended.
fn ask(card: &Card) -> Result<Resolution, Failure> {
    let choices = "It was started, and nobody knows how it ended. Look where it would have had its \
                   effect, then answer:\n  d  it took effect\n  f  it did not, or only in part: you say \
                   what you saw\n  r  it did not, and may run once more\n";
    let text = format!("{}\n{choices}", card_text(card, Screen::messages()));
    let answer = terminal::ask(&text, "d, f or r; anything else changes nothing:")?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "d" => Ok(Resolution::Executed),
        "r" => Ok(Resolution::Retry { attested: false }),
        "f" => {
            let reason = terminal::ask("", "What did you see?")?;
            if reason.trim().is_empty() {
                return Err(terminal::declined());
            }
            Ok(Resolution::Failed { reason })
        }
        _ => Err(terminal::declined()),
    }
}

/// Returns the finding of the command line, if it gives one.
fn resolution(finding: &FindingArgs, attested: bool) -> Option<Resolution> {
    if let Some(reason) = &finding.failed {
        return Some(Resolution::Failed { reason: reason.clone() });
    }
    if finding.retry {
        return Some(Resolution::Retry { attested });
    }
    finding.done.then_some(Resolution::Executed)
}
