//! Decides which rules are in force, given the text of a rule file, its last accepted text, and its
//! signature.

use std::sync::Arc;

use hitl_base::Timestamp;

use super::acceptance::{Accepted, Baseline};
use super::changes::Changes;
use super::in_force::InForce;
use super::signature::SignedPolicy;
use super::{AcceptanceFile, RuleSet};
use crate::audit::{AuditRecord, AuditSink};

/// The recorded author of acceptances that needed nobody.
const FIRST_USE: &str = "first use";
const ONLY_TIGHTENS: &str = "at least as strict as what was accepted before";

/// A rule file that was read.
pub(super) struct Loaded {
    pub(super) text: String,
    pub(super) rules: RuleSet,
    /// The rule set's name, if its text has none.
    pub(super) name: String,
    /// The signer, or the reason why the text does not count as signed; `None` where the host takes
    /// no signatures.
    pub(super) signed: Option<Result<SignedPolicy, String>>,
}

/// The acceptance that this process knows.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) rules: Arc<RuleSet>,
    pub(super) accepted: Arc<Accepted>,
    /// True if the acceptance file contains it.
    written: bool,
}

/// The rules in force from now on.
pub(super) struct Judged {
    pub(super) in_force: InForce,
    pub(super) known: Option<Known>,
}

/// Judges a rule file that was read, and records acceptances that need nobody.
pub(super) struct Judge<'a> {
    pub(super) acceptance: &'a AcceptanceFile,
    /// The audit that receives each acceptance before it counts.
    pub(super) audit: Option<&'a dyn AuditSink>,
    /// True if only a person's acceptance counts: everything new waits, and nothing else is
    /// written.
    pub(super) only_people: bool,
}

impl Judge<'_> {
    /// Returns the rules in force, now that this was read. `known`: what this process knew before.
    pub(super) fn judge(&self, loaded: Loaded, known: Option<&Known>) -> Judged {
        let accepted = match (self.acceptance.read(), known) {
            (Baseline::Accepted(accepted), _) => {
                if !self.only_people {
                    self.acceptance.renew(&accepted);
                }
                accepted
            }
            (Baseline::FirstUse, Some(known)) => return self.after(known.clone(), loaded),
            (Baseline::FirstUse, None) => return self.first(loaded),
            (Baseline::Untrusted(why), known) => return self.untrusted(why, loaded, known),
        };
        if let Some(known) = known
            && let Some(why) = accepted.fault_after(&known.accepted)
        {
            if known.written {
                let path = self.acceptance.path().display();
                tracing::error!(%path, "what was accepted of a policy {why}; what this process knows counts");
            }
            // Written for the next process, too.
            let written = self.write(&known.accepted);
            return self.after(Known { written, ..known.clone() }, loaded);
        }
        match RuleSet::parse_named(&accepted.text, &loaded.name) {
            Ok(rules) => {
                let (rules, accepted) = (Arc::new(rules), Arc::from(accepted));
                self.after(Known { rules, accepted, written: true }, loaded)
            }
            Err(error) => {
                let why = format!("what was accepted does not load any more: {error}");
                self.untrusted(why, loaded, known)
            }
        }
    }

    /// Judges a file of which nothing was ever accepted. Where the host takes signatures, only a
    /// signed text is trusted.
    fn first(&self, loaded: Loaded) -> Judged {
        let Loaded { text, rules, signed, .. } = loaded;
        let newer = Arc::new(rules);
        let refused = |why: String| Judged {
            in_force: InForce::Refused { why, newer: Arc::clone(&newer) },
            known: None,
        };
        if self.only_people {
            return refused("nothing was accepted yet".to_owned());
        }
        let (by, number) = match &signed {
            None => (FIRST_USE.to_owned(), 0),
            Some(Ok(signed)) => (signed.by.clone(), signed.number),
            Some(Err(why)) => return refused(format!("nothing was accepted yet, and {why}")),
        };
        let next = self.acceptance.next((&text, &by), number, None);
        if let Err(why) = self.announce(None, &newer, &next) {
            return refused(why);
        }
        let written = self.write(&next);
        let known = Known { rules: Arc::clone(&newer), accepted: Arc::new(next), written };
        Judged { in_force: InForce::Rules(newer), known: Some(known) }
    }

    /// Judges a file whose last accepted text is known.
    fn after(&self, known: Known, loaded: Loaded) -> Judged {
        let Loaded { text, rules, signed, .. } = loaded;
        let newer = Arc::new(rules);
        if known.rules.id().digest == newer.id().digest {
            let known = self.numbered(known, signed.as_ref());
            return Judged { in_force: InForce::Rules(newer), known: Some(known) };
        }
        let relaxations = newer.relaxations_of(&known.rules);
        let before = &*known.accepted;
        let of_signature = |signed: &Option<Result<SignedPolicy, String>>| {
            signed.as_ref().and_then(|it| it.as_ref().ok()).map_or(0, |it| it.number)
        };
        if relaxations.is_empty() && !self.only_people {
            let number = of_signature(&signed);
            let next = self.acceptance.next((&text, ONLY_TIGHTENS), number, Some(before));
            if let Err(why) = self.announce(Some(&known.rules), &newer, &next) {
                // It is stricter, so it counts all the same.
                tracing::warn!(%why, "a stricter policy comes into force");
            }
            let written = self.write(&next);
            let known = Known { rules: Arc::clone(&newer), accepted: Arc::new(next), written };
            return Judged { in_force: InForce::Rules(newer), known: Some(known) };
        }
        let signature = match &signed {
            None => None,
            Some(Err(why)) => Some(why.clone()),
            Some(Ok(signed)) => match self.by_signature(&text, signed, &known, &newer) {
                Ok(known) => return Judged { in_force: InForce::Rules(newer), known: Some(known) },
                Err(why) => Some(why),
            },
        };
        for relaxation in &relaxations {
            let path = self.acceptance.path().display();
            tracing::warn!(%path, %relaxation, "a policy may be laxer than what was accepted; the stricter of both decides until somebody accepts it");
        }
        let changes = Changes::between(&before.text, &text);
        let in_force = InForce::both((&known.rules, newer), relaxations, changes, signature);
        Judged { in_force, known: Some(known) }
    }

    /// Accepts a text that may relax by its signature: the audit and the acceptance file record it
    /// before it counts, so that no earlier number ever counts again.
    fn by_signature(
        &self,
        text: &str,
        signed: &SignedPolicy,
        known: &Known,
        newer: &Arc<RuleSet>,
    ) -> Result<Known, String> {
        let before = &*known.accepted;
        if self.only_people {
            return Err("this program takes none".to_owned());
        }
        if before.number_unknown {
            return Err("what was accepted before was lost, so nobody knows which number was the \
                        highest; a person accepts a signed text first"
                .to_owned());
        }
        if signed.number <= before.number {
            return Err(format!(
                "its signature has the number {}, and {} was accepted before; sign it with a higher one",
                signed.number, before.number
            ));
        }
        let next = self.acceptance.next((text, &signed.by), signed.number, Some(before));
        self.announce(Some(&known.rules), newer, &next)?;
        self.acceptance.write(&next).map_err(|error| {
            let path = self.acceptance.path().display();
            format!("what is accepted cannot be written to {path}: {error}")
        })?;
        Ok(Known { rules: Arc::clone(newer), accepted: Arc::new(next), written: true })
    }

    /// Judges a file whose accepted text is unknown: what this process knows counts, and nothing is
    /// written.
    fn untrusted(&self, why: String, loaded: Loaded, known: Option<&Known>) -> Judged {
        let path = self.acceptance.path().display();
        tracing::error!(%path, %why, "it is not known what was accepted of a policy");
        let newer = Arc::new(loaded.rules);
        let Some(known) = known else {
            return Judged { in_force: InForce::Refused { why, newer }, known: None };
        };
        let relaxations = newer.relaxations_of(&known.rules);
        if relaxations.is_empty() && !self.only_people {
            let said = (loaded.text.as_str(), ONLY_TIGHTENS);
            let accepted = Arc::new(self.acceptance.next(said, 0, Some(&known.accepted)));
            let known = Known { rules: Arc::clone(&newer), accepted, written: false };
            return Judged { in_force: InForce::Rules(newer), known: Some(known) };
        }
        let changes = Changes::between(&known.accepted.text, &loaded.text);
        // A signature does not count if the last number is unknown.
        let signature = loaded.signed.map(|_| why);
        let in_force = InForce::both((&known.rules, newer), relaxations, changes, signature);
        Judged { in_force, known: Some(known.clone()) }
    }

    /// Restores a lost highest number from the signature of the text that a person has accepted
    /// since.
    fn numbered(&self, known: Known, signed: Option<&Result<SignedPolicy, String>>) -> Known {
        let Some(Ok(signed)) = signed.filter(|_| known.accepted.number_unknown) else {
            return known;
        };
        let next = self.acceptance.numbered(&known.accepted, signed.number);
        if self.only_people || !self.write(&next) {
            return known;
        }
        Known { accepted: Arc::new(next), written: true, ..known }
    }

    fn announce(
        &self,
        from: Option<&Arc<RuleSet>>,
        to: &RuleSet,
        next: &Accepted,
    ) -> Result<(), String> {
        let Some(audit) = self.audit else { return Ok(()) };
        let mut why = next.by.clone();
        if next.number > 0 {
            why = format!("{why}; number {}", next.number);
        }
        let from = from.map(|rules| rules.id());
        let entry = AuditRecord::policy_accepted(from, to.id(), &why, Timestamp::now());
        audit.append(&entry).map_err(|error| format!("it cannot be audited: {error}"))
    }

    /// Writes an acceptance and returns whether that succeeded. Otherwise this process knows it,
    /// and the next one asks again.
    fn write(&self, accepted: &Accepted) -> bool {
        if self.only_people {
            return false;
        }
        let written = self.acceptance.write(accepted);
        if let Err(error) = &written {
            let path = self.acceptance.path().display();
            tracing::warn!(%path, %error, "what was accepted of a policy was not written down");
        }
        written.is_ok()
    }
}

impl Known {
    /// Returns the text that a person accepted, once it is written.
    pub(super) fn accepted(rules: Arc<RuleSet>, accepted: Accepted) -> Self {
        Self { rules, accepted: Arc::new(accepted), written: true }
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
