//! `demo`.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::house::{hitl, program, ran};

const README: &str = include_str!("../../../../README.md");

#[test]
fn every_loss_happens_without_a_gate_and_not_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let demo = ran(program(&["demo", "--json"]).env("TMPDIR", folder.path())).ended(0).json();
    let scenes = demo[0]["scenes"].as_array().unwrap();
    let names: Vec<&str> = scenes.iter().filter_map(|scene| scene["name"].as_str()).collect();
    assert_eq!(names, ["amount", "crash", "payee", "rule", "audit"]);
    for scene in scenes {
        assert!(scene["without"]["loss"].is_string(), "{scene}");
        assert_eq!(scene["with"]["loss"], Value::Null, "{scene}");
        for side in ["without", "with"] {
            assert!(!scene[side]["steps"].as_array().unwrap().is_empty(), "{scene}");
        }
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_it_prints_fits_a_screen_and_is_plain() {
    let all = hitl(&["demo"]).ended(0);
    assert!(all.out.lines().all(|line| line.chars().count() <= 80), "{}", all.out);
    assert!(!all.out.contains('\x1b') && all.err.is_empty(), "{all:?}");
    for name in ["amount", "crash", "payee", "rule", "audit"] {
        let one = hitl(&["demo", name]).ended(0);
        assert!(one.out.starts_with(&format!("{name}: ")), "{one:?}");
        assert!(all.out.contains(&one.out), "the same, alone: {}", one.out);
    }
    hitl(&["demo", "everything"]).ended(2);
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let block = README.split("```text\n$ hitl demo ").nth(1).unwrap();
    let (name, block) = block.split_once('\n').unwrap();
    let (printed, _) = block.split_once("```").unwrap();
    assert_eq!(hitl(&["demo", name]).ended(0).out, printed);
    // It is the first thing that the page shows.
    assert_eq!(README.find("```"), README.find("```text\n$ hitl demo "));
}

#[test]
fn it_takes_less_than_a_second() {
    let best = (0..5).map(|_| {
        let start = Instant::now();
        hitl(&["demo"]).ended(0);
        start.elapsed()
    });
    assert!(best.min().unwrap() < Duration::from_secs(1));
}
