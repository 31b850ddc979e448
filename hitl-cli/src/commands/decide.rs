//! `hitl approve`, `reject`, `respond` and `abort`.

use hitl_core::{ApprovalRequest, Authority, CallRecord, CallState, Decision};

use super::{Output, audited, name, terminal};
use crate::arguments::{Decide, Place, Who};
use crate::exit::{Exit, Failure};
use crate::look::{self, Audience, Look};
use crate::source::Source;
use crate::view::{CallLine, card, state_line};

/// What is answered.
pub(super) enum Reply {
    Approve { confirm: Option<String> },
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
    let by = authority(&wanted.who, place)?;
    let source = Source::open(place, wanted.who.audit.as_deref()).await?;
    let record = source.call(wanted.id).await?;
    if record.state != CallState::Pending {
        let why = format!("it does not wait for a decision: {}", state_line(&record));
        return Err(Failure::new(Exit::Changed, why));
    }
    look(&source, &record, wanted.binding.as_deref(), &reply).await?;
    let decision = decision(&record.request, reply, by);
    let record = source.gate.decide(decision).await?;
    output.print(&CallLine::of(&record), || state_line(&record) + "\n")?;
    audited(&source)
}

/// Sees to it that whoever approves has seen what they approve. Other answers run nothing: they are
/// compared with what was seen only where the command line names it.
async fn look(
    source: &Source,
    record: &CallRecord,
    binding: Option<&str>,
    reply: &Reply,
) -> Result<(), Failure> {
    let stands = record.request.binding.to_string();
    let Reply::Approve { confirm } = reply else {
        if binding.is_some() {
            look::at_binding(binding, &stands, Audience::Nobody)?;
        }
        return Ok(());
    };
    let wanted = record.request.confirmation();
    if look::at_binding(binding, &stands, terminal::audience())? == Look::Seen {
        return look::confirmed(wanted.as_deref(), confirm.as_deref());
    }
    let card = card(record, &[], source.gate.now().await?);
    match wanted {
        None => {
            let answer = terminal::ask(&card, "Approve this? [y/N]")?;
            if terminal::is_yes(&answer) { Ok(()) } else { Err(terminal::declined()) }
        }
        Some(name) => {
            let question = format!("To approve the deletion, type its name ({name}):");
            let typed = terminal::ask(&card, &question)?;
            look::confirmed(Some(&name), Some(&typed)).map_err(|_| terminal::declined())
        }
    }
}

/// The decision names the revision that was read, so that one that came later is not decided by it.
fn decision(request: &ApprovalRequest, reply: Reply, by: Authority) -> Decision {
    match reply {
        Reply::Approve { .. } => request.approve().by(by),
        Reply::Reject { reason, may_ask_again: true } => {
            request.reject(reason).may_ask_again().by(by)
        }
        Reply::Reject { reason, may_ask_again: false } => request.reject(reason).by(by),
        Reply::Respond { message } => request.respond(message).by(by),
        Reply::Abort { reason } => request.abort(reason).by(by),
    }
}

/// Who decides, in which roles, for which tenants.
pub(super) fn authority(who: &Who, place: &Place) -> Result<Authority, Failure> {
    let mut by = Authority::of(name(who)?);
    for role in &who.role {
        by = by.role(role);
    }
    for tenant in &place.tenant {
        by = by.tenant(tenant.as_str());
    }
    Ok(by)
}
