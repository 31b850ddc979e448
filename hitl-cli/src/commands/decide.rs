//! `hitl approve`, `edit`, `reject`, `respond` and `abort`.

use hitl_base::json::scan;
use hitl_core::{ApprovalRequest, Authority, CallState, Decision, GateErrorKind};
use serde_json::{Value, json};

use super::{Output, audited, editor, name, show, terminal};
use crate::arguments::{Decide, Place, Who};
use crate::exit::{Exit, Failure};
use crate::look::{self, Audience, Look};
use crate::person::{Codes, Deed, Desk, require_person, require_person_there};
use crate::source::{Console, Known, Source, StoreSource};
use crate::view::{CallLine, Card, card_text, state_line, uncovered_text};

/// What is answered.
pub(super) enum Reply {
    Approve { confirm: Option<String> },
    Edit { patch: Option<String> },
    Reject { reason: String, may_ask_again: bool },
    Respond { message: String },
    Abort { reason: String },
}

pub(super) async fn run(
    place: &Place,
    wanted: Decide,
    reply: Reply,
    output: &Output,
) -> Result<(), Failure> {
    match Source::open(place, wanted.who.audit.as_deref()).await? {
        Source::Store(store) => {
            let by = known(reply.deed(), &wanted.who, place, &store).await?;
            let line = at_store(&store, &wanted, reply, by).await?;
            output.print(&line, || state_line(&line) + "\n")?;
            audited(&store)
        }
        Source::Console(console) => {
            Console::anonymous(&wanted.who)?;
            let code = wanted.who.code.as_deref();
            require_person_over_a_console(&console, reply.deed(), code)?;
            let line = at_console(&console, &wanted, reply)?;
            Ok(output.print(&line, || state_line(&line) + "\n")?)
        }
    }
}

async fn at_store(
    store: &StoreSource,
    wanted: &Decide,
    mut reply: Reply,
    by: Authority,
) -> Result<CallLine, Failure> {
    let record = store.call(wanted.id).await?;
    let card = store.card(&record).await?;
    let look = look(&card, wanted.binding.as_deref(), &reply)?;
    if let Reply::Edit { patch } = &mut reply {
        *patch = Some(patch_of(patch.take(), &card)?);
    }
    if look == Look::Ask {
        // What was not shown is not said to have been: said first, and then shown.
        store.gate.record_shown(&record, by.principal.clone()).await?;
        let is_audited = wanted.who.audit.is_some();
        let mut text = card_text(&card);
        while ask(&card, &text, &mut reply)? == Answered::Uncover {
            text = match show::at_store(store, &card, by.clone(), is_audited).await {
                Ok(uncovered) => uncovered_text(&uncovered),
                Err(failure) => format!("not uncovered: {}\n", failure.message),
            };
        }
    }
    let edits = matches!(reply, Reply::Edit { .. });
    match store.gate.decide(decision(&record.request, reply, by)).await {
        Ok(record) => Ok(CallLine::of(&record)),
        // Its tool is not known here by a schema alone.
        Err(error) if edits && error.kind() == GateErrorKind::UnknownTool => {
            Err(Failure::usage(format!("{error}, with --url")))
        }
        Err(error) => Err(error.into()),
    }
}

fn at_console(console: &Console, wanted: &Decide, mut reply: Reply) -> Result<CallLine, Failure> {
    let card = console.card(wanted.id)?;
    let look = look(&card, wanted.binding.as_deref(), &reply)?;
    if let Reply::Edit { patch } = &mut reply {
        *patch = Some(patch_of(patch.take(), &card)?);
    }
    if look == Look::Ask {
        console.looks_at(Some(wanted.id))?;
        let answered = ask_and_uncover(console, &card, &mut reply);
        // Whoever is thought to look on is forgotten soon all the same.
        let _ = console.looks_at(None);
        if answered? == Answered::Uncover {
            // The code that came first went with what was uncovered, and counts once.
            require_person_over_a_console(console, reply.deed(), None)?;
        }
    }
    console.decide(&card, sent(reply))
}

/// Sees to it that whoever approves has seen what they approve. Other answers run nothing: they are
/// compared with what was seen only where the command line names it.
fn look(card: &Card, binding: Option<&str>, reply: &Reply) -> Result<Look, Failure> {
    if card.line.state != CallState::Pending {
        let why = format!("it does not wait for a decision: {}", state_line(&card.line));
        return Err(Failure::new(Exit::Changed, why));
    }
    let stands = card.request.binding.to_string();
    match reply {
        Reply::Approve { confirm } => {
            let look = look::at_binding(binding, &stands, terminal::audience())?;
            if look == Look::Seen {
                look::confirmed(card.confirm.as_deref(), confirm.as_deref())?;
            }
            Ok(look)
        }
        Reply::Edit { .. } => look::at_binding(binding, &stands, terminal::audience()),
        _ if binding.is_some() => look::at_binding(binding, &stands, Audience::Nobody),
        _ => Ok(Look::Seen),
    }
}

/// Asks, and shows what is masked each time the person wants to see it. Says whether they wanted
/// to.
fn ask_and_uncover(console: &Console, card: &Card, reply: &mut Reply) -> Result<Answered, Failure> {
    let (mut text, mut wanted) = (card_text(card), Answered::Yes);
    while ask(card, &text, reply)? == Answered::Uncover {
        if wanted == Answered::Uncover {
            require_person_over_a_console(console, Deed::Answer, None)?;
        }
        wanted = Answered::Uncover;
        text = match console.uncover(card) {
            Ok(uncovered) => uncovered_text(&uncovered),
            Err(failure) => format!("not uncovered: {}\n", failure.message),
        };
    }
    Ok(wanted)
}

/// What a person at the terminal wants.
#[derive(PartialEq, Eq)]
enum Answered {
    Yes,
    /// To see what is masked, and to be asked again.
    Uncover,
}

/// Shows the card as `text` has it, and asks.
fn ask(card: &Card, text: &str, reply: &mut Reply) -> Result<Answered, Failure> {
    let masked = card.request.needs_uncovering();
    let choices = if masked { "[y/N, u to uncover what is masked]" } else { "[y/N]" };
    let yes = |question: &str| {
        let answer = terminal::ask(text, &format!("{question} {choices}"))?;
        match answer.trim() {
            "u" | "U" if masked => Ok(Answered::Uncover),
            answer if terminal::is_yes(answer) => Ok(Answered::Yes),
            _ => Err(terminal::declined()),
        }
    };
    match (reply, &card.confirm) {
        (Reply::Edit { patch }, _) => {
            let patch = patch.as_deref().unwrap_or_default();
            let patch = hitl_base::display::visible(patch);
            yes(&format!("changes: {patch}\nApprove it with these changes?"))
        }
        (Reply::Approve { confirm }, Some(name)) => {
            let shown = terminal::named(name);
            let or = if masked { ", or u to uncover what is masked" } else { "" };
            let question = format!("To approve the deletion, type its name ({shown}){or}:");
            let typed = terminal::ask(text, &question)?;
            if masked && typed.trim() == "u" && name != "u" {
                return Ok(Answered::Uncover);
            }
            look::confirmed(Some(name), Some(&typed)).map_err(|_| terminal::declined())?;
            *confirm = Some(typed);
            Ok(Answered::Yes)
        }
        _ => yes("Approve this?"),
    }
}

/// The patch that was given, or what comes of the person's editor.
fn patch_of(given: Option<String>, card: &Card) -> Result<String, Failure> {
    match given {
        Some(patch) => checked(patch),
        None => editor::patch(&card.request.arguments),
    }
}

/// A patch that was given is JSON, whatever the tool makes of it.
fn checked(patch: String) -> Result<String, Failure> {
    match scan(&patch) {
        Ok(_) => Ok(patch),
        Err(error) => Err(Failure::usage(format!("--patch is not JSON: {}", error.reason()))),
    }
}

/// What a console is sent.
fn sent(reply: Reply) -> Value {
    match reply {
        Reply::Approve { confirm } => json!({ "answer": "approve", "confirm": confirm }),
        Reply::Edit { patch } => json!({ "answer": "edit", "patch": patch }),
        Reply::Reject { reason, may_ask_again } => {
            json!({ "answer": "reject", "reason": reason, "mayAskAgain": may_ask_again })
        }
        Reply::Respond { message } => json!({ "answer": "respond", "message": message }),
        Reply::Abort { reason } => json!({ "answer": "abort", "reason": reason }),
    }
}

/// The decision names the revision that was read, so that one that came later is not decided by it.
fn decision(request: &ApprovalRequest, reply: Reply, by: Authority) -> Decision {
    match reply {
        Reply::Approve { .. } => request.approve().by(by),
        Reply::Edit { patch } => request.edit(patch.unwrap_or_default()).by(by),
        Reply::Reject { reason, may_ask_again: true } => {
            request.reject(reason).may_ask_again().by(by)
        }
        Reply::Reject { reason, may_ask_again: false } => request.reject(reason).by(by),
        Reply::Respond { message } => request.respond(message).by(by),
        Reply::Abort { reason } => request.abort(reason).by(by),
    }
}

impl Reply {
    /// A call that is stopped runs nothing, so anybody may stop it. What the model is answered is
    /// said in a human's name.
    fn deed(&self) -> Deed {
        match self {
            Self::Reject { .. } | Self::Abort { .. } => Deed::Stop,
            Self::Approve { .. } | Self::Edit { .. } | Self::Respond { .. } => Deed::Answer,
        }
    }
}

/// Who decides, when they may do this: in which roles, for which tenants, and how they are known.
pub(super) async fn known(
    deed: Deed,
    who: &Who,
    place: &Place,
    store: &StoreSource,
) -> Result<Authority, Failure> {
    let by = authority(who, place)?;
    let code = who.code.as_deref();
    let known = require_person(deed, &by.principal, code, Codes::Desk(&Desk::of(store))).await?;
    Ok(by.known_by(known))
}

/// Over a console a token says who decides; an agent that can read it is no person for that. A code
/// that was given, or is asked for here, goes with the deed, and the console checks it.
pub(super) fn require_person_over_a_console(
    console: &Console,
    deed: Deed,
    code: Option<&str>,
) -> Result<(), Failure> {
    if deed == Deed::Stop {
        return Ok(());
    }
    let Known { name, demand } = console.known()?;
    if let Some(code) = require_person_there(deed, &name, code, demand)? {
        console.send_code(&code)?;
    }
    Ok(())
}

/// Who decides, in which roles, for which tenants.
fn authority(who: &Who, place: &Place) -> Result<Authority, Failure> {
    let mut by = Authority::of(name(who)?);
    for role in &who.role {
        by = by.role(role);
    }
    for tenant in &place.tenant {
        by = by.tenant(tenant.as_str());
    }
    Ok(by)
}
