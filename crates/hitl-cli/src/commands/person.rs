//! `hitl person`: enrolls credentials that tell a person from an agent in their shell.

use std::fmt::Write as _;

use hitl_base::display::visible;
use hitl_core::people::EnrolledPerson;
use hitl_core::{Principal, PrincipalKind, ReviewerIdentity};
use serde::Serialize;

use super::{Output, check_audited, name};
use crate::args::{BackendArgs, DeciderArgs};
use crate::backend::{Backend, StoreBackend};
use crate::exit::{Exit, Failure};
use crate::person::{CodeDemand, CodeDesk, CodeSource, Deed, PersonCommand, require_person};
use crate::view::Screen;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EnrolmentReport {
    person: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    codes: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PeopleReport {
    demand: CodeDemand,
    people: Vec<PersonLine>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PersonLine {
    person: String,
    device: bool,
    codes: usize,
}

pub(super) async fn run(
    backend: &BackendArgs,
    command: PersonCommand,
    output: &Output,
) -> Result<(), Failure> {
    let who = command.who();
    if who.is_some_and(|who| who.audit.is_none()) {
        let why = "changes of people must be audited: name the folder of the audit log with --audit FOLDER";
        return Err(Failure::usage(why));
    }
    let audit = who.and_then(|who| who.audit.as_deref());
    let Backend::Store(store) = Backend::open(backend, audit).await? else {
        return Err(Failure::usage("people are enrolled in a store: give --db instead of --url"));
    };
    let (desk, registry) = (CodeDesk::new(&store), store.gate.people());
    match command {
        PersonCommand::List => {
            let (demand, people) = registry.list().await?;
            let line = |kept: EnrolledPerson| PersonLine {
                person: kept.name,
                device: kept.has_device,
                codes: kept.codes,
            };
            let people = PeopleReport { demand, people: people.into_iter().map(line).collect() };
            Ok(output.print_folded(&people, || list_text(&people))?)
        }
        PersonCommand::Enroll { person, codes, who } => {
            let person = parse_person(&person)?;
            let by = authorize(&desk, &who).await?;
            let enrolled = match codes {
                None => EnrolmentReport {
                    person: person.folded().to_string(),
                    uri: Some(registry.enrol_device(&person, &by.principal).await?),
                    codes: Vec::new(),
                },
                Some(count) => EnrolmentReport {
                    person: person.folded().to_string(),
                    uri: None,
                    codes: registry.enrol_codes(&person, &by.principal, count).await?,
                },
            };
            let what = if enrolled.uri.is_some() { "a device" } else { "printed codes" };
            note(&store, &person, &by, &format!("enrolled {what}")).await?;
            output.print(&enrolled, || enrolled_text(&enrolled, output.screen))?;
            check_audited(&store)
        }
        PersonCommand::Remove { person, who } => {
            let person = parse_person(&person)?;
            let by = authorize(&desk, &who).await?;
            if !registry.remove(&person).await? {
                return Err(Failure::new(Exit::NotFound, "nothing is enrolled under this name"));
            }
            note(&store, &person, &by, "removed what was enrolled").await?;
            check_audited(&store)
        }
        PersonCommand::Demand { what, who } => {
            let by = authorize(&desk, &who).await?;
            registry.set_demand(what.into()).await?;
            let person = by.principal.clone();
            note(&store, &person, &by, &format!("a credential is demanded for {}", what.words()))
                .await?;
            check_audited(&store)
        }
    }
}

/// Authorizes changes of credentials, which loosen more than anything else.
async fn authorize(desk: &CodeDesk<'_>, who: &DeciderArgs) -> Result<ReviewerIdentity, Failure> {
    let principal = Principal::new(name(who)?);
    let code = who.code.as_deref();
    let known = require_person(Deed::Loosen, &principal, code, CodeSource::Desk(desk)).await?;
    Ok(ReviewerIdentity::new(principal).known_by(known))
}

async fn note(
    store: &StoreBackend,
    person: &Principal,
    by: &ReviewerIdentity,
    what: &str,
) -> Result<(), Failure> {
    Ok(store.gate.record_person_change(person, by, what).await?)
}

fn parse_person(name: &str) -> Result<Principal, Failure> {
    let person = Principal::new(name);
    let is_human = person.kind() == PrincipalKind::Human;
    if person.folded().as_str().is_empty() || !is_human {
        return Err(Failure::usage("name a person: not an agent and not a service"));
    }
    Ok(person)
}

/// Renders what was enrolled. Sentences are wrapped; an address and a code stay whole, to be
/// copied.
fn enrolled_text(enrolled: &EnrolmentReport, screen: Screen) -> String {
    let mut out = String::new();
    let say = |out: &mut String, text: &str| out.push_str(&screen.fold(text));
    let person = visible(&enrolled.person);
    // Writing to a String cannot fail.
    if let Some(uri) = &enrolled.uri {
        say(&mut out, &format!("For the authenticator app of {person}, shown this once:\n"));
        let _ = writeln!(out, "{uri}");
        let who = "Who can read this store's host key can compute its codes: see \
                   docs/who-decides.md.\n";
        say(&mut out, who);
    }
    if !enrolled.codes.is_empty() {
        say(&mut out, &format!("Codes of {person}, each for one use, shown this once:\n"));
        for code in &enrolled.codes {
            let _ = writeln!(out, "{code}");
        }
        say(
            &mut out,
            "Keep them where no program of yours reads: on paper, or on another device.\n",
        );
    }
    out
}

fn list_text(people: &PeopleReport) -> String {
    let mut out = String::new();
    for PersonLine { person, device, codes } in &people.people {
        let device = if *device { "a device" } else { "no device" };
        let _ = writeln!(out, "{}  {device}, {codes} printed codes left", visible(person));
    }
    if people.people.is_empty() {
        out.push_str("nobody is enrolled: only their terminal identifies a person\n");
    }
    out
}
