//! `hitl approve`, `edit`, `reject`, `respond` and `abort`.

use hitl_base::json::parse_json;
use hitl_core::approval::{DecisionChannel, DecisionDraft, Patch};
use hitl_core::{
    ApprovalRequest, CallState, EditPreview, GateError, GateErrorKind, ReviewerIdentity,
};
use hitl_wire::DecisionBody;
use hitl_wire::decision::AnswerKind;

use super::{Output, check_audited, editor, name, show, terminal};
use crate::args::{BackendArgs, DecideArgs, DeciderArgs};
use crate::backend::{Backend, ConsoleClient, StoreBackend, TokenOwner};
use crate::exit::{Exit, Failure};
use crate::person::{CodeDesk, CodeSource, Deed, require_person, require_person_for_console};
use crate::seen_check::{self, Interactivity, SeenCheck};
use crate::view::{CallLine, Card, Screen, card_text, state_line, uncovered_text};

/// A decision, as the command line gives it.
pub(super) enum Reply {
    Approve { confirm: Option<String> },
    Edit { patch: Option<String> },
    Reject { reason: String, may_ask_again: bool },
    Respond { message: String },
    Abort { reason: String },
}

pub(super) async fn run(
    backend: &BackendArgs,
    wanted: DecideArgs,
    reply: Reply,
    output: &Output,
) -> Result<(), Failure> {
    match Backend::open(backend, wanted.who.audit.as_deref()).await? {
        Backend::Store(store) => {
            let by = authenticate(reply.deed(), &wanted.who, backend, &store).await?;
            let line = at_store(&store, &wanted, reply, by).await?;
            output.print_result(&line)?;
            check_audited(&store)
        }
        Backend::Console(console) => {
            ConsoleClient::refuse_name(&wanted.who)?;
            let code = wanted.who.code.as_deref();
            require_person_at_console(&console, reply.deed(), code)?;
            let line = at_console(&console, &wanted, reply)?;
            Ok(output.print_result(&line)?)
        }
    }
}

async fn at_store(
    store: &StoreBackend,
    wanted: &DecideArgs,
    mut reply: Reply,
    by: ReviewerIdentity,
) -> Result<CallLine, Failure> {
    let record = store.call(&wanted.id).await?;
    let card = store.card(&record).await?;
    let seen = check_seen(&card, wanted.binding.as_deref(), &reply)?;
    if let Reply::Edit { patch } = &mut reply {
        *patch = Some(patch_of(patch.take(), &card)?);
    }
    let mut preview = None;
    if seen == SeenCheck::Ask {
        // A person is not asked about an edit that is refused anyway.
        let edit = match &reply {
            Reply::Edit { patch: Some(patch) } => {
                let checked = store.gate.preview_edit(record.request(), patch, by.clone());
                let checked = checked.await.map_err(edit_failure)?;
                let question = EditQuestion::of(&checked);
                preview = Some(checked);
                question
            }
            _ => EditQuestion::unchecked(&reply),
        };
        // Recorded first, and then shown: the audit must not claim that a call was shown if it was
        // not.
        store.gate.record_shown(&record, by.principal.clone()).await?;
        let (is_audited, screen) = (wanted.who.audit.is_some(), Screen::messages());
        let mut text = card_text(&card, screen);
        while ask(&card, &text, &mut reply, &edit)? == PromptAnswer::Uncover {
            text = match show::at_store(store, &card, by.clone(), is_audited).await {
                Ok(uncovered) => uncovered_text(&uncovered, screen),
                Err(failure) => format!("not uncovered: {}\n", failure.message),
            };
        }
    }
    let edits = matches!(reply, Reply::Edit { .. });
    let mut draft = draft(record.request(), reply);
    if let Some(preview) = &preview {
        // The answer counts for what was shown, and for nothing else.
        draft = draft.previewed(preview);
    }
    match store.gate.decide(draft.through(DecisionChannel::COMMAND_LINE).by(by)).await {
        Ok(record) => Ok(CallLine::from(&record)),
        Err(error) if edits => Err(edit_failure(error)),
        Err(error) => Err(error.into()),
    }
}

/// Returns the failure of an edit at a store.
pub(super) fn edit_failure(error: GateError) -> Failure {
    match error.kind() {
        // No executor has recorded the tool's schema, or it cannot be checked here.
        GateErrorKind::UnknownTool => Failure::usage(format!("{error}, with --url")),
        // As a console answers it.
        GateErrorKind::InvalidArguments => Failure::usage(error.to_string()),
        _ => error.into(),
    }
}

fn at_console(
    console: &ConsoleClient,
    wanted: &DecideArgs,
    mut reply: Reply,
) -> Result<CallLine, Failure> {
    let card = console.card(&wanted.id)?;
    let seen = check_seen(&card, wanted.binding.as_deref(), &reply)?;
    if let Reply::Edit { patch } = &mut reply {
        *patch = Some(patch_of(patch.take(), &card)?);
    }
    if seen == SeenCheck::Ask {
        console.set_presence(Some(card.request.id))?;
        let answered = ask_and_uncover(console, &card, &mut reply);
        // The console forgets an onlooker soon even if this fails.
        let _ = console.set_presence(None);
        if answered? == PromptAnswer::Uncover {
            // The first code was sent to uncover, and counts once.
            require_person_at_console(console, reply.deed(), None)?;
        }
    }
    console.decide(card.request.id, &decision_body(&card, reply))
}

/// Checks that the approver has seen what they approve. Other answers run nothing: they are
/// compared with the shown binding only if the command line names one.
fn check_seen(card: &Card, binding: Option<&str>, reply: &Reply) -> Result<SeenCheck, Failure> {
    if card.line.state != CallState::Pending {
        let why = format!("it is not pending: {}", state_line(&card.line, card.now));
        return Err(Failure::new(Exit::Conflict, why));
    }
    let current = card.request.binding.to_string();
    match reply {
        Reply::Approve { confirm } => {
            let seen = seen_check::check_binding(binding, &current, terminal::interactivity())?;
            if seen == SeenCheck::Seen {
                seen_check::check_confirmation(card.confirm.as_deref(), confirm.as_deref())?;
            }
            Ok(seen)
        }
        // It would approve what nobody has typed.
        Reply::Edit { .. } if card.confirm.is_some() => Err(Failure::new(
            Exit::Refused,
            "a deletion is not edited; reject it, and have it submitted as it should be",
        )),
        Reply::Edit { .. } => {
            seen_check::check_binding(binding, &current, terminal::interactivity())
        }
        _ if binding.is_some() => {
            seen_check::check_binding(binding, &current, Interactivity::Nobody)
        }
        _ => Ok(SeenCheck::Seen),
    }
}

/// Asks, and shows the masked values each time the person wants to see them. Returns whether they
/// did.
fn ask_and_uncover(
    console: &ConsoleClient,
    card: &Card,
    reply: &mut Reply,
) -> Result<PromptAnswer, Failure> {
    let (edit, screen) = (EditQuestion::unchecked(reply), Screen::messages());
    let (mut text, mut wanted) = (card_text(card, screen), PromptAnswer::Yes);
    while ask(card, &text, reply, &edit)? == PromptAnswer::Uncover {
        if wanted == PromptAnswer::Uncover {
            require_person_at_console(console, Deed::Answer, None)?;
        }
        wanted = PromptAnswer::Uncover;
        text = match console.uncover(card) {
            Ok(uncovered) => uncovered_text(&uncovered, screen),
            Err(failure) => format!("not uncovered: {}\n", failure.message),
        };
    }
    Ok(wanted)
}

/// The answer of a person at the terminal.
#[derive(PartialEq, Eq)]
enum PromptAnswer {
    Yes,
    /// The person wants to see the masked values, and to be asked again.
    Uncover,
}

/// The question about an edit: its changes, and what it leads to.
struct EditQuestion(String);

impl EditQuestion {
    /// Asks about an edit that the gate has checked.
    fn of(edit: &EditPreview) -> Self {
        let lines: Vec<String> =
            edit.changes.iter().map(|change| format!("  {change}\n")).collect();
        let question = match edit.state {
            CallState::Approved => "Approve it with these changes?",
            _ => "Change it? It then waits for an approval.",
        };
        Self(format!("changes:\n{}{question}", lines.concat()))
    }

    /// Asks about an edit that a console checks when it is sent.
    fn unchecked(reply: &Reply) -> Self {
        let patch = match reply {
            Reply::Edit { patch } => patch.as_deref().unwrap_or_default(),
            _ => "",
        };
        let patch = hitl_base::display::visible(patch);
        Self(format!("changes: {patch}\nApprove it with these changes?"))
    }
}

/// Shows the card with the text `text`, and asks.
fn ask(
    card: &Card,
    text: &str,
    reply: &mut Reply,
    edit: &EditQuestion,
) -> Result<PromptAnswer, Failure> {
    let masked = card.request.needs_uncovering();
    let choices = if masked { "[y/N, u to uncover what is masked]" } else { "[y/N]" };
    let yes = |question: &str| {
        let answer = terminal::ask(text, &format!("{question} {choices}"))?;
        match answer.trim() {
            "u" | "U" if masked => Ok(PromptAnswer::Uncover),
            answer if terminal::is_yes(answer) => Ok(PromptAnswer::Yes),
            _ => Err(terminal::declined()),
        }
    };
    match (reply, &card.confirm) {
        (Reply::Edit { .. }, _) => yes(&edit.0),
        (Reply::Approve { confirm }, Some(name)) => {
            let shown = terminal::clip_name(name);
            let or = if masked { ", or u to uncover what is masked" } else { "" };
            let question = format!("To approve the deletion, type its name ({shown}){or}:");
            let typed = terminal::ask(text, &question)?;
            if masked && typed.trim() == "u" && name != "u" {
                return Ok(PromptAnswer::Uncover);
            }
            seen_check::check_confirmation(Some(name), Some(&typed))
                .map_err(|_| terminal::declined())?;
            *confirm = Some(typed);
            Ok(PromptAnswer::Yes)
        }
        _ => yes("Approve this?"),
    }
}

/// Returns the patch that was given, or the result of the person's editor.
fn patch_of(given: Option<String>, card: &Card) -> Result<String, Failure> {
    match given {
        Some(patch) => checked(patch),
        None => editor::patch(&card.request.arguments),
    }
}

/// Checks that a given patch is JSON; the tool's schema is checked later.
fn checked(patch: String) -> Result<String, Failure> {
    match parse_json(&patch) {
        Ok(_) => Ok(patch),
        Err(error) => Err(Failure::usage(format!("--patch is not JSON: {}", error.reason()))),
    }
}

/// Returns the body of a decision for a console.
pub(super) fn decision_body(card: &Card, reply: Reply) -> DecisionBody {
    let of = |answer| ConsoleClient::decision(card, answer);
    match reply {
        Reply::Approve { confirm } => DecisionBody { confirm, ..of(AnswerKind::Approve) },
        Reply::Edit { patch } => {
            DecisionBody { patch: patch.map(Patch::new), ..of(AnswerKind::Edit) }
        }
        Reply::Reject { reason, may_ask_again } => {
            DecisionBody { reason: Some(reason), may_ask_again, ..of(AnswerKind::Reject) }
        }
        Reply::Respond { message } => {
            DecisionBody { message: Some(message), ..of(AnswerKind::Respond) }
        }
        Reply::Abort { reason } => DecisionBody { reason: Some(reason), ..of(AnswerKind::Abort) },
    }
}

/// Returns the answer. It names the revision that was read, so that a later one is not decided by
/// it.
pub(super) fn draft(request: &ApprovalRequest, reply: Reply) -> DecisionDraft<'_> {
    match reply {
        Reply::Approve { .. } => request.approve(),
        Reply::Edit { patch } => request.edit(patch.unwrap_or_default()),
        Reply::Reject { reason, may_ask_again: true } => request.reject(reason).may_ask_again(),
        Reply::Reject { reason, may_ask_again: false } => request.reject(reason),
        Reply::Respond { message } => request.respond(message),
        Reply::Abort { reason } => request.abort(reason),
    }
}

impl Reply {
    /// Classifies the answer. A call that is stopped runs nothing, so anybody may stop it. An
    /// answer to the model is given in a human's name.
    pub(super) fn deed(&self) -> Deed {
        match self {
            Self::Reject { .. } | Self::Abort { .. } => Deed::Stop,
            Self::Approve { .. } | Self::Edit { .. } | Self::Respond { .. } => Deed::Answer,
        }
    }
}

/// Identifies the decider and checks that they may do this. Returns their roles, their tenants and
/// the proof of their identity.
pub(super) async fn authenticate(
    deed: Deed,
    who: &DeciderArgs,
    backend: &BackendArgs,
    store: &StoreBackend,
) -> Result<ReviewerIdentity, Failure> {
    let by = authority(who, backend)?;
    let code = who.code.as_deref();
    let known =
        require_person(deed, &by.principal, code, CodeSource::Desk(&CodeDesk::new(store))).await?;
    Ok(by.known_by(known))
}

/// Checks that a person decides over a console, where a token names the decider: an agent that can
/// read the token is not a person. A code that was given, or is asked for here, is sent with the
/// action, and the console checks it.
pub(super) fn require_person_at_console(
    console: &ConsoleClient,
    deed: Deed,
    code: Option<&str>,
) -> Result<(), Failure> {
    if deed == Deed::Stop {
        return Ok(());
    }
    let TokenOwner { name, demand } = console.token_owner()?;
    if let Some(code) = require_person_for_console(deed, &name, code, demand)? {
        console.send_code(&code)?;
    }
    Ok(())
}

/// Returns the decider with their roles and their tenants, from the command line.
pub(super) fn authority(
    who: &DeciderArgs,
    backend: &BackendArgs,
) -> Result<ReviewerIdentity, Failure> {
    let mut by = ReviewerIdentity::new(name(who)?);
    for role in &who.role {
        by = by.role(role);
    }
    for tenant in &backend.tenant {
        by = by.tenant(tenant.as_str());
    }
    Ok(by)
}
