//! The output of `--json`, byte for byte, over a store and over a console. Scripts rely on it.

use std::fmt::Write as _;

use crate::console::Office;
use crate::house::Ran;

#[path = "../../../hitl-console/tests/support/mask.rs"]
pub(crate) mod mask;

/// Runs each command over the store or the console, and records its output.
async fn transcript(office: &Office, run: impl Fn(&[&str]) -> Ran) -> String {
    let house = &office.house;
    let mut text = String::new();
    let mut note = |title: &str, arguments: &[&str]| {
        let all = [arguments, &["--json"]].concat();
        let ran = run(&all);
        writeln!(text, "{title}\n{} {}", ran.code, mask::masked(&ran.out)).unwrap();
        ran
    };
    let first = house.wire("Initech", 120).await;
    let second = house.drop_project("apollo").await;
    let third = house.wire("Globex", 5).await;
    note("queue", &["queue"]);
    note("show", &["show", &first.id]);
    note("show a deletion", &["show", &second.id]);
    note("reject", &["reject", &first.id, "--reason", "no", "--may-ask-again"]);
    note("rejected", &["show", &first.id]);
    note("queue of what ended", &["queue", "--state", "rejected"]);
    let approve = ["approve", &second.id, "--binding", &second.binding, "--confirm", "apollo"];
    note("approve", &approve);
    second.ticket.wait().await.unwrap();
    note("executed", &["show", &second.id]);
    let allow = ["allow", &third.id, "--durable", "--same", "to", "--at-most", "amount=500"];
    let allow = [&allow[..], &["--uses", "3", "--sum", "amount=600", "--until"]].concat();
    let allow = [&allow[..], &["2101-01-01T00:00:00Z"]].concat();
    note("preview", &[&allow[..], &["--preview"]].concat());
    let given = note("allow", &[&allow[..], &["--binding", &third.binding]].concat());
    third.ticket.wait().await.unwrap();
    note("grants", &["grants"]);
    let grant = given.json()[0]["grant"]["id"].as_str().unwrap().to_owned();
    note("grant", &["grants", &grant]);
    note("revoke", &["revoke", &grant, "--reason", "enough"]);
    note("stats", &["stats"]);
    note("tasks", &["tasks"]);
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_prints_these_bytes() {
    let office = Office::new().await;
    let text = transcript(&office, |arguments| office.house.hitl(arguments)).await;
    let watch = office.house.hitl(&["watch", "--after", "0", "--count", "3", "--json"]);
    insta::assert_snapshot!(text + "watch\n" + &mask::masked(&watch.out));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_prints_these_bytes() {
    let office = Office::new().await;
    insta::assert_snapshot!(transcript(&office, |arguments| office.hitl(arguments)).await);
}
