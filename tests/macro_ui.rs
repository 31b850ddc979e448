//! What `#[hitl_tool]` accepts, what it says about what it does not, and that a gated body cannot
//! be reached past the gate.
//!
//! After a change of a message: `TRYBUILD=overwrite cargo test --test macro_ui`, and read the diff.

#[test]
fn accepted() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}

#[test]
fn refused() {
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
}

#[test]
fn invariant_1_no_side_door() {
    trybuild::TestCases::new().compile_fail("tests/ui/no_side_door/*.rs");
}
