//! Rules, and the host's rule file.

use hitl_core::{Outcome, RuleSet};

use super::super::lab::{ASKS_NOBODY, Lab, Witness, builder, drive};
use super::super::trial::{Proof, Stop, control, guard};

/// A rule that denies the tool of the trials.
const DENY: &str = "schema = 1\nversion = \"1\"\n[[rule]]\nname = \"none of these\"\n\
                    effect = \"deny\"\ntool = \"hitl_verify\"\n";

pub(super) async fn deny(lab: &Lab) -> Result<Proof, Stop> {
    let witness = Witness::default();
    let store = lab.open().await?;
    let gate = lab.build(builder(&store, ASKS_NOBODY, &witness)?).await?;
    drive(&gate, "deny", 0).await?;
    control(witness.runs() == 1, "a run of the call without the rule")?;
    let rules = RuleSet::parse(DENY).map_err(|error| Stop::Failed(error.to_string()))?;
    let gate = lab.build(builder(&store, ASKS_NOBODY, &witness)?.policy(rules)).await?;
    let outcome = drive(&gate, "deny", 1).await?;
    guard(
        matches!(outcome, Outcome::Denied { .. }),
        format!("the rule's call ended as {outcome:?}"),
    )?;
    guard(witness.runs() == 1, "a call ran that a rule denies")?;
    Ok(Proof::new("without the rule, the call ran", "with it, the call was denied"))
}

pub(super) fn file(lab: &Lab) -> Result<Proof, Stop> {
    let Some(text) = &lab.rule_text else {
        let why = "no rule file was given: --policy FILE";
        return Err(Stop::NotApplicable(why.to_owned()));
    };
    let broken = format!("{text}\n[[rule]]\nname = \"hitl verify\"\neffect = \"nonsense\"\n");
    control(RuleSet::parse(&broken).is_err(), "a refusal of the same file with a wrong rule")?;
    let rules = RuleSet::parse(text);
    let rules = rules.map_err(|error| Stop::Failed(format!("it does not load: {error}")))?;
    let tests = rules.self_test();
    let failed: Vec<String> =
        tests.iter().filter(|test| !test.passed()).map(ToString::to_string).collect();
    guard(failed.is_empty(), failed.join("; "))?;
    if tests.is_empty() {
        let why = "the rule file loads, and has no tests of its own to hold it to";
        return Err(Stop::NotApplicable(why.to_owned()));
    }
    Ok(Proof::new(
        "with a wrong rule, the file was refused",
        format!("{} loads, and all of its tests hold", rules.id()),
    ))
}
