//! `policy test`.

use crate::house::{hitl, said};

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
}
