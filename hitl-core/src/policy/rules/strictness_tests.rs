//! Changes of a rule set that need a person, and changes that do not.

use super::super::RuleSetBuilder;
use super::*;
use crate::call::{CallContext, ToolConfig};
use crate::policy::{Argument, Comparison, DecisionChannel as Channel};
use hitl_base::Json;
use proptest::prelude::*;

fn set(rules: impl IntoIterator<Item = Rule>) -> RuleSet {
    let builder = RuleSet::builder("p", "1");
    rules.into_iter().fold(builder, super::super::RuleSetBuilder::rule).build().unwrap()
}

fn deny() -> Rule {
    Rule::deny("d").when(RuleConditions::tool("delete_*"))
}

fn quick() -> Rule {
    Rule::quick("q").when(RuleConditions::tool("send"))
}

fn auto() -> Rule {
    Rule::auto("a")
        .when(RuleConditions::tool("pay").argument(Argument::at("n").is(Comparison::Le, 20)))
}

#[test]
fn invariant_5_what_only_tightens_needs_nobody() {
    let older = [deny(), quick(), auto()];
    for newer in [
        vec![deny(), quick(), auto()],
        vec![auto(), quick(), deny()],
        vec![deny(), quick()],
        vec![deny(), quick(), auto(), Rule::full("f").when(RuleConditions::tool("x"))],
        vec![deny(), Rule::deny("q").when(RuleConditions::tool("send"))],
        vec![deny(), Rule::full("renamed").because("why").when(RuleConditions::tool("send"))],
        vec![Rule::deny("all")],
        vec![deny(), quick(), auto().unless(RuleConditions::always().role("x"))],
    ] {
        let (older, newer) = (set(older.clone()), set(newer));
        assert_eq!(newer.relaxations_of(&older), []);
    }
    let older = set([deny().unless(RuleConditions::always().role("admin"))]);
    assert_eq!(set([deny()]).relaxations_of(&older), []);
}

#[test]
fn invariant_5_what_may_relax_waits() {
    let older = [deny(), quick(), auto()];
    let wide = Rule::auto("a")
        .when(RuleConditions::tool("pay").argument(Argument::at("n").is(Comparison::Le, 21)));
    for (newer, said) in [
        (vec![quick(), auto()], "the deny rule `d` is gone"),
        (vec![deny(), auto()], "the quick rule `q` is gone"),
        (
            vec![Rule::full("d").when(RuleConditions::tool("delete_*")), quick()],
            "the deny rule `d`",
        ),
        (vec![deny().unless(RuleConditions::always().role("x")), quick()], "the deny rule `d`"),
        (
            vec![Rule::deny("d").when(RuleConditions::tool("delete_x")), quick()],
            "the deny rule `d`",
        ),
        (vec![deny(), quick(), wide], "the auto rule `a` is new"),
        (
            vec![deny(), quick(), auto(), Rule::auto("b").when(RuleConditions::tool("x"))],
            "the auto rule `b`",
        ),
        (vec![], "is gone"),
    ] {
        let (older, newer) = (set(older.clone()), set(newer));
        let found = newer.relaxations_of(&older);
        assert!(found.iter().any(|one| one.to_string().contains(said)), "{said}: {found:?}");
    }
    let inert =
        |argument: Argument| Rule::auto("a").when(RuleConditions::tool("t").argument(argument));
    let note = || Argument::at("note").matches("x.*");
    let found = set([inert(note().inert())]).relaxations_of(&set([inert(note())]));
    assert_eq!(found.len(), 1, "that a text is inert relaxes");
    let older = set([auto().unless(RuleConditions::always().role("x"))]);
    assert_eq!(set([auto()]).relaxations_of(&older).len(), 1);
}

#[test]
fn invariant_5_a_channel_that_comes_back_waits_and_one_that_goes_does_not() {
    let through = |channels: &[Channel]| quick().channels(channels.to_vec());
    let desk = [Channel::CONSOLE, Channel::TERMINAL];
    let older = set([through(&desk)]);
    for tighter in [
        vec![through(&desk)],
        vec![through(&desk[..1])],
        vec![through(&desk), through(&[Channel::CHAT])],
        vec![Rule::full("f").channels(desk.clone()).when(RuleConditions::tool("send"))],
        vec![Rule::quick("all").channels(desk.clone())],
        vec![Rule::deny("q").when(RuleConditions::tool("send"))],
    ] {
        let tighter = tighter.into_iter().enumerate().map(|(n, mut rule)| {
            rule.name = format!("r{n}").into();
            rule
        });
        assert_eq!(set(tighter).relaxations_of(&older), []);
    }
    for wider in [
        vec![quick()],
        vec![through(&[Channel::CONSOLE, Channel::CHAT])],
        vec![through(&[Channel::CONSOLE, Channel::TERMINAL, Channel::CHAT])],
        vec![Rule::full("all")],
        // Two rules that take away half each are not compared together.
        vec![Rule::full("f").when(RuleConditions::tool("send"))],
    ] {
        let found = set(wider).relaxations_of(&older);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].kind, RelaxationKind::Channels);
        let said = found[0].to_string();
        assert_eq!(said, "the quick rule `q` lets more channels approve");
    }
    let gone = set([]).relaxations_of(&older);
    assert_eq!(gone[0].kind, RelaxationKind::Weaker);
    // To take channels away needs nobody.
    assert_eq!(older.relaxations_of(&set([quick()])), []);
}

/// Compared pair by pair, these would take 16 million text comparisons, which would block the
/// file's watcher for minutes.
#[test]
fn invariant_13_large_sets_are_compared_in_one_pass() {
    let many = |from: usize| {
        set((from..from + 4_000).map(|n| {
            let rule = Rule::deny(format!("d{n}")).when(RuleConditions::tool(&format!("tool_{n}")));
            if n % 2 == 0 {
                rule
            } else {
                rule.unless(RuleConditions::always().role(&format!("r{n}")))
            }
        }))
    };
    let found = many(1).relaxations_of(&many(0));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(&*found[0].rule, "d0");
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let effect = prop_oneof![
        Just(RuleEffect::Auto),
        Just(RuleEffect::Quick),
        Just(RuleEffect::Full),
        Just(RuleEffect::Deny),
    ];
    let tool = prop_oneof![Just("a"), Just("b"), Just("*")];
    let unless = prop_oneof![Just(None), Just(Some("x")), Just(Some("y"))];
    let channels = prop_oneof![
        Just(None),
        Just(Some(vec![Channel::CONSOLE])),
        Just(Some(vec![Channel::CHAT])),
        Just(Some(vec![Channel::CONSOLE, Channel::CHAT])),
    ];
    (effect, tool, unless, channels).prop_map(|(effect, tool, unless, channels)| {
        let rule = Rule::new("r", effect).when(RuleConditions::tool(tool));
        let takes = matches!(effect, RuleEffect::Quick | RuleEffect::Full);
        let rule = match channels.filter(|_| takes) {
            Some(channels) => rule.channels(channels),
            None => rule,
        };
        match unless {
            Some(who) => rule.unless(RuleConditions::always().role(who)),
            None => rule,
        }
    })
}

fn any_rules() -> impl Strategy<Value = RuleSet> {
    prop::collection::vec(any_rule(), 0..4).prop_map(|rules| {
        set(rules.into_iter().enumerate().map(|(n, mut rule)| {
            rule.name = format!("r{n}").into();
            rule
        }))
    })
}

/// Returns the rank of an effect: more is stricter; without a rule the score decides, which `auto`
/// lifts.
fn rank(effect: Option<RuleEffect>) -> u8 {
    match effect {
        Some(RuleEffect::Auto) => 0,
        None => 1,
        Some(RuleEffect::Quick) => 2,
        Some(RuleEffect::Full) => 3,
        Some(RuleEffect::Deny) => 4,
    }
}

proptest! {
    /// A set without relaxations is at least as strict for every call; two sets together are the
    /// stricter of both.
    #[test]
    fn invariant_5_no_relaxation_goes_unseen(older in any_rules(), newer in any_rules()) {
        let none = newer.relaxations_of(&older).is_empty();
        for (tool, role) in [("a", "x"), ("a", "y"), ("b", "x"), ("c", "z"), ("b", "z")] {
            let (arguments, cx) = (Json::Object(Vec::new()), CallContext::new("ann").role(role));
            let call = CallView::new(tool, &ToolConfig::DEFAULT, &arguments, &cx);
            let decided = |rules: &RuleSet| rank(rules.deciding(&call).map(Rule::effect));
            let (old, new) = (decided(&older), decided(&newer));
            prop_assert!(!none || new >= old);
            let (was, is) = (older.channels_for(&call), newer.channels_for(&call));
            // Nobody approves what is denied.
            let denied = new == rank(Some(RuleEffect::Deny));
            prop_assert!(!none || denied || was.contain(&is), "{was} {is}");
            let both = older.stricter_of(&newer, &call).map(|(_, rule)| rule.effect());
            prop_assert_eq!(rank(both), old.max(new));
        }
    }
}

#[test]
fn invariant_5_an_envelope_that_is_new_or_wider_waits_for_a_person() {
    use std::time::Duration;

    use crate::grant::Envelope;
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let envelope = || Envelope::new(["restart"]).role("oncall").longest(hours(2)).uses(3);
    let with = |envelopes: Vec<Envelope>| {
        let builder = RuleSet::builder("p", "1").rule(deny());
        let builder = envelopes.into_iter().fold(builder, RuleSetBuilder::break_glass);
        builder.build().unwrap()
    };
    let older = with(vec![envelope()]);
    for tighter in [
        vec![],
        vec![envelope()],
        vec![envelope().uses(2)],
        vec![envelope().longest(hours(1)), envelope().uses(1)],
    ] {
        assert_eq!(with(tighter).relaxations_of(&older), []);
    }
    for wider in [
        envelope().uses(4),
        envelope().longest(hours(3)),
        envelope().person("ann"),
        envelope().role("dba"),
        envelope().tenant("*"),
        envelope().sum(5.into()),
        Envelope::new(["restart", "drop"]).role("oncall"),
        Envelope::new(["*"]).role("oncall"),
    ] {
        let newer = with(vec![envelope(), wider.clone()]);
        let found = newer.relaxations_of(&older);
        assert_eq!(found.len(), 1, "{wider:?}");
        assert_eq!(found[0].kind, RelaxationKind::Envelope);
        assert_eq!(found[0].to_string(), "an envelope of `break_glass` is new, or covers more");
        assert!(!newer.relaxations_of(&with(vec![])).is_empty());
    }
}
