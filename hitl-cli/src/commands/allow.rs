//! `hitl allow`: a grant on a call that waits.

use hitl_base::{Json, Timestamp};
use hitl_core::grant::{Condition, GrantTerms};
use hitl_core::policy::{PathMatcher, UrlMatcher};
use hitl_core::{CallState, GrantPreview};

use super::decide::{known, require_person_over_a_console};
use super::{Output, audited, terminal};
use crate::arguments::{AllowArguments, Place, Until};
use crate::exit::{Exit, Failure};
use crate::look::{self, Look};
use crate::person::Deed;
use crate::source::{Console, Previewed, Source, StoreSource};
use crate::view::{
    CallLine, Card, Given, GrantLine, Terms, card_text, given_text, state_line, terms_text,
};

pub(super) async fn run(
    place: &Place,
    wanted: AllowArguments,
    output: &Output,
) -> Result<(), Failure> {
    let who = &wanted.decide.who;
    match Source::open(place, who.audit.as_deref()).await? {
        Source::Store(store) => {
            at_store(&store, place, &wanted, output).await?;
            audited(&store)
        }
        Source::Console(console) => {
            Console::anonymous(who)?;
            if !wanted.preview {
                require_person_over_a_console(&console, Deed::Loosen, who.code.as_deref())?;
            }
            at_console(&console, &wanted, output)
        }
    }
}

async fn at_store(
    store: &StoreSource,
    place: &Place,
    wanted: &AllowArguments,
    output: &Output,
) -> Result<(), Failure> {
    let deed = if wanted.preview { Deed::Stop } else { Deed::Loosen };
    let by = known(deed, &wanted.decide.who, place, store).await?;
    let record = store.call(wanted.decide.id).await?;
    let card = store.card(&record).await?;
    let look = look(&card, wanted)?;
    let draft = record.request.grant(terms(wanted, &card)?).by(by.clone());
    let preview = store.gate.preview_grant(draft).await?;
    let shown = Terms { rule: preview.grant.rule.clone(), waiting: preview.waiting.len() };
    if wanted.preview {
        return Ok(output.print(&shown, || terms_text(&shown))?);
    }
    if look == Look::Ask {
        // What was not shown is not said to have been: said first, and then shown.
        store.gate.record_shown(&record, by.principal).await?;
        ask(&card, &shown)?;
    }
    let given = save(store, preview).await?;
    Ok(output.print(&given, || given_text(&given))?)
}

async fn save(store: &StoreSource, preview: GrantPreview) -> Result<Given, Failure> {
    let granted = store.gate.save_grant(preview).await?;
    let now = store.gate.now().await?;
    Ok(Given {
        grant: GrantLine::of(&granted.record, now),
        allowed: granted.allowed.iter().map(CallLine::of).collect(),
    })
}

fn at_console(console: &Console, wanted: &AllowArguments, output: &Output) -> Result<(), Failure> {
    let card = console.card(wanted.decide.id)?;
    let look = look(&card, wanted)?;
    let terms = terms(wanted, &card)?;
    let preview: Previewed = console.preview_grant(&card, &terms)?;
    let shown = Terms { rule: preview.rule.clone(), waiting: preview.waiting };
    if wanted.preview {
        return Ok(output.print(&shown, || terms_text(&shown))?);
    }
    if look == Look::Ask {
        console.looks_at(Some(wanted.decide.id))?;
        let answered = ask(&card, &shown);
        // Whoever is thought to look on is forgotten soon all the same.
        let _ = console.looks_at(None);
        answered?;
    }
    let given = console.save_grant(&card, &terms, &preview)?;
    Ok(output.print(&given, || given_text(&given))?)
}

/// Sees to it that whoever permits it has seen the call. A look at the rule alone gives nothing.
fn look(card: &Card, wanted: &AllowArguments) -> Result<Look, Failure> {
    if card.line.state != CallState::Pending {
        let why = format!("it does not wait for a decision: {}", state_line(&card.line));
        return Err(Failure::new(Exit::Changed, why));
    }
    let binding = wanted.decide.binding.as_deref();
    if wanted.preview && binding.is_none() {
        return Ok(Look::Seen);
    }
    look::at_binding(binding, &card.request.binding.to_string(), terminal::audience())
}

/// Shows the card and the rule, and asks.
fn ask(card: &Card, shown: &Terms) -> Result<(), Failure> {
    let text = format!("{}\nFrom now on:\n{}", card_text(card), terms_text(shown));
    let answer = terminal::ask(&text, "Give this grant? [y/N]")?;
    if terminal::is_yes(&answer) { Ok(()) } else { Err(terminal::declined()) }
}

/// What the command line permits, on the call that the card shows.
fn terms(wanted: &AllowArguments, card: &Card) -> Result<GrantTerms, Failure> {
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

fn moment(until: Until, now: Timestamp) -> Timestamp {
    match until {
        Until::At(moment) => moment,
        Until::In(length) => now.plus(length),
    }
}

/// An argument as the call has it: a text, a number, or yes or no.
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
    use hitl_base::json::scan;

    #[test]
    fn an_argument_is_named_as_the_call_has_it() {
        let shown = r#"{"to": {"country": "SE"}, "amount": 120.50, "express": true,
            "back": -1, "tags": ["a"], "none": null}"#;
        let shown = scan(shown).unwrap();
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
