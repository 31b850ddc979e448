//! `policy test` and `policy accept`.

use crate::house::{House, hitl, said};

const RULES: &str = r#"
schema = 1
version = "7"
[[rule]]
name = "freeze"
effect = "deny"
tool = "delete_*"
[[test]]
name = "deletions are refused"
tool = "delete_project"
expect = "deny"
"#;

#[test]
fn a_policy_is_right_or_says_where_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = said(&folder.path().join("policy.toml"));
    let test = |text: &str, json: &[&str]| {
        std::fs::write(&path, text).unwrap();
        hitl(&[&["policy", "test", &path], json].concat())
    };
    let right = test(RULES, &[]).ended(0);
    assert!(right.out.contains("1 rules, 1 of 1 tests hold"), "{right:?}");

    let failing = RULES.replace("delete_project", "pay");
    let ran = test(&failing, &[]).ended(6);
    assert!(ran.out.contains("`deletions are refused` expected deny"), "{ran:?}");
    assert_eq!(test(&failing, &["--json"]).ended(6).json()[0]["tests"][0]["passed"], false);

    let mistaken = test(&RULES.replace("effect", "efect"), &["--json"]).ended(6).json();
    assert_eq!(mistaken[0]["mistakes"][0]["line"].as_u64(), Some(4), "{mistaken:?}");
    hitl(&["policy", "test", &said(&folder.path().join("none.toml"))]).ended(3);

    let relaxing = RULES.replace("'delete_*'", "'x'").replace(
        "[[test]]",
        "[[rule]]\nname = \"tmp\"\neffect = \"auto\"\nargument = { path = \"f\", matches = \"/tmp/.*\" }\n[[test]]",
    );
    let ran = test(&relaxing, &[]).ended(0);
    assert!(ran.out.contains("warning: line 8") && ran.out.contains("is never met"), "{ran:?}");
    assert_eq!(
        test(&relaxing, &["--json"]).ended(0).json()[0]["warnings"][0]["line"].as_u64(),
        Some(8)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_5_a_policy_that_may_relax_is_accepted_by_whoever_has_seen_it() {
    let house = House::new().await;
    let path = house.file("policy.toml", RULES);
    let accept = |more: &[&str]| house.hitl(&[&["policy", "accept", &path], more].concat());
    let digest = || {
        let preview = accept(&["--preview", "--json"]).ended(0).json();
        preview[0]["digest"].as_str().unwrap().to_owned()
    };
    // Beside an existing store, nothing is trusted by itself.
    let first = accept(&["--preview", "--json"]).ended(0).json();
    assert!(first[0]["untrusted"].as_str().is_some(), "{first:?}");
    accept(&["--digest", &digest(), "--as", "dora"]).ended(0);
    assert!(accept(&[]).ended(0).out.contains("is already accepted"));

    house.file("policy.toml", &RULES.replace("deny", "quick").replace("\"7\"", "\"8\""));
    let preview = accept(&["--preview"]).ended(0);
    assert!(preview.out.contains("the deny rule `freeze` is gone"), "{preview:?}");
    accept(&[]).ended(2);
    accept(&["--digest", "0000"]).ended(2);
    accept(&["--digest", "0123456789"]).ended(4);
    let accepted = accept(&["--digest", &digest()[..12], "--as", "dora"]).ended(0);
    assert!(accepted.out.contains("is accepted by dora"), "{accepted:?}");
    assert!(accept(&["--preview"]).ended(0).out.contains("is already accepted"));
}

#[test]
fn invariant_5_without_a_store_a_script_accepts_no_policy() {
    let folder = tempfile::tempdir().unwrap();
    let path = said(&folder.path().join("policy.toml"));
    let accept = |more: &[&str]| hitl(&[&["policy", "accept", &path], more].concat());
    std::fs::write(&path, RULES).unwrap();
    let _host = hitl_core::RuleFile::open(&path);
    assert!(accept(&[]).ended(0).out.contains("is already accepted"), "the first use");
    std::fs::write(&path, RULES.replace("deny", "quick").replace("\"7\"", "\"8\"")).unwrap();
    let preview = accept(&["--preview", "--json"]).ended(0).json();
    let digest = preview[0]["digest"].as_str().unwrap();
    // People may have enrolled in the store that is not named.
    let refused = accept(&["--digest", digest, "--as", "dora"]).ended(5);
    assert!(refused.err.contains("name the store with --db"), "{refused:?}");
    accept(&["--digest", digest, "--as", "dora", "--code", "AAAA-AAAA-AAAA-AAAA"]).ended(2);
    assert!(accept(&["--preview"]).ended(0).out.contains("waits to be accepted"));
}

/// The host may require a signature, which the command line does not know of.
#[test]
fn invariant_5_the_command_line_accepts_nothing_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = said(&folder.path().join("policy.toml"));
    let log = said(&folder.path().join("audit"));
    std::fs::create_dir(&log).unwrap();
    let kept = folder.path().join("policy.toml.accepted");
    let accept = |more: &[&str]| {
        hitl(&[&["policy", "accept", &path, "--audit", &log, "--as", "dora"], more].concat())
    };
    std::fs::write(&path, RULES).unwrap();
    let first = accept(&["--preview"]).ended(0);
    assert!(first.out.contains("waits to be accepted"), "{first:?}");
    assert!(first.out.contains("nothing was accepted yet"), "{first:?}");
    accept(&[]).ended(5);
    assert!(!kept.exists(), "a first load is accepted by the host, or by a person");
    let _host = hitl_core::RuleFile::open(&path);
    let written = std::fs::read(&kept).unwrap();
    // Even a version that only tightens is accepted by the host, not by the command line.
    let stricter = "[[rule]]\nname = \"more\"\neffect = \"deny\"\ntool = \"pay\"\n[[test]]";
    std::fs::write(&path, RULES.replacen("[[test]]", stricter, 1)).unwrap();
    let shown = accept(&["--preview"]).ended(0);
    assert!(shown.out.contains("waits to be accepted") && shown.out.contains("+ "), "{shown:?}");
    accept(&[]).ended(5);
    assert_eq!(std::fs::read(&kept).unwrap(), written);
}

#[test]
fn invariant_5_where_the_difference_is_cut_the_command_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = said(&folder.path().join("policy.toml"));
    let notes = |word: &str| format!("# {word}\n").repeat(500);
    std::fs::write(&path, format!("{}{RULES}", notes("before"))).unwrap();
    let _host = hitl_core::RuleFile::open(&path);
    let lax = RULES.replace("deny", "quick");
    std::fs::write(&path, format!("{}{lax}", notes("after"))).unwrap();
    let preview =
        |more: &[&str]| hitl(&[&["policy", "accept", &path, "--preview"], more].concat()).ended(0);
    let text = preview(&[]).out;
    assert!(text.contains("not listed, or not in full. Read the whole file"), "{text}");
    assert!(text.contains("+ 1: # after"), "{text}");
    assert!(preview(&["--json"]).json()[0]["unlisted"].as_u64().unwrap() > 500);
}
