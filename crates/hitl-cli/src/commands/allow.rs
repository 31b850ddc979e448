//! `hitl allow`: a grant on a pending call.

use hitl_base::{Json, Timestamp};
use hitl_core::approval::DecisionChannel;
use hitl_core::grant::{Condition, GrantTerms};
use hitl_core::policy::{PathMatcher, UrlMatcher};
use hitl_core::{CallState, GrantPreview};
use hitl_wire::GrantSummary;

use super::decide::{authenticate, require_person_at_console};
use super::{Output, check_audited, terminal};
use crate::args::{AllowArgs, BackendArgs, Until};
use crate::backend::{Backend, ConsoleClient, StoreBackend};
use crate::exit::{Exit, Failure};
use crate::person::Deed;
use crate::seen_check::{self, SeenCheck};
use crate::view::{
    CallLine, Card, GrantResult, PreviewReport, Screen, card_text, grant_result_text, preview_text,
    state_line,
};

pub(super) async fn run(
    backend: &BackendArgs,
    wanted: AllowArgs,
    output: &Output,
) -> Result<(), Failure> {
    let who = &wanted.decide.who;
    match Backend::open(backend, who.audit.as_deref()).await? {
        Backend::Store(store) => {
            at_store(&store, backend, &wanted, output).await?;
            check_audited(&store)
        }
        Backend::Console(console) => {
            ConsoleClient::refuse_name(who)?;
            if !wanted.preview {
                require_person_at_console(&console, Deed::Loosen, who.code.as_deref())?;
            }
            at_console(&console, &wanted, output)
        }
    }
}

async fn at_store(
    store: &StoreBackend,
    backend: &BackendArgs,
    wanted: &AllowArgs,
    output: &Output,
) -> Result<(), Failure> {
    let deed = if wanted.preview { Deed::Stop } else { Deed::Loosen };
    let by = authenticate(deed, &wanted.decide.who, backend, store).await?;
    let record = store.call(&wanted.decide.id).await?;
    let card = store.card(&record).await?;
    let look = check_seen(&card, wanted)?;
    let draft = record.request().grant(terms(wanted, &card)?);
    let draft = draft.through(DecisionChannel::COMMAND_LINE).by(by.clone());
    let preview = store.gate.preview_grant(draft).await?;
    let shown = PreviewReport { rule: preview.grant.rule.clone(), waiting: preview.waiting.len() };
    if wanted.preview {
        return Ok(output.print_folded(&shown, || preview_text(&shown))?);
    }
    if look == SeenCheck::Ask {
        // Recorded first, and then shown: the audit must not claim that a call was shown if it was
        // not.
        store.gate.record_shown(&record, by.principal).await?;
        ask(&card, &shown)?;
    }
    let given = save(store, preview).await?;
    Ok(output.print_folded(&given, || grant_result_text(&given, Timestamp::now()))?)
}

async fn save(store: &StoreBackend, preview: GrantPreview) -> Result<GrantResult, Failure> {
    let granted = store.gate.save_grant(preview).await?;
    let now = store.gate.now().await?;
    Ok(GrantResult {
        grant: GrantSummary::new(&granted.record, now),
        allowed: granted.allowed.iter().map(CallLine::from).collect(),
    })
}

fn at_console(console: &ConsoleClient, wanted: &AllowArgs, output: &Output) -> Result<(), Failure> {
    let card = console.card(&wanted.decide.id)?;
    let look = check_seen(&card, wanted)?;
    let terms = terms(wanted, &card)?;
    let preview = console.preview_grant(&card, &terms)?;
    let shown = PreviewReport { rule: preview.rule.clone(), waiting: preview.waiting };
    if wanted.preview {
        return Ok(output.print_folded(&shown, || preview_text(&shown))?);
    }
    if look == SeenCheck::Ask {
        console.set_presence(Some(card.request.id))?;
        let answered = ask(&card, &shown);
        // The console forgets an onlooker soon even if this fails.
        let _ = console.set_presence(None);
        answered?;
    }
    let given = console.save_grant(&card, &terms, preview)?;
    Ok(output.print_folded(&given, || grant_result_text(&given, Timestamp::now()))?)
}

/// Checks that the person who gives the grant has seen the call. A preview gives nothing.
fn check_seen(card: &Card, wanted: &AllowArgs) -> Result<SeenCheck, Failure> {
    if card.line.state != CallState::Pending {
        let why = format!("it is not pending: {}", state_line(&card.line, card.now));
        return Err(Failure::new(Exit::Conflict, why));
    }
    let binding = wanted.decide.binding.as_deref();
    if wanted.preview && binding.is_none() {
        return Ok(SeenCheck::Seen);
    }
    seen_check::check_binding(binding, &card.request.binding.to_string(), terminal::interactivity())
}

/// Shows the card and the rule, and asks.
fn ask(card: &Card, shown: &PreviewReport) -> Result<(), Failure> {
    let text =
        format!("{}\nFrom now on:\n{}", card_text(card, Screen::messages()), preview_text(shown));
    let answer = terminal::ask(&text, "Give this grant? [y/N]")?;
    if terminal::is_yes(&answer) { Ok(()) } else { Err(terminal::declined()) }
}

/// Builds the terms that the command line gives, for the call that the card shows.
fn terms(wanted: &AllowArgs, card: &Card) -> Result<GrantTerms, Failure> {
    let mut conditions = Vec::new();
    if !wanted.same.is_empty() {
        let shown = card.request.arguments.tree();
        let shown =
            shown.map_err(|_| Failure::new(Exit::Failed, "the call's arguments cannot be read"))?;
        for path in &wanted.same {
            conditions.extend(same(path, &shown)?);
        }
    }
    let most = wanted.at_most.iter().map(|(path, most)| Condition::at_most(path, *most));
    conditions.extend(most);
    conditions.extend(wanted.like.iter().map(|(path, form)| Condition::like(path, form)));
    let below = |(path, folder): &(String, String)| {
        Condition::file(path, PathMatcher::inside(folder.as_str()))
    };
    conditions.extend(wanted.inside.iter().map(below));
    let of =
        |(path, host): &(String, String)| Condition::url(path, UrlMatcher::hosts([host.as_str()]));
    conditions.extend(wanted.host.iter().map(of));
    let mut terms = match (wanted.any, conditions.is_empty()) {
        (true, _) => GrantTerms::any_arguments(),
        (false, true) => GrantTerms::exactly(),
        (false, false) => GrantTerms::matching(conditions),
    };
    if wanted.durable {
        terms = terms.durable();
    }
    if let Some(uses) = wanted.uses {
        terms = terms.uses(uses);
    }
    if let Some((path, most)) = &wanted.sum {
        terms = terms.sum(path, *most);
    }
    if let Some(until) = wanted.until {
        terms = terms.until(moment(until, card.now));
    }
    Ok(terms)
}

pub(super) fn moment(until: Until, now: Timestamp) -> Timestamp {
    match until {
        Until::At(moment) => moment,
        Until::In(length) => now.saturating_add(length),
    }
}

/// Returns conditions for an argument's value in the call: a text, a number, or a boolean.
fn same(path: &str, shown: &Json) -> Result<Vec<Condition>, Failure> {
    let value = path.split('.').try_fold(shown, |at, name| {
        at.entries().iter().find(|(key, _)| key == name).map(|(_, value)| value)
    });
    let wrong = |why: &str| {
        let path = hitl_base::display::visible(path);
        Failure::usage(format!("--same {path}: {why}"))
    };
    match value {
        Some(Json::String(text)) => Ok(vec![Condition::is(path, text)]),
        Some(Json::Bool(yes)) => Ok(vec![Condition::bool(path, *yes)]),
        Some(Json::Number(number)) => {
            let number = number.parse();
            let number =
                number.map_err(|_| wrong("only a number that is not negative can be named"))?;
            Ok(vec![Condition::at_least(path, number), Condition::at_most(path, number)])
        }
        Some(_) => Err(wrong("only a text, a number, or yes or no can be named")),
        None => Err(wrong("the call has no such argument")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_base::json::parse_json;

    #[test]
    fn an_argument_is_named_as_the_call_has_it() {
        let shown = r#"{"to": {"country": "SE"}, "amount": 120.50, "express": true,
            "back": -1, "tags": ["a"], "none": null}"#;
        let shown = parse_json(shown).unwrap();
        assert_eq!(same("to.country", &shown).unwrap(), [Condition::is("to.country", "SE")]);
        assert_eq!(same("express", &shown).unwrap(), [Condition::bool("express", true)]);
        let exactly = "120.5".parse().unwrap();
        let both = [Condition::at_least("amount", exactly), Condition::at_most("amount", exactly)];
        assert_eq!(same("amount", &shown).unwrap(), both);
        for wrong in ["back", "tags", "none", "to", "gone", "", "to.country.x"] {
            assert_eq!(same(wrong, &shown).unwrap_err().exit, Exit::Usage, "{wrong}");
        }
    }
}
