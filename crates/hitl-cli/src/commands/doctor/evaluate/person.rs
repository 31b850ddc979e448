//! Whether the person who runs this program could decide. Pure.

use super::super::facts::PersonFacts;
use super::super::finding::Finding;
use crate::person::Presence;

const AREA: &str = "person";

pub(super) fn findings(person: &PersonFacts) -> Vec<Finding> {
    let name = match &person.name {
        Ok(name) => name,
        Err(why) => {
            let problem = Finding::problem(AREA, why.as_str(), "name who decides with --as NAME");
            return vec![problem.that_prevents_decisions()];
        }
    };
    person
        .presence
        .as_ref()
        .map(|presence| answer(name, presence, person.is_enrolled))
        .into_iter()
        .collect()
}

/// Returns whether `name` could give an answer here.
pub(super) fn answer(name: &str, presence: &Presence, is_enrolled: bool) -> Finding {
    match presence {
        Presence::Enough => Finding::ok(AREA, format!("{name} could decide here")),
        Presence::Code if is_enrolled => {
            Finding::ok(AREA, format!("{name} could decide here with a one-time code"))
        }
        Presence::Code => Finding::problem(
            AREA,
            format!("each answer needs a one-time code, and {name} has not enrolled"),
            "enrol: `hitl person enroll NAME`",
        )
        .that_prevents_decisions(),
        Presence::Refused(why) => {
            let advice = "decide at a terminal of your own, or on the console's page";
            Finding::problem(AREA, why.as_str(), advice).that_prevents_decisions()
        }
    }
}
