//! The input that `#[hitl_tool]` accepts, its messages for the input that it refuses, and the
//! impossibility of reaching a gated body without the gate.
//!
//! After a change of a message, run `TRYBUILD=overwrite cargo test -p hitl-ui-tests` and read the
//! diff.

use trybuild::TestCases;

/// Returns a set of cases. One that passes makes trybuild use `cargo build` for the others too;
/// with `cargo check` for some of them, it would compile the dependencies twice.
fn cases() -> TestCases {
    let cases = TestCases::new();
    cases.pass("pass/attributes.rs");
    cases
}

#[test]
fn accepted() {
    cases().pass("pass/*.rs");
}

#[test]
fn refused() {
    cases().compile_fail("fail/*.rs");
}

#[test]
fn invariant_1_no_side_door() {
    cases().compile_fail("no_side_door/*.rs");
}

/// Compares the compiler's messages about the fns in `ui/fail/bodies.rs` and about the tools: their
/// positions within each half of the file, and their texts.
#[test]
fn bodies_are_linted_as_those_of_plain_fns() {
    let written = include_str!("fail/bodies.rs");
    let said = std::fs::read_to_string("fail/bodies.stderr").unwrap();
    let start = |of: &str| {
        let start = written.lines().position(|line| line == format!("pub mod {of} {{"));
        start.unwrap_or_else(|| panic!("no mod {of}")) + 1
    };
    let (plain, tool) = (start("plain"), start("tool"));
    let half = |from: usize| {
        let lines = written.lines().skip(from).take_while(|line| *line != "}");
        lines
            .map(|line| line.replace("/*           */", "#[hitl(state)]"))
            .map(|line| line.replace("#[hitl::hitl_tool]", "//"))
            .collect::<Vec<_>>()
    };
    assert_eq!(half(plain), half(tool), "the halves differ");

    let mut of_plain = Vec::new();
    let mut of_tool = Vec::new();
    let blocks = said.split("\n\n").filter_map(|block| {
        let headline = block.lines().find(|line| line.starts_with("error"))?;
        let (_, place) = block.split_once("bodies.rs:")?;
        let (line, column) = place.lines().next()?.split_once(':')?;
        Some((headline, line.parse::<usize>().ok()?, column))
    });
    for (headline, line, column) in blocks {
        if line > tool {
            of_tool.push((line - tool, column, headline));
        } else {
            of_plain.push((line - plain, column, headline));
        }
    }
    of_plain.sort_unstable();
    of_tool.sort_unstable();
    assert!(of_plain.len() > 25, "{of_plain:#?}");
    assert_eq!(of_plain, of_tool);
}
