use proptest::prelude::*;

use super::*;
use crate::approval::ReviewerIdentity;
use crate::grant::BreakGlassOrder;

const HOUR: Duration = Duration::from_secs(3600);
const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);

fn envelope() -> Envelope {
    Envelope::new(["restart_*", "drop_replica"]).person("ann").role("oncall").longest(HOUR).uses(3)
}

fn order(tool: &str) -> BreakGlassOrder {
    BreakGlassOrder::new(tool, "agent:ops").lasting(HOUR).uses(3).because("the primary is down")
}

fn given(order: &BreakGlassOrder, by: &ReviewerIdentity, most: Option<Amount>) -> GrantRecord {
    order.grant(by, "f".repeat(64).parse().unwrap(), most, NOW)
}

fn tool(name: &str) -> EmergencyTool<'_> {
    EmergencyTool { name, risk: Risk::High, destructive: false, has_amount: false, currencies: &[] }
}

#[test]
fn an_envelope_covers_what_it_says_and_not_one_step_more() {
    use OutsideEnvelope as No;
    let (ann, eve) = (ReviewerIdentity::new("Ann"), ReviewerIdentity::new("eve"));
    let oncall = ReviewerIdentity::new("bob").role("oncall");
    let check = |order: &BreakGlassOrder, by: &ReviewerIdentity, name: &str| {
        envelope().covers(&given(order, by, None), tool(name), NOW)
    };
    for (order, by, expected) in [
        (order("restart_db"), &ann, Ok(())),
        (order("restart_db"), &oncall, Ok(())),
        (order("restart_db"), &eve, Err(No::Person)),
        (order("restart_db").lasting(HOUR + Duration::from_millis(1)), &ann, Err(No::Longest)),
        (order("restart_db").uses(4), &ann, Err(No::Uses)),
        (order("restart_db").tenant("acme"), &ann, Err(No::Tenant)),
        (order("drop_table"), &ann, Err(No::Tool)),
    ] {
        assert_eq!(check(&order, by, &order.tool), expected, "{order:?}");
    }
    assert_eq!(check(&order("restart_db"), &ann, "restart_web"), Err(No::Tool), "another tool");
}

#[test]
fn a_record_that_says_more_than_an_order_can_is_not_covered() {
    use OutsideEnvelope as No;
    let ann = ReviewerIdentity::new("ann");
    let changed = |change: fn(&mut GrantRecord)| {
        let mut record = given(&order("restart_db"), &ann, None);
        change(&mut record);
        envelope().covers(&record, tool("restart_db"), NOW)
    };
    assert_eq!(changed(|_| {}), Ok(()));
    assert_eq!(changed(|record| record.grant.until = None), Err(No::Longest));
    assert_eq!(changed(|record| record.grant.uses = None), Err(No::Uses));
    assert_eq!(changed(|record| record.grant.uses = Some(0)), Err(No::Uses));
    assert_eq!(changed(|record| record.grant.break_glass = None), Err(No::NotInForce));
    // Saved in the future, as a forger may write: what is left counts too.
    let later = |record: &mut GrantRecord| {
        record.saved_at = NOW.saturating_add(HOUR);
        record.grant.until = Some(NOW.saturating_add(2 * HOUR));
    };
    assert_eq!(changed(later), Err(No::Longest));
    // Saved long ago, with little left.
    let earlier = |record: &mut GrantRecord| {
        record.saved_at = Timestamp::from_millis(NOW.as_millis() - 60_000);
    };
    assert_eq!(changed(earlier), Err(No::Longest));
}

#[test]
fn a_tool_that_destroys_or_is_critical_is_named_exactly() {
    let ann = ReviewerIdentity::new("ann");
    for (name, covered) in [("restart_db", false), ("drop_replica", true)] {
        for (risk, destructive) in [(Risk::Critical, false), (Risk::Low, true)] {
            let tool = EmergencyTool { risk, destructive, ..tool(name) };
            let found = envelope().covers(&given(&order(name), &ann, None), tool, NOW);
            let expected = if covered { Ok(()) } else { Err(OutsideEnvelope::NotNamed) };
            assert_eq!(found, expected, "{name} {risk:?} {destructive}");
        }
    }
}

#[test]
fn an_amount_needs_a_sum_and_its_currency() {
    let ann = ReviewerIdentity::new("ann");
    let with = |envelope: &Envelope, sum: Option<u32>, currencies: &[String]| {
        let mut order = order("restart_db");
        if let Some(sum) = sum {
            order = order.sum(sum.into());
        }
        let tool = EmergencyTool { has_amount: true, currencies, ..tool("restart_db") };
        envelope.covers(&given(&order, &ann, None), tool, NOW)
    };
    let (none, eur, usd) = (&[][..], &["EUR".to_owned()][..], &["USD".to_owned()][..]);
    assert_eq!(with(&envelope(), Some(5), none), Err(OutsideEnvelope::Sum));
    let hundred = envelope().sum(100.into());
    assert_eq!(with(&hundred, Some(100), none), Ok(()));
    assert_eq!(with(&hundred, Some(101), none), Err(OutsideEnvelope::Sum));
    assert_eq!(with(&hundred, None, none), Err(OutsideEnvelope::Sum));
    assert_eq!(with(&hundred, Some(5), eur), Err(OutsideEnvelope::Currency));
    let euros = hundred.currency("EUR");
    assert_eq!(with(&euros, Some(5), eur), Ok(()));
    assert_eq!(with(&euros, Some(5), usd), Err(OutsideEnvelope::Currency));
    // An order without a sum of its own gets that of the envelope, and never more.
    let most = euros.largest_sum();
    for (sum, expected) in [(None, 100), (Some(7), 7), (Some(700), 100)] {
        let order = sum.map_or(order("restart_db"), |sum: u32| order("restart_db").sum(sum.into()));
        let record = given(&order, &ann, most);
        assert_eq!(record.grant.sum.unwrap().at_most, Amount::from(expected), "{sum:?}");
    }
}

#[test]
fn an_envelope_that_says_too_little_or_too_much_is_refused() {
    use InvalidEnvelope as No;
    for (envelope, expected) in [
        (envelope(), Ok(())),
        (Envelope::new(["a"]), Err(No::Nobody)),
        (Envelope::new(Vec::<String>::new()).person("ann"), Err(No::NoTool)),
        (envelope().uses(0), Err(No::NoUse)),
        (envelope().longest(Duration::ZERO), Err(No::Longest)),
        (envelope().longest(24 * HOUR), Ok(())),
        (envelope().longest(24 * HOUR + Duration::from_millis(1)), Err(No::Longest)),
        (envelope().longest(Duration::MAX), Err(No::Longest)),
        (envelope().currency("EUR"), Err(No::Currency)),
        (envelope().person(" "), Err(No::Names)),
        (envelope().role("x".repeat(257)), Err(No::Names)),
        (Envelope::new(vec!["t"; 101]).person("ann"), Err(No::Names)),
    ] {
        assert_eq!(envelope.check(), expected, "{envelope:?}");
    }
    // One that was not checked covers nothing.
    let ann = ReviewerIdentity::new("ann");
    let forever = envelope().longest(Duration::MAX);
    let found = forever.covers(&given(&order("restart_db"), &ann, None), tool("restart_db"), NOW);
    assert_eq!(found, Err(OutsideEnvelope::None));
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "a*", "*"]), 1..3)
        .prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

prop_compose! {
    fn envelopes()(
        tools in names(), people in names(), tenants in prop::collection::vec(
            prop::sample::select(vec!["default", "acme", "*"]), 0..3),
        minutes in 1_u64..4, uses in 1_u64..4, sum in prop::option::of(1_u32..4),
        euros: bool,
    ) -> Envelope {
        let mut one = Envelope::new(tools).longest(Duration::from_secs(60 * minutes)).uses(uses);
        one = people.into_iter().fold(one, Envelope::person);
        one = tenants.into_iter().fold(one, Envelope::tenant);
        if let Some(sum) = sum {
            one = one.sum(sum.into());
            if euros {
                one = one.currency("EUR");
            }
        }
        one
    }
}

prop_compose! {
    fn orders()(
        tool in prop::sample::select(vec!["a", "ab", "b", "c"]),
        by in prop::sample::select(vec!["a", "b", "a*", "ann"]),
        tenant in prop::sample::select(vec!["default", "acme", "other"]),
        minutes in 1_u64..5, uses in 1_u64..5, sum in prop::option::of(1_u32..5),
    ) -> (BreakGlassOrder, ReviewerIdentity) {
        let tenant = if tenant == "default" { Tenant::default() } else { Tenant::new(tenant) };
        let mut one = BreakGlassOrder::new(tool, "agent:x").tenant(tenant).uses(uses)
            .lasting(Duration::from_secs(60 * minutes)).because("x");
        if let Some(sum) = sum {
            one = one.sum(sum.into());
        }
        (one, ReviewerIdentity::new(by))
    }
}

proptest! {
    /// Nothing outside of an envelope is ever covered by any order.
    #[test]
    fn invariant_5_nothing_outside_of_an_envelope_is_covered(
        envelope in envelopes(), (order, by) in orders(), critical: bool, has_amount: bool,
        euro: bool,
    ) {
        let currencies = if euro { vec!["EUR".to_owned()] } else { Vec::new() };
        let risk = if critical { Risk::Critical } else { Risk::Low };
        let tool = EmergencyTool {
            name: &order.tool, risk, destructive: false, has_amount, currencies: &currencies,
        };
        let record = given(&order, &by, envelope.largest_sum());
        if envelope.covers(&record, tool, NOW).is_ok() {
            let matches = |list: &[String], name: &str| list.iter().any(|pattern| {
                pattern == "*" || pattern == name || (pattern == "a*" && name.starts_with('a'))
            });
            prop_assert!(matches(&envelope.tools, &order.tool));
            prop_assert!(!critical || envelope.tools.contains(&order.tool));
            prop_assert!(envelope.people.contains(&by.principal));
            let tenants: &[String] = &envelope.tenants;
            let named = tenants.iter().any(|t| t == "*" || t == order.tenant.as_str());
            prop_assert!(named || (tenants.is_empty() && order.tenant == Tenant::default()));
            prop_assert!(order.lasting <= Duration::from_millis(envelope.longest));
            prop_assert!(order.uses <= envelope.uses);
            if has_amount {
                prop_assert!(record.grant.sum.unwrap().at_most <= envelope.sum.unwrap());
                prop_assert!(!euro || envelope.currency.as_deref() == Some("EUR"));
            }
        }
    }

    /// An envelope within another covers only what the other covers too: a policy whose envelopes
    /// are within those of an older one is not laxer.
    #[test]
    fn invariant_5_an_envelope_within_another_covers_nothing_more(
        narrow in envelopes(), wide in envelopes(), (order, by) in orders(), critical: bool,
        has_amount: bool, euro: bool,
    ) {
        prop_assert!(narrow.is_within(&narrow));
        if narrow.is_within(&wide) {
            let currencies = if euro { vec!["EUR".to_owned()] } else { Vec::new() };
            let risk = if critical { Risk::Critical } else { Risk::Low };
            let tool = EmergencyTool {
                name: &order.tool, risk, destructive: false, has_amount, currencies: &currencies,
            };
            let record = given(&order, &by, narrow.largest_sum());
            if narrow.covers(&record, tool, NOW).is_ok() {
                prop_assert_eq!(wide.covers(&record, tool, NOW), Ok(()));
            }
        }
    }
}
