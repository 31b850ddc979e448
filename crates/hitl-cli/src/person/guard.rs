//! The proof that each action requires of the person who takes it.

use hitl_core::Principal;
use hitl_core::approval::KnownBy;
use hitl_core::people::{CodeDemand, Deed};

use super::code_desk::{self, CodeDesk};
use super::processes;
use super::surroundings::{Surroundings, classify};
use crate::exit::{Exit, Failure};

/// The place where codes are checked.
pub(crate) enum CodeSource<'d> {
    /// The store in which people enrol.
    Desk(&'d CodeDesk<'d>),
    /// No store was named, so it is not known who has enrolled.
    Unnamed,
}

/// Verifies that a person does this, and returns the proof: keep it with the decision
/// (`ReviewerIdentity::known_by`). Call it before anything is shown, asked or done.
///
/// `name` is the name that the person gives, and `code` the one-time code that they typed. A right
/// code is used up by this, even if a later step fails. An action that only stops something is
/// never blocked by the enrolled credentials, readable or not.
///
/// Fails closed: data that cannot be read or stored refuses the action.
pub(crate) async fn require_person(
    deed: Deed,
    name: &Principal,
    code: Option<&str>,
    codes: CodeSource<'_>,
) -> Result<KnownBy, Failure> {
    let surroundings = classify(&processes::observe());
    if deed == Deed::Stop {
        return Ok(known(&surroundings));
    }
    let demanded = match &codes {
        CodeSource::Desk(desk) => Demands::In(desk.demands().await?),
        CodeSource::Unnamed => Demands::Unknown,
    };
    match requirement(deed, &surroundings, demanded, code.is_some()) {
        Requirement::Nothing => Ok(known(&surroundings)),
        Requirement::Code => match (codes, code) {
            (CodeSource::Desk(desk), Some(code)) => desk.check(name, code).await,
            (CodeSource::Desk(desk), None) => {
                let typed = code_desk::ask(name.as_str(), &surroundings)?;
                desk.check(name, &typed).await
            }
            (CodeSource::Unnamed, _) => Err(Failure::usage(
                "a one-time code is checked in the store in which you have enrolled: name it with --db",
            )),
        },
        Requirement::Person(why) => Err(Failure::new(Exit::Refused, why)),
    }
}

/// What an answer takes of the person who runs this program, without a code on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Nothing more than the answer.
    Enough,
    /// A one-time code.
    Code,
    /// It is refused, for this reason.
    Refused(String),
}

/// Returns what an answer takes here. Asks for no code and uses none up.
pub(crate) async fn answer_presence(desk: &CodeDesk<'_>) -> Result<Presence, Failure> {
    Ok(presence(Demands::In(desk.demands().await?)))
}

/// Does the same over a console.
pub(crate) fn answer_presence_at_console(demand: Option<CodeDemand>) -> Presence {
    presence(Demands::AtConsole(demand))
}

fn presence(demanded: Demands) -> Presence {
    match requirement(Deed::Answer, &classify(&processes::observe()), demanded, false) {
        Requirement::Nothing => Presence::Enough,
        Requirement::Code => Presence::Code,
        Requirement::Person(why) => Presence::Refused(why),
    }
}

impl Presence {
    /// Fails if no answer would be taken here, before anything is shown. A code that was given is
    /// checked with the answer that it counts for.
    pub(crate) fn require(self, code: Option<&str>) -> Result<(), Failure> {
        match self {
            Self::Refused(why) if code.is_none() => Err(Failure::new(Exit::Refused, why)),
            _ => Ok(()),
        }
    }
}

/// Refuses what an agent in whose shell this runs must not do, also where no code is asked for.
#[cfg(feature = "serve")]
pub(crate) fn refuse_agent() -> Result<(), Failure> {
    match classify(&processes::observe()) {
        Surroundings::Agent(why) => {
            Err(Failure::new(Exit::Refused, by_an_agent(&why, Demands::Unknown)))
        }
        Surroundings::Terminal | Surroundings::Script | Surroundings::Unknown => Ok(()),
    }
}

/// Does the same as [`require_person`] over a console, which checks the code itself: verifies that
/// no agent without a code is in control, and returns the code to send with the action. `demand` is
/// the console's demand of the token's owner, `name`.
pub(crate) fn require_person_for_console(
    deed: Deed,
    name: &str,
    code: Option<&str>,
    demand: Option<CodeDemand>,
) -> Result<Option<String>, Failure> {
    let surroundings = classify(&processes::observe());
    match requirement(deed, &surroundings, Demands::AtConsole(demand), code.is_some()) {
        Requirement::Nothing => Ok(None),
        Requirement::Code => match code {
            Some(code) => Ok(Some(code.to_owned())),
            None => code_desk::ask(name, &surroundings).map(Some),
        },
        Requirement::Person(why) => Err(Failure::new(Exit::Refused, why)),
    }
}

/// The demands of the place where an action is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demands {
    /// The demand of the people who have enrolled in a store, if there are any.
    In(Option<CodeDemand>),
    /// The demand of the people who have enrolled in a console's store, if there are any. The
    /// console checks it.
    AtConsole(Option<CodeDemand>),
    /// Unknown, because no store was named.
    Unknown,
}

/// Returns the proof of identity of a person who gives no code.
fn known(surroundings: &Surroundings) -> KnownBy {
    match surroundings {
        Surroundings::Terminal => KnownBy::Terminal,
        Surroundings::Script => KnownBy::Script,
        Surroundings::Agent(_) | Surroundings::Unknown => KnownBy::Name,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Requirement {
    /// Nothing more is required.
    Nothing,
    /// A one-time code is required.
    Code,
    /// A person is required, who is not present; with the reason.
    Person(String),
}

/// Returns what an action requires in these surroundings. Pure.
fn requirement(
    deed: Deed,
    surroundings: &Surroundings,
    demanded: Demands,
    has_code: bool,
) -> Requirement {
    if deed == Deed::Stop {
        return Requirement::Nothing;
    }
    // A given code is always checked, never ignored.
    if has_code {
        return Requirement::Code;
    }
    let wants_code = match demanded {
        Demands::In(demand) | Demands::AtConsole(demand) => {
            demand.is_some_and(|demand| demand.covers(deed))
        }
        Demands::Unknown => false,
    };
    match surroundings {
        Surroundings::Agent(why) => Requirement::Person(by_an_agent(why, demanded)),
        _ if wants_code => Requirement::Code,
        Surroundings::Unknown => Requirement::Person(by_nobody_known(demanded)),
        // People may have enrolled in the store that is not named.
        Surroundings::Script if demanded == Demands::Unknown => {
            Requirement::Person(WITHOUT_A_STORE.to_owned())
        }
        Surroundings::Terminal | Surroundings::Script => Requirement::Nothing,
    }
}

fn by_an_agent(why: &str, demanded: Demands) -> String {
    let how = match demanded {
        Demands::In(Some(_)) | Demands::AtConsole(Some(_)) => {
            "give a one-time code with --code, or use a terminal of your own"
        }
        Demands::In(None) => {
            "use a terminal of your own, in which no agent runs; a person who has enrolled (`hitl person \
             enroll`) may give a one-time code instead"
        }
        Demands::AtConsole(None) => {
            "use a terminal of your own, in which no agent runs, or the console's page"
        }
        Demands::Unknown => {
            "use a terminal of your own, in which no agent runs, or name the store with --db: who has \
             enrolled there may give a one-time code with --code"
        }
    };
    format!("only a person does this, and {why}; nothing was done: {how}")
}

fn by_nobody_known(demanded: Demands) -> String {
    let how = match demanded {
        Demands::In(Some(_)) | Demands::AtConsole(Some(_)) => {
            "give a one-time code with --code, or use a terminal in which they can be read"
        }
        Demands::In(None) => {
            "use a terminal in which they can be read; a person who has enrolled there (`hitl person \
             enroll`) may give a one-time code with --code here"
        }
        Demands::AtConsole(None) => {
            "use a terminal in which they can be read, or the console's page"
        }
        Demands::Unknown => {
            "use a terminal in which they can be read, or name the store with --db: who has enrolled there \
             may give a one-time code with --code"
        }
    };
    format!(
        "only a person does this, and not all processes above this one can be read (`hidepid` of /proc hides \
         some), so it is not known that no agent does; nothing was done: {how}"
    )
}

const WITHOUT_A_STORE: &str = "only a person does this, and without a store it is not known whether people have \
                               enrolled; nothing was done: name the store with --db, or use a terminal of \
                               your own";

#[cfg(test)]
mod tests {
    use super::*;

    const DEMANDS: [Demands; 7] = [
        Demands::In(None),
        Demands::In(Some(CodeDemand::Loosening)),
        Demands::In(Some(CodeDemand::Answers)),
        Demands::AtConsole(None),
        Demands::AtConsole(Some(CodeDemand::Loosening)),
        Demands::AtConsole(Some(CodeDemand::Answers)),
        Demands::Unknown,
    ];

    fn all() -> [Surroundings; 4] {
        use Surroundings as S;
        [S::Agent("`claude` is above".to_owned()), S::Terminal, S::Script, S::Unknown]
    }

    fn refusal(needed: Requirement) -> String {
        let Requirement::Person(why) = needed else { panic!("{needed:?}") };
        assert!(why.contains("nothing was done"), "{why}");
        why
    }

    #[test]
    fn invariant_7_in_an_agents_tree_nothing_but_a_code_answers_or_loosens() {
        let agent = &all()[0];
        for demanded in DEMANDS {
            for deed in [Deed::Answer, Deed::Loosen] {
                assert!(matches!(
                    requirement(deed, agent, demanded, false),
                    Requirement::Person(_)
                ));
                assert_eq!(requirement(deed, agent, demanded, true), Requirement::Code);
            }
        }
    }

    #[test]
    fn invariant_5_what_loosens_needs_a_code_once_somebody_has_enrolled_and_a_known_tree_before() {
        for surroundings in &all()[1..] {
            for demanded in [CodeDemand::Loosening, CodeDemand::Answers] {
                for demanded in [Demands::In(Some(demanded)), Demands::AtConsole(Some(demanded))] {
                    assert_eq!(
                        requirement(Deed::Loosen, surroundings, demanded, false),
                        Requirement::Code
                    );
                }
            }
            for demanded in [Demands::In(None), Demands::AtConsole(None)] {
                let first = requirement(Deed::Loosen, surroundings, demanded, false);
                let is_known = *surroundings != Surroundings::Unknown;
                assert_eq!(first == Requirement::Nothing, is_known, "{surroundings:?}");
            }
        }
    }

    #[test]
    fn invariant_5_where_not_all_can_be_read_nothing_is_answered_without_a_code() {
        let unknown = &Surroundings::Unknown;
        for demanded in [None, Some(CodeDemand::Loosening)].map(Demands::In) {
            let why = refusal(requirement(Deed::Answer, unknown, demanded, false));
            assert!(why.contains("--code"), "{why}");
            assert_eq!(requirement(Deed::Answer, unknown, demanded, true), Requirement::Code);
        }
    }

    #[test]
    fn invariant_5_without_a_store_only_a_terminal_loosens() {
        for surroundings in all() {
            let loosen =
                |has_code| requirement(Deed::Loosen, &surroundings, Demands::Unknown, has_code);
            assert_eq!(loosen(true), Requirement::Code);
            if surroundings == Surroundings::Terminal {
                assert_eq!(loosen(false), Requirement::Nothing);
            } else {
                let why = refusal(loosen(false));
                assert!(why.contains("--db"), "{why}");
            }
        }
    }

    #[test]
    fn a_refusal_speaks_of_codes_only_where_they_are_checked() {
        for surroundings in [&all()[0], &Surroundings::Unknown] {
            for deed in [Deed::Answer, Deed::Loosen] {
                let why = refusal(requirement(deed, surroundings, Demands::AtConsole(None), false));
                assert!(!why.contains("code") && !why.contains("enrol"), "{why}");
            }
        }
    }

    #[test]
    fn answers_need_a_code_where_that_is_demanded() {
        for surroundings in &all()[1..] {
            let answer = |demanded| requirement(Deed::Answer, surroundings, demanded, false);
            assert_eq!(answer(Demands::In(Some(CodeDemand::Answers))), Requirement::Code);
            if *surroundings != Surroundings::Unknown {
                assert_eq!(answer(Demands::In(Some(CodeDemand::Loosening))), Requirement::Nothing);
                assert_eq!(answer(Demands::In(None)), Requirement::Nothing);
            }
        }
    }

    #[test]
    fn stopping_needs_nothing_and_uses_no_code_up() {
        for (surroundings, by) in
            all().iter().zip([KnownBy::Name, KnownBy::Terminal, KnownBy::Script, KnownBy::Name])
        {
            assert_eq!(known(surroundings), by);
            for demanded in DEMANDS {
                for has_code in [true, false] {
                    let stop = requirement(Deed::Stop, surroundings, demanded, has_code);
                    assert_eq!(stop, Requirement::Nothing);
                }
            }
        }
    }
}
