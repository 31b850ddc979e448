//! Routing: from an assessment to a verdict. Among everything that has a say, the strictest wins.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ApprovalLevel, Effect, Policy, level_for};
use crate::call::Risk;
use crate::confidence::{Assessment, CallView};

/// What the machine decided about a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It runs.
    Run,
    /// A human is asked, at this level.
    Ask(ApprovalLevel),
    /// It does not run, and nobody is asked. The text says which rule and why.
    Deny(String),
}

impl Verdict {
    /// The level: Auto for a call that runs; nothing for one that is denied.
    pub fn level(&self) -> Option<ApprovalLevel> {
        match self {
            Self::Run => Some(ApprovalLevel::Auto),
            Self::Ask(level) => Some(*level),
            Self::Deny(_) => None,
        }
    }
}

/// A verdict and what made it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Routed {
    /// What the machine decided.
    pub verdict: Verdict,
    /// What raised it above the level of its confidence, in words.
    pub because: Vec<String>,
}

/// Routes an assessed call.
///
/// The level is the strictest of: the confidence against the tool's thresholds; what a factor
/// demands; the risk (critical is always Full; high is Auto only where the tool sets
/// `auto_threshold` itself); and the host's policies, of which any may deny.
pub fn route(call: &CallView<'_>, assessment: &Assessment, policies: &[Arc<dyn Policy>]) -> Routed {
    let mut because = Vec::new();
    let mut level = level_for(assessment.confidence, call.config.thresholds());
    let mut raise = |to: ApprovalLevel, why: String| {
        if to > level {
            level = to;
            because.push(why);
        }
    };
    for factor in &assessment.factors {
        if let Some(demanded) = factor.level {
            raise(demanded, format!("{}: {}", factor.name, factor.reasoning));
        }
    }
    match call.config.risk {
        Risk::Critical => {
            raise(ApprovalLevel::Full, "critical risk is always reviewed in full".to_owned());
        }
        Risk::High if call.config.auto_threshold.is_none() => {
            raise(
                ApprovalLevel::Quick,
                "high risk, and the tool sets no auto_threshold of its own".to_owned(),
            );
        }
        _ => {}
    }
    for policy in policies {
        match catch_unwind(AssertUnwindSafe(|| policy.rule(call, assessment))) {
            Ok(None) => {}
            Ok(Some(ruling)) => match ruling.effect {
                Effect::AtLeast(demanded) => raise(demanded, ruling.reason),
                Effect::Deny => return Routed { verdict: Verdict::Deny(ruling.reason), because },
            },
            Err(_) => {
                let why = "a policy failed, so the call is denied; mend the policy".to_owned();
                return Routed { verdict: Verdict::Deny(why), because };
            }
        }
    }
    let verdict = match level {
        ApprovalLevel::Auto => Verdict::Run,
        asked => Verdict::Ask(asked),
    };
    Routed { verdict, because }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{CallContext, HitlConfig};
    use crate::confidence::Factor;
    use crate::policy::Ruling;
    use hitl_base::Json;
    use proptest::prelude::*;

    fn verdict(
        config: HitlConfig,
        assessment: &Assessment,
        policies: &[Arc<dyn Policy>],
    ) -> Verdict {
        let cx = CallContext::of("ann");
        let arguments = Json::Object(Vec::new());
        route(&CallView::new("t", &config, &arguments, &cx), assessment, policies).verdict
    }

    fn scored(confidence: u8, factors: Vec<Factor>) -> Assessment {
        Assessment { confidence, base: 70, factors }
    }

    struct Says(Option<Effect>);
    impl Policy for Says {
        fn rule(&self, _: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
            self.0.map(|effect| Ruling { effect, reason: "said so".to_owned() })
        }
    }

    struct Panics;
    impl Policy for Panics {
        fn rule(&self, _: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
            panic!("broken policy")
        }
    }

    #[test]
    fn high_risk_is_auto_only_where_the_tool_says_so_itself() {
        let high = HitlConfig::DEFAULT.risk(Risk::High);
        assert_eq!(verdict(high, &scored(100, vec![]), &[]), Verdict::Ask(ApprovalLevel::Quick));
        assert_eq!(verdict(high.auto_threshold(95), &scored(95, vec![]), &[]), Verdict::Run);
        let critical = HitlConfig::DEFAULT.risk(Risk::Critical).auto_threshold(0);
        assert_eq!(verdict(critical, &scored(100, vec![]), &[]), Verdict::Ask(ApprovalLevel::Full));
    }

    #[test]
    fn invariant_5_a_failing_policy_denies() {
        let outcome = verdict(HitlConfig::DEFAULT, &scored(100, vec![]), &[Arc::new(Panics)]);
        assert!(matches!(outcome, Verdict::Deny(_)));
    }

    fn strictness(verdict: &Verdict) -> u8 {
        match verdict {
            Verdict::Run => 0,
            Verdict::Ask(ApprovalLevel::Auto) => unreachable!("Ask(Auto) is Run"),
            Verdict::Ask(ApprovalLevel::Quick) => 1,
            Verdict::Ask(ApprovalLevel::Full) => 2,
            Verdict::Deny(_) => 3,
        }
    }

    fn any_effect() -> impl Strategy<Value = Option<Effect>> {
        prop_oneof![
            Just(None),
            Just(Some(Effect::AtLeast(ApprovalLevel::Auto))),
            Just(Some(Effect::AtLeast(ApprovalLevel::Quick))),
            Just(Some(Effect::AtLeast(ApprovalLevel::Full))),
            Just(Some(Effect::Deny)),
        ]
    }

    fn any_risk() -> impl Strategy<Value = Risk> {
        prop_oneof![Just(Risk::Low), Just(Risk::Medium), Just(Risk::High), Just(Risk::Critical)]
    }

    proptest! {
        /// Raising a threshold or the risk, lowering the confidence, demanding a level or adding a
        /// rule never makes the verdict laxer.
        #[test]
        fn invariant_5_tightening_only_tightens(
            confidence in 0_u8..=100, lower in 0_u8..=100, auto in 0_u8..=100, quick in 0_u8..=100,
            raise_auto in 0_u8..=100, risk in any_risk(), riskier in any_risk(),
            effect in any_effect(), added in any_effect(), own_threshold: bool,
        ) {
            let mut config = HitlConfig::DEFAULT.risk(risk).quick_threshold(quick);
            if own_threshold {
                config = config.auto_threshold(auto);
            }
            let before = strictness(&verdict(config, &scored(confidence, vec![]), &[Arc::new(Says(effect))]));
            let mut tighter = config.risk(risk.max(riskier)).quick_threshold(quick.max(raise_auto));
            if own_threshold {
                tighter = tighter.auto_threshold(auto.max(raise_auto));
            }
            let factors = vec![Factor::at_least("f", ApprovalLevel::Auto, "")];
            let policies: [Arc<dyn Policy>; 2] = [Arc::new(Says(effect)), Arc::new(Says(added))];
            let after = strictness(&verdict(tighter, &scored(confidence.min(lower), factors), &policies));
            prop_assert!(after >= before);
        }
    }
}
