//! The page for operators shows what the program prints.

use crate::house::{House, Ran, program, ran};

const PAGE: &str = include_str!("../../../../docs/guide/operator.md");

/// Returns the text that the page shows below this command.
#[track_caller]
fn shown(command: &str) -> Vec<String> {
    let after = PAGE.split(&format!("```sh\n{command}\n```")).nth(1).expect(command);
    let block = after.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    lines(block.expect(command))
}

/// Returns the lines that are the same on every machine and at every time.
fn lines(text: &str) -> Vec<String> {
    let differs = ["are free on its disk", " seals", "tried on", "hitl-verify-"];
    let lines = text.lines().map(str::trim_end);
    let same = lines.filter(|line| !differs.iter().any(|part| line.contains(part)));
    same.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Runs a command of the page in the house.
fn run(house: &House, command: &str) -> Ran {
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    ran(program(&words).env("HITL_DB", "hitl.db").current_dir(house.path("")))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_what_the_program_prints() {
    let house = House::new().await;
    house.file(
        "policy.toml",
        "schema = 1\nversion = \"7\"\n[[rule]]\nname = \"no exports\"\neffect = \"deny\"\n\
         tool = \"export\"\n[[test]]\nname = \"exports\"\ntool = \"export\"\nexpect = \"deny\"\n",
    );
    house.wire("Initech", 120).await;
    house.gate.flush_audit().await.unwrap();
    for (command, code) in [
        ("hitl doctor --audit audit.jsonl --policy policy.toml", 0),
        ("hitl verify --policy policy.toml --junit results.xml", 0),
    ] {
        let ran = run(&house, command).ended(code);
        assert_eq!(lines(&ran.out), shown(command), "{}", ran.out);
    }
}
