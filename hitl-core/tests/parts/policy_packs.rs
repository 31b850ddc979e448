//! Rules to copy, which are tested as they are written: the packs by trade, and the recipes of the
//! guide.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hitl_core::policy::{Rule, RuleEffect, RuleSet};

const PAGE: &str = include_str!("../../../examples/policies/README.md");
const FACADE: &str = include_str!("../../../src/lib.rs");

/// Returns the texts of the files in a folder of the repository, by name.
fn files(folder: &str, extension: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn every_pack_passes_its_own_tests_and_the_page_names_it() {
    let packs = files("examples/policies", "toml");
    let trades: Vec<&str> = packs.keys().map(String::as_str).collect();
    assert_eq!(trades, ["data", "development", "finance", "marketing", "operations", "support"]);
    for (name, text) in &packs {
        let rules = RuleSet::parse(text).unwrap_or_else(|errors| panic!("{name}: {errors}"));
        let rules = rules.tested().unwrap_or_else(|errors| panic!("{name}: {errors}"));
        assert_eq!(rules.id().name(), name);
        assert!(rules.warnings().is_empty(), "{name}: {:?}", rules.warnings());
        let effects: Vec<RuleEffect> = rules.rules().iter().map(Rule::effect).collect();
        for effect in [RuleEffect::Auto, RuleEffect::Quick, RuleEffect::Full, RuleEffect::Deny] {
            assert!(effects.contains(&effect), "{name} has no rule that is {effect}");
        }
        assert!(PAGE.contains(&format!("[{name}.toml]({name}.toml)")), "{name}");
    }
}

/// A rule without which all tests of the file pass could be removed, and nobody would notice.
#[test]
fn every_rule_of_a_pack_is_needed_by_one_of_its_tests() {
    for (name, text) in files("examples/policies", "toml") {
        let starts: Vec<usize> = text.match_indices("\n[[").map(|(at, _)| at + 1).collect();
        for (i, start) in starts.iter().enumerate() {
            let end = starts.get(i + 1).copied().unwrap_or(text.len());
            let block = &text[*start..end];
            if !block.starts_with("[[rule]]") {
                continue;
            }
            let without = [&text[..*start], &text[end..]].concat();
            let rules =
                RuleSet::parse(&without).unwrap_or_else(|errors| panic!("{name}: {errors}"));
            assert!(rules.tested().is_err(), "{name}: no test needs this rule:\n{block}");
        }
    }
}

#[test]
fn there_are_thirteen_recipes_and_their_rules_pass_their_tests() {
    let pages = files("docs/guide/recipes", "md");
    assert_eq!(pages.len(), 13);
    let mut rules_with_tests = 0;
    for (name, page) in &pages {
        assert!(page.contains("\n**What it does not cover.** "), "{name}");
        for block in page.split("```toml\n").skip(1) {
            let text = block.split("```").next().unwrap();
            let rules = RuleSet::parse(text).unwrap_or_else(|errors| panic!("{name}: {errors}"));
            assert!(rules.self_test().len() > 1, "{name}");
            rules.tested().unwrap_or_else(|errors| panic!("{name}: {errors}"));
            rules_with_tests += 1;
        }
        let has_code = page.contains("```rust\n");
        assert!(has_code || page.contains("```toml\n"), "{name}");
        let is_compiled = FACADE.contains(&format!("docs/guide/recipes/{name}.md"));
        assert_eq!(is_compiled, has_code, "{name}: src/lib.rs includes the pages with code");
    }
    assert_eq!(rules_with_tests, 4);
}
