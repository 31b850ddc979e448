//! The audit: where it is, whether it is sound, and what it is owed. Pure.

use super::super::facts::{AuditFacts, Facts, VerifiedFacts};
use super::super::finding::Finding;

const AREA: &str = "audit";
/// The number of findings of the verifier that are listed.
const LISTED: usize = 5;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut found: Vec<Finding> = facts.audit.iter().map(place).collect();
    if facts.audit.is_empty() {
        found.push(Finding::warning(
            AREA,
            "no audit log was named, so none was checked",
            "name it: --audit FOLDER, or --audit FILE",
        ));
    }
    match &facts.verified {
        None => {}
        Some(Err(why)) => {
            found.push(Finding::problem(
                AREA,
                format!("it cannot be verified: {why}"),
                "see the message",
            ));
        }
        Some(Ok(verified)) => found.extend(verdict(verified)),
    }
    if let Some(state) = facts.store.inspection.as_ref().ok().and_then(|it| it.state.as_ref()) {
        if state.owed_by_dead > 0 {
            found.push(Finding::warning(
                AREA,
                format!("{} changes of programs that died are not in it yet", state.owed_by_dead),
                "start the program with the tools, which takes them over",
            ));
        }
        if state.owed_by_living > 0 {
            found.push(Finding::warning(
                AREA,
                format!("{} changes of running programs are not in it yet", state.owed_by_living),
                "if that stays so, their audit fails: look at their log, and at the disk",
            ));
        }
        if state.owed_by_dead + state.owed_by_living == 0 {
            found.push(Finding::ok(AREA, "nothing is owed to it"));
        }
    }
    found
}

fn place(audit: &AuditFacts) -> Finding {
    let path = &audit.path;
    match &audit.chains {
        Err(why) => {
            let advice = "name the folder or the file that the programs write";
            Finding::problem(AREA, format!("{path}: {why}"), advice)
        }
        Ok(_) if !audit.is_writable => Finding::problem(
            AREA,
            format!("{path}: this user cannot write there"),
            "let this user write there: decisions with this --audit are refused",
        )
        .that_prevents_decisions(),
        Ok(0) => Finding::warning(AREA, format!("{path}: it has no log yet"), "check the path"),
        Ok(1) => Finding::ok(AREA, format!("{path}: 1 chain")),
        Ok(many) => Finding::ok(AREA, format!("{path}: {many} chains")),
    }
}

fn verdict(verified: &VerifiedFacts) -> Vec<Finding> {
    let VerifiedFacts { records, chains, findings } = verified;
    if findings.is_empty() {
        let chains = match chains {
            1 => "1 chain".to_owned(),
            many => format!("{many} chains"),
        };
        let what = format!("sound: {records} records in {chains}, and the store agrees");
        return vec![Finding::ok(AREA, what)];
    }
    let advice = "docs/audit.md says what each finding means; a log that is being written may lack \
                  its newest records: check again";
    let problem = |what: &String| Finding::problem(AREA, what.as_str(), advice);
    let mut found: Vec<Finding> = findings.iter().take(LISTED).map(problem).collect();
    if findings.len() > LISTED {
        let more = format!("and {} more findings", findings.len() - LISTED);
        found.push(Finding::problem(AREA, more, "list them: `hitl audit verify`"));
    }
    found
}
