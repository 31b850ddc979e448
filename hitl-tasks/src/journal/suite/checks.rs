//! The list of all checks, as tests.

/// Emits one test for each check of the [contract suite](crate::journal::suite).
///
/// `$make` names an `async fn() -> Subject`. The calling crate needs `tokio` with `macros` and
/// `rt-multi-thread` among its dev-dependencies.
#[macro_export]
macro_rules! journal_contract {
    ($make:path) => {
        $crate::journal_contract! { @each $make,
            claiming: an_unknown_task_can_be_claimed, each_claim_is_greater,
                a_claim_keeps_the_entries, tasks_are_held_apart;
            appending: an_unknown_task_has_no_entries, entries_come_back_in_order,
                entries_come_back_unchanged, a_large_entry_is_kept, equal_entries_are_both_kept,
                tasks_are_written_apart;
            ending: an_end_is_an_entry_and_failures_are_listed, an_end_is_fenced,
                failures_are_listed_page_by_page, what_has_not_failed_is_not_reopened,
                a_failure_is_reopened_once, failures_are_reopened_apart;
            listing: tasks_are_listed_from_the_greatest_down;
            erasing: invariant_8_of_an_ended_task_nothing_is_left, what_has_not_ended_is_kept,
                a_failure_that_was_erased_is_neither_listed_nor_reopened;
            fencing: an_older_epoch_is_fenced, a_claim_fences_at_once,
                an_epoch_that_was_never_claimed_is_fenced;
            races: of_many_claims_the_greatest_holds, of_many_reopenings_one_begins, appends_at_once_are_all_kept,
                invariant_10_takeovers_lose_and_invent_nothing;
        }
    };
    (@each $make:path, $($group:ident: $($check:ident),+;)+) => {$(
        mod $group {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $check() {
                    let subject = $make().await;
                    $crate::journal::suite::$group::$check(subject).await;
                }
            )+
        }
    )+};
}
