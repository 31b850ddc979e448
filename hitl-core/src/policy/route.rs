//! Routing: from an assessment to a verdict. The strictest of all demands wins.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    ApprovalLevel, DecisionChannels, Effect, Policy, PolicyAnswer, PolicyVersion, RuleRef, Ruling,
    level_for,
};
use crate::call::Risk;
use crate::confidence::{Assessment, CallView, Factor};
use crate::panic::catch;
use crate::sync::NoAnswer;

/// The routing decision on a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
// Exhaustive: code that does not handle a variant must not compile.
pub enum Verdict {
    /// The call runs.
    Run,
    /// A human is asked, at this level.
    Ask(ApprovalLevel),
    /// The call does not run, and nobody is asked. The text names the rule and the reason.
    Deny(String),
}

impl Verdict {
    /// Returns the level: Auto for a call that runs; `None` for one that is denied.
    pub fn level(&self) -> Option<ApprovalLevel> {
        match self {
            Self::Run => Some(ApprovalLevel::Auto),
            Self::Ask(level) => Some(*level),
            Self::Deny(_) => None,
        }
    }

    /// Returns the kind of verdict, without the reason.
    pub fn kind(&self) -> VerdictKind {
        match self {
            Self::Run | Self::Ask(ApprovalLevel::Auto) => VerdictKind::Run,
            Self::Ask(ApprovalLevel::Quick) => VerdictKind::Quick,
            Self::Ask(ApprovalLevel::Full) => VerdictKind::Full,
            Self::Deny(_) => VerdictKind::Deny,
        }
    }
}

/// The kind of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
// Exhaustive: as `Verdict`.
pub enum VerdictKind {
    /// The call runs.
    Run,
    /// A quick yes or no.
    Quick,
    /// A full review.
    Full,
    /// The call does not run, and nobody is asked.
    Deny,
}

impl VerdictKind {
    /// Returns its name in metrics, spans and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Quick => "quick",
            Self::Full => "full",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for VerdictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A verdict and its causes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The decision.
    pub verdict: Verdict,
    /// The reasons, in words, why it is above or below the level of the confidence.
    pub reasons: Vec<String>,
    /// The policies that were queried, in the versions that answered.
    pub policies: Vec<PolicyVersion>,
    /// The rules that apply, one for each policy that has rules; whether or not they made a
    /// difference.
    pub rules: Vec<RuleRef>,
    /// The rule that decided, if a rule did.
    pub decided_by: Option<RuleRef>,
    /// The channels through which the call may be approved: those that every policy allows.
    pub channels: DecisionChannels,
    /// True if a grant may answer instead of a human: if only the score or a high risk asks for
    /// one. Demands of factors and policies, a scorer's doubt and critical risk always need a
    /// human.
    pub grantable: bool,
    /// True if a policy failed, so the verdict is a fail-closed denial; an already approved call is
    /// postponed, not denied.
    pub failed: bool,
}

impl Route {
    /// Returns whether a grant may answer for it: a denied call stays denied, grant or not.
    pub(crate) fn may_be_granted(&self) -> bool {
        self.grantable && !matches!(self.verdict, Verdict::Deny(_))
    }
}

/// Routes an assessed call.
///
/// The level is the strictest of: the confidence against the tool's thresholds; the demands of
/// factors; the risk (critical is always Full; high is Auto only where the tool sets
/// `auto_threshold` itself); the `destructive` hint (Auto only where the tool sets `auto_threshold`
/// itself, and always Full where the risk is high); and the host's policies, any of which may deny.
/// Only if nothing but the points of the score asks for a human may a policy lift that; see
/// [`Effect::Auto`].
pub fn route(call: &CallView<'_>, assessment: &Assessment, policies: &[Arc<dyn Policy>]) -> Route {
    let answers = policies.iter().map(|policy| ask(&**policy, call, assessment)).collect();
    combine(call, assessment, answers)
}

/// Queries a policy. One that panics has failed.
pub(crate) fn ask(
    policy: &dyn Policy,
    call: &CallView<'_>,
    assessment: &Assessment,
) -> PolicyAnswer {
    catch(|| policy.answer(call, assessment))
        .unwrap_or_else(|_panicked| PolicyAnswer::unanswered(NoAnswer::Panicked))
}

/// Returns the verdict on a call for which the policies gave these answers. Pure.
pub(crate) fn combine(
    call: &CallView<'_>,
    assessment: &Assessment,
    answers: Vec<PolicyAnswer>,
) -> Route {
    let scored = level_for(assessment.confidence, call.config.thresholds());
    let mut routed = Route {
        verdict: Verdict::Run,
        reasons: Vec::new(),
        policies: answers.iter().filter_map(|answer| answer.version.clone()).collect(),
        rules: answers.iter().filter_map(|answer| answer.rule.clone()).collect(),
        decided_by: None,
        channels: DecisionChannels::ANY,
        grantable: false,
        failed: false,
    };
    // The level demanded at any score, and the level including the score.
    let (mut demanded, mut firmly, mut level) = (None, None, scored);
    for LevelDemand { to, why, firm } in demands(call, assessment) {
        demanded = demanded.max(Some(to));
        firmly = firmly.max(Some(to).filter(|_| firm));
        if to > level {
            level = to;
            routed.reasons.push(why);
        }
    }
    let (mut lift, mut failed) = (None, None);
    for PolicyAnswer { ruling, rule, channels, .. } in answers {
        routed.channels = routed.channels.join(&channels);
        match ruling {
            // A denial applies even if other policies failed.
            Err(why) => {
                failed.get_or_insert(why);
            }
            Ok(None) => {}
            Ok(Some(Ruling { effect: Effect::Deny, reason })) => {
                routed.verdict = Verdict::Deny(reason);
                routed.decided_by = rule;
                return routed;
            }
            Ok(Some(Ruling { effect: Effect::Auto, reason })) => {
                lift.get_or_insert((reason, rule));
            }
            Ok(Some(Ruling { effect: Effect::AtLeast(to), reason })) => {
                demanded = demanded.max(Some(to));
                firmly = firmly.max(Some(to));
                if to > level {
                    level = to;
                    routed.reasons.push(reason);
                    routed.decided_by = rule;
                }
            }
        }
    }
    if let Some(why) = failed {
        routed.verdict = Verdict::Deny(why);
        routed.decided_by = None;
        routed.failed = true;
        return routed;
    }
    let at_most_auto =
        |demanded: Option<ApprovalLevel>| demanded.is_none_or(|it| it == ApprovalLevel::Auto);
    let doubted = assessment.factors.iter().any(Factor::is_doubt);
    routed.grantable = at_most_auto(firmly) && !doubted;
    if let Some((reason, rule)) = lift
        && level > ApprovalLevel::Auto
        && at_most_auto(demanded)
        && !doubted
    {
        level = ApprovalLevel::Auto;
        routed.reasons.push(reason);
        routed.decided_by = rule;
    }
    routed.verdict = match level {
        ApprovalLevel::Auto => Verdict::Run,
        asked => Verdict::Ask(asked),
    };
    routed
}

/// A level that something demands.
struct LevelDemand {
    to: ApprovalLevel,
    why: String,
    /// True if not even a grant may answer it.
    firm: bool,
}

/// Returns the levels that the factors and the risk demand at any score.
fn demands(call: &CallView<'_>, assessment: &Assessment) -> Vec<LevelDemand> {
    let demanded = |factor: &Factor| {
        let said = || format!("{}: {}", factor.name, factor.reasoning);
        factor.level.map(|to| LevelDemand { to, why: said(), firm: true })
    };
    let mut demands: Vec<_> = assessment.factors.iter().filter_map(demanded).collect();
    match call.config.risk {
        Risk::Critical => {
            let why = "critical risk is always reviewed in full".to_owned();
            demands.push(LevelDemand { to: ApprovalLevel::Full, why, firm: true });
        }
        Risk::High if call.config.auto_threshold.is_none() => {
            let why = "high risk, and the tool sets no auto_threshold of its own".to_owned();
            demands.push(LevelDemand { to: ApprovalLevel::Quick, why, firm: false });
        }
        _ => {}
    }
    demands.extend(destruction(call));
    demands
}

/// Returns the demand of a destructive tool. With a high risk it is always Full: a threshold
/// reflects likelihood, and destroyed data does not come back if the estimate was wrong.
fn destruction(call: &CallView<'_>) -> Option<LevelDemand> {
    let config = call.config;
    if !config.hints.destructive {
        return None;
    }
    let (to, why) = match (config.risk, config.auto_threshold) {
        (Risk::High | Risk::Critical, _) => {
            (ApprovalLevel::Full, "destructive and of high risk: always reviewed in full")
        }
        (Risk::Low | Risk::Medium, None) => {
            (ApprovalLevel::Quick, "destructive, and the tool sets no auto_threshold of its own")
        }
        (Risk::Low | Risk::Medium, Some(_)) => return None,
    };
    Some(LevelDemand { to, why: why.to_owned(), firm: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{CallContext, ToolConfig};
    use hitl_base::Json;
    use proptest::prelude::*;

    fn verdict(
        config: ToolConfig,
        assessment: &Assessment,
        policies: &[Arc<dyn Policy>],
    ) -> Verdict {
        let cx = CallContext::new("ann");
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
        let high = ToolConfig::DEFAULT.risk(Risk::High);
        assert_eq!(verdict(high, &scored(100, vec![]), &[]), Verdict::Ask(ApprovalLevel::Quick));
        assert_eq!(verdict(high.auto_threshold(95), &scored(95, vec![]), &[]), Verdict::Run);
        let critical = ToolConfig::DEFAULT.risk(Risk::Critical).auto_threshold(0);
        assert_eq!(verdict(critical, &scored(100, vec![]), &[]), Verdict::Ask(ApprovalLevel::Full));
    }

    #[test]
    fn invariant_5_destructive_is_never_auto_unless_the_tool_says_so_and_full_where_risk_is_high() {
        let destructive = ToolConfig::DEFAULT.destructive();
        let (quick, full) = (Verdict::Ask(ApprovalLevel::Quick), Verdict::Ask(ApprovalLevel::Full));
        let auto: [Arc<dyn Policy>; 1] = [Arc::new(Says(Some(Effect::Auto)))];
        for risk in [Risk::Low, Risk::Medium] {
            let silent = destructive.risk(risk);
            for policies in [&[][..], &auto] {
                assert_eq!(verdict(silent, &scored(100, vec![]), policies), quick, "{risk:?}");
                assert_eq!(verdict(silent, &scored(10, vec![]), policies), full, "{risk:?}");
            }
            let own = silent.auto_threshold(90);
            assert_eq!(verdict(own, &scored(100, vec![]), &[]), Verdict::Run);
            assert_eq!(verdict(own, &scored(89, vec![]), &[]), quick);
        }
        for risk in [Risk::High, Risk::Critical] {
            for config in [destructive.risk(risk), destructive.risk(risk).auto_threshold(0)] {
                let config = config.quick_threshold(0);
                for policies in [&[][..], &auto] {
                    assert_eq!(verdict(config, &scored(100, vec![]), policies), full, "{risk:?}");
                }
            }
        }
    }

    #[test]
    fn invariant_5_a_failing_policy_denies() {
        let outcome = verdict(ToolConfig::DEFAULT, &scored(100, vec![]), &[Arc::new(Panics)]);
        assert!(matches!(outcome, Verdict::Deny(_)));
    }

    #[test]
    fn invariant_5_auto_lifts_points_and_nothing_else() {
        let auto: [Arc<dyn Policy>; 1] = [Arc::new(Says(Some(Effect::Auto)))];
        let with = |other| -> [Arc<dyn Policy>; 2] {
            [Arc::new(Says(Some(Effect::Auto))), Arc::new(Says(Some(other)))]
        };
        let (medium, low_score) = (ToolConfig::DEFAULT, scored(0, vec![]));
        let full = Verdict::Ask(ApprovalLevel::Full);
        assert_eq!(verdict(medium, &low_score, &auto), Verdict::Run);
        let any = with(Effect::AtLeast(ApprovalLevel::Auto));
        assert_eq!(verdict(medium, &low_score, &any), Verdict::Run);
        // A ruling that is overruled has no effect: the score asks for Full again.
        for other in [Effect::AtLeast(ApprovalLevel::Quick), Effect::AtLeast(ApprovalLevel::Full)] {
            assert_eq!(verdict(medium, &low_score, &with(other)), full);
        }
        assert_eq!(verdict(medium.risk(Risk::Critical), &low_score, &auto), full);
        assert_eq!(verdict(medium.risk(Risk::High), &low_score, &auto), full);
        let own = medium.risk(Risk::High).auto_threshold(95);
        assert_eq!(verdict(own, &low_score, &auto), Verdict::Run);
        let demanded = vec![Factor::at_least("f", ApprovalLevel::Quick, "")];
        assert_eq!(verdict(medium, &scored(0, demanded), &auto), full);
        let doubted = vec![Factor::points("judge", -1, "").of_scorer()];
        assert_eq!(verdict(medium, &scored(0, doubted), &auto), full);
    }

    /// Returns a strategy for additions that never make anything laxer.
    fn any_tightening() -> impl Strategy<Value = Option<Effect>> {
        any_effect().prop_filter("an auto rule relaxes", |effect| *effect != Some(Effect::Auto))
    }

    fn any_effect() -> impl Strategy<Value = Option<Effect>> {
        prop_oneof![
            Just(None),
            Just(Some(Effect::Auto)),
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
            effect in any_effect(), added in any_tightening(), own_threshold: bool,
            destroys: bool, destroys_too: bool,
        ) {
            let mut config = ToolConfig::DEFAULT.risk(risk).quick_threshold(quick);
            config.hints.destructive = destroys;
            if own_threshold {
                config = config.auto_threshold(auto);
            }
            let before = verdict(config, &scored(confidence, vec![]), &[Arc::new(Says(effect))]).kind();
            let mut tighter = config.risk(risk.max(riskier)).quick_threshold(quick.max(raise_auto));
            if own_threshold {
                tighter = tighter.auto_threshold(auto.max(raise_auto));
            }
            tighter.hints.destructive |= destroys_too;
            let factors = vec![Factor::at_least("f", ApprovalLevel::Auto, "")];
            let policies: [Arc<dyn Policy>; 2] = [Arc::new(Says(effect)), Arc::new(Says(added))];
            let after = verdict(tighter, &scored(confidence.min(lower), factors), &policies).kind();
            prop_assert!(after >= before);
        }
    }
}
