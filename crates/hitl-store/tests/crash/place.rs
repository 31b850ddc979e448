//! The places where a life may end: those of the store, and those of the gate's own steps.

/// Places that are passed while a file is created.
pub(crate) const OPENING: [&str; 3] = ["file-created", "before-migration", "after-migration"];

/// The place that is passed once in each life.
pub(crate) const ONCE: &str = "session-half-open";

/// Places that are passed each time a gate works.
const WORKING: [&str; 20] = [
    ONCE,
    "after-begin",
    "between-writes",
    "before-commit",
    "after-commit",
    "after-acknowledge",
    "before-submit",
    "after-submit",
    "before-decide",
    "after-decide",
    "before-claim",
    "after-claim",
    "before-intent",
    "after-intent",
    "before-audit",
    "after-audit",
    "in-body",
    "after-body",
    "before-record",
    "after-record",
];

/// Places that are passed each time a task progresses.
pub(crate) const JOURNAL: [&str; 5] =
    ["after-begin", "entry-written", "before-commit", "after-commit", "after-acknowledge"];

/// Places that are passed at each draw on a grant.
pub(crate) const GRANTS: [&str; 6] = [
    "after-begin",
    "grant-drawn",
    "between-writes",
    "before-commit",
    "after-commit",
    "after-acknowledge",
];

/// The number of places after the opening.
pub(crate) const COUNT: usize = WORKING.len();

/// Returns every place after the opening.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    WORKING.into_iter()
}

#[test]
fn no_place_of_the_store_is_left_out() {
    for place in hitl_store::FAILPOINTS {
        let visited = [&OPENING[..], &WORKING[..], &JOURNAL[..], &GRANTS[..]]
            .iter()
            .any(|p| p.contains(place));
        assert!(visited, "{place} is never visited");
    }
}
