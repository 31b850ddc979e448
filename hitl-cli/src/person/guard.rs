//! What each deed needs of the person who does it.

use hitl_core::Principal;
use hitl_core::approval::KnownBy;

use super::desk::Desk;
use super::enrolment::Demand;
use super::processes;
use super::surroundings::{Surroundings, classify};
use crate::exit::{Exit, Failure};

/// What somebody is about to do, by what it does to the hold that people have of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Stops something, or takes a permission back: reject, abort, revoke. Anybody may; it is only said
    /// how they are known.
    Stop,
    /// Answers in a human's name, or sees what only a reviewer sees: approve, edit, respond, resolve,
    /// uncover.
    Answer,
    /// Gives away answers that are not asked for yet, or takes the hold off: allow, accepting a policy
    /// or pins, uninstalling a hook, saying who is a person.
    Loosen,
}

/// Makes sure that a person does this, and says how that is known: keep it with the decision
/// (`Authority::known_by`). Call it before anything is shown, asked or done.
///
/// `name` is who says that they do it, `code` what they typed as a one-time code, and `desk` the store in
/// which people have enrolled; none over a console, which knows people by their token. A right code is
/// used up by this, also when what follows fails.
///
/// Fails closed: whatever cannot be read or kept refuses the deed.
pub(crate) async fn require_person(
    deed: Deed,
    name: &Principal,
    code: Option<&str>,
    desk: Option<&Desk<'_>>,
) -> Result<KnownBy, Failure> {
    let surroundings = classify(&processes::look());
    let demanded = match desk {
        Some(desk) => desk.demands().await?,
        None => None,
    };
    match needed(deed, &surroundings, demanded, code.is_some()) {
        Needed::Nothing(known) => Ok(known),
        Needed::Code => match (desk, code) {
            (Some(desk), Some(code)) => desk.check(name, code).await,
            (Some(desk), None) => desk.ask(name, &surroundings).await,
            (None, _) => Err(Failure::usage(
                "a console knows you by your token: leave out --code (HITL_CODE)",
            )),
        },
        Needed::Person(why) => Err(Failure::new(Exit::Refused, why)),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Needed {
    /// It may be done; so is known who does it.
    Nothing(KnownBy),
    /// A one-time code.
    Code,
    /// Somebody who is not here; why.
    Person(String),
}

/// What a deed needs in these surroundings. `demanded` is what the people who have enrolled ask for.
/// Pure.
fn needed(
    deed: Deed,
    surroundings: &Surroundings,
    demanded: Option<Demand>,
    has_code: bool,
) -> Needed {
    let known = match surroundings {
        Surroundings::Terminal => KnownBy::Terminal,
        Surroundings::Script => KnownBy::Script,
        Surroundings::Agent(_) | Surroundings::Unknown => KnownBy::Name,
    };
    // What is given is looked at, and never passed over.
    if has_code {
        return Needed::Code;
    }
    let wants_code = match demanded {
        None => false,
        Some(Demand::Loosening) => deed == Deed::Loosen,
        Some(Demand::Answers) => deed != Deed::Stop,
    };
    match (deed, surroundings) {
        (Deed::Stop, _) => Needed::Nothing(known),
        (_, Surroundings::Agent(why)) => Needed::Person(by_an_agent(why, demanded)),
        _ if wants_code => Needed::Code,
        (_, Surroundings::Unknown) => Needed::Person(UNKNOWN.to_owned()),
        _ => Needed::Nothing(known),
    }
}

fn by_an_agent(why: &str, demanded: Option<Demand>) -> String {
    let how = match demanded {
        Some(_) => "give a one-time code with --code, or use a terminal of your own",
        None => {
            "use a terminal of your own, in which no agent runs; a person who has enrolled (`hitl person \
             enroll`) may give a one-time code instead"
        }
    };
    format!("only a person does this, and {why}; nothing was done: {how}")
}

const UNKNOWN: &str = "only a person does this, and not all processes above this one can be read, so it is \
                       not known that no agent does; nothing was done: use a terminal in which they can be \
                       (`hidepid` of /proc hides them), or enrol in one (`hitl person enroll`), and give \
                       a one-time code with --code";

#[cfg(test)]
mod tests {
    use super::*;

    const DEMANDS: [Option<Demand>; 3] = [None, Some(Demand::Loosening), Some(Demand::Answers)];

    fn all() -> [Surroundings; 4] {
        use Surroundings as S;
        [S::Agent("`claude` is above".to_owned()), S::Terminal, S::Script, S::Unknown]
    }

    #[test]
    fn invariant_7_in_an_agents_tree_nothing_but_a_code_answers_or_loosens() {
        let agent = &all()[0];
        for demanded in DEMANDS {
            for deed in [Deed::Answer, Deed::Loosen] {
                assert!(matches!(needed(deed, agent, demanded, false), Needed::Person(_)));
                assert_eq!(needed(deed, agent, demanded, true), Needed::Code);
            }
        }
    }

    #[test]
    fn invariant_5_what_loosens_needs_a_code_once_somebody_has_enrolled_and_a_known_tree_before() {
        for surroundings in &all()[1..] {
            for demanded in &DEMANDS[1..] {
                assert_eq!(needed(Deed::Loosen, surroundings, *demanded, false), Needed::Code);
            }
            let first = needed(Deed::Loosen, surroundings, None, false);
            let is_known = *surroundings != Surroundings::Unknown;
            assert_eq!(matches!(first, Needed::Nothing(_)), is_known, "{surroundings:?}");
        }
    }

    #[test]
    fn invariant_5_where_not_all_can_be_read_nothing_is_answered_without_a_code() {
        let unknown = &Surroundings::Unknown;
        for demanded in [None, Some(Demand::Loosening)] {
            let Needed::Person(why) = needed(Deed::Answer, unknown, demanded, false) else {
                panic!("{demanded:?}")
            };
            assert!(why.contains("nothing was done") && why.contains("--code"), "{why}");
            assert_eq!(needed(Deed::Answer, unknown, demanded, true), Needed::Code);
        }
    }

    #[test]
    fn answers_need_a_code_where_that_is_demanded_and_stopping_needs_nothing() {
        for surroundings in &all()[1..] {
            let answer = |demanded| needed(Deed::Answer, surroundings, demanded, false);
            assert_eq!(answer(Some(Demand::Answers)), Needed::Code);
            if *surroundings != Surroundings::Unknown {
                assert!(matches!(answer(Some(Demand::Loosening)), Needed::Nothing(_)));
                assert!(matches!(answer(None), Needed::Nothing(_)));
            }
        }
        for (surroundings, known) in
            all().iter().zip([KnownBy::Name, KnownBy::Terminal, KnownBy::Script, KnownBy::Name])
        {
            for demanded in DEMANDS {
                assert_eq!(
                    needed(Deed::Stop, surroundings, demanded, false),
                    Needed::Nothing(known)
                );
            }
        }
    }
}
