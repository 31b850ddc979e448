//! Grants: calls that a human has permitted run without asking, and no others do.

use crate::granting;
use crate::support;

use std::time::Duration;

use granting::*;
use hitl_base::JsonText;
use hitl_core::grant::{Condition, Grant, GrantError, GrantTerms, NotCovered};
use hitl_core::machine::CallState;
use hitl_core::policy::{NumberRange, PathMatcher, UrlMatcher};
use hitl_core::store::GrantQuery;
use hitl_core::{
    ApprovalRequest, CallContext, CallRecord, CallView, DynArguments, DynSpec, DynTool, Factor,
    Gate, Outcome, Permit, Risk, Signals, Store as _, Submission, Tenant, ToolConfig,
};
use support::{Bench, bench, bench_with, pay};

async fn now(bench: &Bench) -> hitl_base::Timestamp {
    bench.store.now().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_was_permitted_once_runs_without_asking() {
    let bench = bench().await;
    let gate = &bench.gate;
    let request = waiting(gate, "shop", 5.0, 0).await;
    let draft = request.grant(GrantTerms::exactly()).by("alice");
    let preview = gate.preview_grant(draft).await.unwrap();
    assert_eq!(preview.waiting, [request.id]);
    let rule = preview.grant.rule.join("\n");
    assert_eq!(
        rule,
        "Run `pay` without asking, when `ann` asks for it\n\
         in the run `run` and in what it delegates\n\
         with exactly the arguments of this request, secrets included\n\
         until it is revoked\n\
         while the tool, its schema and its description stay as they are"
    );
    assert_eq!(gate.grants(&Tenant::default(), GrantQuery::all()).await.unwrap(), []);

    let granted = gate.save_grant(preview).await.unwrap();
    let allowed: Vec<_> = granted.allowed.iter().map(CallRecord::id).collect();
    assert_eq!(allowed, [request.id]);
    assert_eq!(state(gate, 0).await, CallState::Approved);
    assert_eq!(bench.world.ran(), 0, "a grant runs nothing");
    // The caller comes back for it.
    assert!(runs_again(gate, "shop", 5.0, 0).await);
    assert!(runs(gate, "shop", 5.0, 1).await);
    // Other arguments, another run, another principal: asked about.
    assert!(!runs(gate, "shop", 5.01, 2).await);
    let elsewhere = gate.submit(pay("shop", 5.0)).by("ann").key("other", 1).await.unwrap();
    assert!(matches!(elsewhere, Submission::Pending(_)));
    let somebody = gate.submit(pay("shop", 5.0)).by("eve").key("run", 9).await.unwrap();
    assert!(matches!(somebody, Submission::Pending(_)));
    assert_eq!(bench.world.ran(), 2);
    let record = gate.grant(&Tenant::default(), granted.record.id()).await.unwrap().unwrap();
    assert_eq!(record.used, 2);
    let events = bench.events();
    assert_eq!(
        events[..8],
        [
            "requested",
            "grantSaved",
            "decided",
            "grantUsed",
            "claimed",
            "executed",
            "grantUsed",
            "claimed"
        ]
    );
}

/// A secret is part of the exact arguments, and is shown nowhere.
#[tokio::test(start_paused = true)]
async fn invariant_8_a_grant_says_nothing_of_a_secret() {
    let bench = bench().await;
    let request = waiting(&bench.gate, "shop", 5.0, 0).await;
    let record = permit(&bench.gate, &request, GrantTerms::exactly().durable()).await;
    let kept = serde_json::to_string(&record).unwrap();
    assert!(!kept.contains("9731-secret"), "{kept}");
    let mut other = pay("shop", 5.0);
    other.pin = "another".to_owned();
    let submitted = bench.gate.submit(other).by("ann").key("run", 1).await.unwrap();
    assert!(matches!(submitted, Submission::Pending(_)));
    let named = GrantTerms::matching([Condition::is("pin", "9731-secret")]);
    assert_eq!(refused(&bench.gate, &request, named).await, GrantError::Stale);
    let request = waiting(&bench.gate, "shop", 6.0, 2).await;
    let named = GrantTerms::matching([Condition::is("pin", "9731-secret")]);
    assert_eq!(refused(&bench.gate, &request, named).await, GrantError::Hidden);
    // A guess cannot be told from any other mismatch.
    let guess = GrantTerms::matching([Condition::is("pin", "0000")]);
    let error = refused(&bench.gate, &request, guess).await;
    assert_eq!(error, GrantError::Hidden, "whether it is right must not show");
}

#[tokio::test(start_paused = true)]
async fn a_pattern_covers_what_it_says_and_nothing_else() {
    let bench = bench().await;
    let gate = &bench.gate;
    let request = waiting(gate, "shop-a", 5.0, 0).await;
    let terms = GrantTerms::matching([
        Condition::like("to", "shop-*"),
        Condition::at_most("amount", "10".parse().unwrap()),
    ]);
    let record = permit(gate, &request, terms).await;
    let rule = record.grant.rule.join("\n");
    assert!(rule.contains("where `to` is like \"shop-*\""), "{rule}");
    assert!(rule.contains("where `amount` is at most 10\nand with anything in `pin`"), "{rule}");
    for (number, (to, amount, expected)) in [
        ("shop-b", 10.0, true),
        ("shop-", 0.0, true),
        ("shop-b", 10.000_001, false),
        ("shop-b", -1.0, false),
        ("Shop/b", 1.0, false),
        ("shop", 1.0, false),
        ("x shop-b", 1.0, false),
        ("shop-/../bank", 1.0, false),
        ("shop-b\n", 1.0, false),
        ("shop-\u{0}", 1.0, false),
    ]
    .into_iter()
    .enumerate()
    {
        let ran = runs(gate, to, amount, 10 + number as u64).await;
        assert_eq!(ran, expected, "{to:?} {amount}");
    }
}

/// Returns a tool with a command and other texts, asked about unless a grant covers it.
fn shell_tool(name: &str, config: ToolConfig) -> DynTool {
    let schema = r#"{"type":"object","properties":{"command":{"type":"string"},
        "note":{"type":"string"},"file":{"type":"string"},"url":{"type":"string"},
        "amount":{"type":"number"}}}"#;
    let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    DynTool::new(DynSpec::new(name, "Runs.").config(config), schema, body).unwrap()
}

async fn json_runs(
    gate: &Gate,
    tool: &str,
    arguments: &str,
    position: u64,
) -> Option<ApprovalRequest> {
    let submitted = gate.submit_json(tool, arguments, "ann", "run", position).await.unwrap();
    match submitted {
        Submission::Done { outcome, .. } => {
            assert!(matches!(outcome, Outcome::Executed(_)), "{outcome:?}");
            None
        }
        Submission::Pending(ticket) => Some(ticket.request().clone()),
    }
}

/// Returns whether each of these texts runs on a grant with this condition, given on the first.
async fn covered(tool: &(&str, ToolConfig), condition: Condition, texts: &[&str]) -> Vec<bool> {
    let name = tool.0;
    let tool = shell_tool(tool.0, tool.1);
    let bench = bench_with(|g| g.dyn_tool(tool)).await;
    let call = |text: &str| {
        let text = hitl_base::Json::String(text.to_owned()).to_text();
        format!("{{\"{}\":{text}}}", condition.path)
    };
    let request = json_runs(&bench.gate, name, &call(texts[0]), 0).await.unwrap();
    permit(&bench.gate, &request, GrantTerms::matching([condition.clone()])).await;
    let mut ran = Vec::new();
    for (position, text) in texts.iter().enumerate().skip(1) {
        let asked = json_runs(&bench.gate, name, &call(text), position as u64).await;
        ran.push(asked.is_none());
    }
    ran
}

#[tokio::test(start_paused = true)]
async fn invariant_5_no_grant_with_a_wildcard_takes_text_that_is_interpreted() {
    let config = ToolConfig::DEFAULT.base_confidence(50);
    let hostile = [
        "trip 1",
        "trip 1; id",
        "trip $(id)",
        "trip `id`",
        "trip\nid",
        "trip | id",
        "trip > x",
        "trip && id",
        "trip ..",
        "trip ../x",
        "trip %2e%2e",
        "trip ..;/",
        "trip \u{FF0E}\u{FF0E}",
        "trip \u{202E}x",
        "trip \u{200B}x",
        "trip --force",
        "trip -c x",
        "trip \u{0}",
        "trip p\u{430}y",
        "trip ~",
        "trip *",
        "trip \\x",
        "trip 'x'",
        "trip #x",
        "trip \u{37E}",
        "trip \u{2044}",
    ];
    let ran = covered(&("book", config), Condition::like("note", "trip *"), &hostile).await;
    assert!(ran.iter().all(|ran| !ran), "{ran:?}");
    let plain = ["trip 1", "trip 2", "trip to Berlin", "trip M\u{FC}nchen, May 3"];
    let ran = covered(&("book", config), Condition::like("note", "trip *"), &plain).await;
    assert!(ran.iter().all(|ran| *ran), "{ran:?}");
    // If the host or the person who permits it declares the text inert, any text matches.
    let inert = Condition::like("note", "trip *").of_inert_text();
    assert!(covered(&("book", config), inert, &hostile[..4]).await.iter().all(|ran| *ran));
    let inert = ("book", config.inert(&["note"]));
    let ran = covered(&inert, Condition::like("note", "trip *"), &hostile[..4]).await;
    assert!(ran.iter().all(|ran| *ran));
}

#[tokio::test(start_paused = true)]
async fn invariant_5_text_for_a_shell_is_asked_about_unless_it_is_exact() {
    let config = ToolConfig::DEFAULT.base_confidence(50);
    let bench = bench_with(|g| g.dyn_tool(shell_tool("run", config))).await;
    let gate = &bench.gate;
    let status = r#"{"command":"git status"}"#;
    let request = json_runs(gate, "run", status, 0).await.unwrap();
    for (terms, why) in [
        (GrantTerms::matching([Condition::like("command", "git *")]), NotCovered::Arguments),
        (GrantTerms::any_arguments(), NotCovered::Interpreted),
    ] {
        assert_eq!(refused(gate, &request, terms).await, GrantError::DoesNotFit(why));
    }
    let listed = GrantTerms::matching([Condition::one_of("command", ["git status", "git diff"])]);
    permit(gate, &request, listed).await;
    for (position, (command, runs)) in [
        ("git diff", true),
        ("git diff ", false),
        ("git diff;id", false),
        ("git clean -fdx", false),
    ]
    .into_iter()
    .enumerate()
    {
        let call = format!(r#"{{"command":"{command}"}}"#);
        let asked = json_runs(gate, "run", &call, 1 + position as u64).await;
        assert_eq!(asked.is_none(), runs, "{command}");
    }
    // A condition on another argument leaves the command free, and so permits none.
    let request = json_runs(gate, "run", r#"{"command":"ls","amount":1}"#, 20).await.unwrap();
    let other = GrantTerms::matching([Condition::at_most("amount", 5.into())]);
    let why = GrantError::DoesNotFit(NotCovered::Interpreted);
    assert_eq!(refused(gate, &request, other).await, why);
}

#[tokio::test(start_paused = true)]
async fn invariant_5_typed_conditions_take_the_place_of_wildcards() {
    let tool = ("get", ToolConfig::DEFAULT.base_confidence(50));
    let below = Condition::file("file", PathMatcher::inside("/srv/data").except(["**/.git/**"]));
    let texts = [
        "/srv/data/a",
        "/srv/data/b/c.txt",
        "/srv/data/../x",
        "/srv/data/.git/x",
        "/srv/data/%2e%2e/x",
        "/srv/x",
    ];
    assert_eq!(covered(&tool, below, &texts).await, [true, false, false, false, false]);
    let docs = Condition::url("url", UrlMatcher::hosts(["docs.rs"]));
    let texts = [
        "https://docs.rs/a",
        "https://docs.rs/b",
        "https://docs.rs@x.example/",
        "http://docs.rs/",
        "https://docs.rs:8443/",
    ];
    assert_eq!(covered(&tool, docs, &texts).await, [true, false, false, false]);
    let bench = bench_with(|g| g.dyn_tool(shell_tool(tool.0, tool.1))).await;
    let request = json_runs(&bench.gate, "get", r#"{"amount":3}"#, 0).await.unwrap();
    let terms = GrantTerms::matching([Condition::number("amount", NumberRange::between("1", "5"))]);
    let record = permit(&bench.gate, &request, terms).await;
    assert!(record.grant.rule.iter().any(|line| line.contains("a number from `1` to `5`")));
    for (position, (amount, runs)) in
        [("5", true), ("0.99", false), ("5.01", false), ("-3", false), ("5e0", true)]
            .into_iter()
            .enumerate()
    {
        let call = format!(r#"{{"amount":{amount}}}"#);
        let asked = json_runs(&bench.gate, "get", &call, 1 + position as u64).await;
        assert_eq!(asked.is_none(), runs, "{amount}");
    }
    let again: Grant =
        serde_json::from_str(&serde_json::to_string(&record.grant).unwrap()).unwrap();
    assert_eq!(again, record.grant);
}

#[tokio::test(start_paused = true)]
async fn a_grant_ends_at_its_time_and_when_it_is_revoked() {
    let bench = bench().await;
    let gate = &bench.gate;
    let end = now(&bench).await.saturating_add(Duration::from_secs(60));
    let request = waiting(gate, "shop", 5.0, 0).await;
    let over = GrantTerms::exactly().until(now(&bench).await);
    assert_eq!(refused(gate, &request, over).await, GrantError::NoRoom);
    let record = permit(gate, &request, GrantTerms::exactly().until(end)).await;
    assert!(record.grant.rule.iter().any(|line| line.contains(&end.to_string())));
    assert!(runs(gate, "shop", 5.0, 1).await);

    let tenant = Tenant::default();
    let revoked = gate.revoke_grant(&tenant, record.id(), "bob", Some("enough")).await.unwrap();
    assert_eq!(revoked.unwrap().revoked.unwrap().by.as_str(), "bob");
    assert!(!runs(gate, "shop", 5.0, 2).await);
    // An approved call that nobody had started is asked about again.
    assert_eq!(state(gate, 0).await, CallState::Approved);
    waits_again(gate, pay("shop", 5.0)).await;
    assert_eq!(state(gate, 0).await, CallState::Pending);
    assert_eq!(bench.world.ran(), 1);
    let again = gate.revoke_grant(&tenant, record.id(), "carol", None).await.unwrap().unwrap();
    assert_eq!(again.revoked.unwrap().by.as_str(), "bob", "the first one stands");
    let revocations = bench.events().iter().filter(|event| *event == "grantRevoked").count();
    assert_eq!(revocations, 1);
}

#[tokio::test(start_paused = true)]
async fn siblings_that_wait_go_on_as_far_as_there_is_room() {
    let bench = bench().await;
    let gate = &bench.gate;
    for position in 0..6 {
        waiting(gate, "shop", 5.0, position).await;
    }
    waiting(gate, "bank", 5.0, 6).await;
    let record = gate.unscoped().get_by_key(&key(3)).await.unwrap().unwrap();
    let request = record.request();
    let draft = request.grant(GrantTerms::exactly().uses(3)).by("alice");
    let preview = gate.preview_grant(draft).await.unwrap();
    let positions = async |gate: &Gate, wanted| {
        let mut found = Vec::new();
        for position in 0..7 {
            if state(gate, position).await == wanted {
                found.push(position);
            }
        }
        found
    };
    assert_eq!(preview.waiting.len(), 3);
    assert_eq!(positions(gate, CallState::Approved).await, Vec::<u64>::new());
    let granted = gate.save_grant(preview).await.unwrap();
    assert_eq!(granted.allowed.len(), 3);
    assert_eq!(positions(gate, CallState::Approved).await, [0, 1, 3], "its own request first");
    let serving = gate.clone();
    let serving = tokio::spawn(async move { serving.serve().await });
    support::until("all three ran", async || bench.world.ran() == 3).await;
    serving.abort();
    assert_eq!(positions(gate, CallState::Pending).await, [2, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_verified_workspace_and_delegation() {
    let bench = bench().await;
    let gate = &bench.gate;
    let cx = CallContext::new("ann").workspace_verified();
    let submitted = gate.submit(pay("shop", 5.0)).by(cx.clone()).key("run", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    let record = permit(gate, ticket.request(), GrantTerms::exactly()).await;
    assert!(record.grant.rule.contains(&"in a verified workspace".to_owned()));
    assert!(!runs(gate, "shop", 5.0, 1).await, "the workspace is not verified");
    // A sub-agent's call belongs to the root run.
    let delegated = cx.root("run");
    let submitted = gate.submit(pay("shop", 5.0)).by(delegated).key("sub-run", 0).await.unwrap();
    assert!(matches!(submitted, Submission::Done { outcome: Outcome::Executed(_), .. }));
}

#[tokio::test(start_paused = true)]
async fn read_only_calls_that_were_asked_about_draw_too() {
    // A read-only tool whose score asks for a human has a record when it runs on a grant.
    let bench = bench_with(|builder| {
        builder.signals(Signals::standard().with(|call: &CallView<'_>| {
            (call.tool == "look").then(|| Factor::points("dim", -60, "It is dark."))
        }))
    })
    .await;
    let gate = &bench.gate;
    let submitted = gate.submit(support::look("sky")).by("ann").key("run", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    let record = permit(gate, ticket.request(), GrantTerms::exactly().uses(2)).await;
    let submitted = gate.submit(support::look("sky")).by("ann").key("run", 1).await.unwrap();
    assert!(matches!(submitted, Submission::Done { outcome: Outcome::Executed(_), .. }));
    let stands = gate.grant(&Tenant::default(), record.id()).await.unwrap().unwrap();
    assert_eq!(stands.used, 1);
    assert_eq!(state(gate, 1).await, CallState::Executed);
}

/// Returns a tool that accepts any arguments a model may send.
fn sending() -> DynTool {
    let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    let schema = r#"{"type":"object","properties":{"to":{"type":"object"},"text":{},"cc":{}}}"#;
    let config = ToolConfig::DEFAULT.base_confidence(50);
    DynTool::new(DynSpec::new("send", "Sends.").config(config), schema, body).unwrap()
}

#[tokio::test(start_paused = true)]
async fn invariant_9_a_rule_says_what_is_free_and_nothing_else_is() {
    for (terms, says) in [
        (
            GrantTerms::matching([Condition::is("to.country", "DE")]),
            "where `to.country` is \"DE\"\nand with anything else in `to`\nand with anything in `text`\n",
        ),
        (GrantTerms::any_arguments(), "with any arguments: `to`, `text`\n"),
    ] {
        let bench = bench_with(|builder| builder.dyn_tool(sending())).await;
        let gate = &bench.gate;
        let submit = async |text: &str, position| {
            gate.submit_json("send", text, "ann", "run", position).await.unwrap()
        };
        let request = r#"{"to":{"country":"DE","name":"x"},"text":"hello"}"#;
        let Submission::Pending(ticket) = submit(request, 0).await else { panic!("it waits") };
        let record = permit(gate, ticket.request(), terms).await;
        let rule = record.grant.rule.join("\n");
        assert!(rule.contains(says), "{rule}");
        for (position, (text, covered)) in (1..).zip([
            (r#"{"to":{"country":"DE"},"text":["other"]}"#, true),
            (r#"{"to":{"country":"DE","name":"y","more":1}}"#, true),
            // An argument that the rule does not cover, because the request had none.
            (r#"{"to":{"country":"DE"},"text":"hello","cc":"eve"}"#, false),
            (r#"{"to":{"country":"DE"},"cc":null}"#, false),
        ]) {
            let ran = matches!(submit(text, position).await, Submission::Done { .. });
            assert_eq!(ran, covered, "{text}");
        }
    }
}

/// A server that declares its tool harmless until it is permitted for good, and destructive from
/// then on.
#[tokio::test(start_paused = true)]
async fn invariant_5_a_grant_without_a_bound_does_not_outlive_the_risk_it_was_given_for() {
    let mild = ToolConfig::DEFAULT.base_confidence(50);
    let before = bench_with(|g| g.dyn_tool(shell_tool("book", mild))).await;
    let call = r#"{"note":"a"}"#;
    let request = json_runs(&before.gate, "book", call, 0).await.unwrap();
    permit(&before.gate, &request, GrantTerms::any_arguments().durable()).await;
    assert!(json_runs(&before.gate, "book", call, 1).await.is_none(), "the grant covers it");
    for (position, config) in
        [mild.destructive(), mild.risk(Risk::High), mild.risk(Risk::High).destructive()]
            .into_iter()
            .enumerate()
    {
        let store = before.store.clone();
        let after = bench_with(|g| g.store(store).dyn_tool(shell_tool("book", config))).await;
        let position = 10 + position as u64;
        let request = json_runs(&after.gate, "book", call, position).await.expect("it is asked");
        assert_eq!(after.world.ran(), 0);
        let refused = refused(&after.gate, &request, GrantTerms::any_arguments().durable()).await;
        assert_eq!(refused, GrantError::TooBroad);
    }
    // If the tool is harmless, the grant works as before.
    assert!(json_runs(&before.gate, "book", call, 2).await.is_none());
}
