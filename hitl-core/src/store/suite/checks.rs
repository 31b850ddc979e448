//! The list of all checks, as tests.

/// Emits one test for each check of the [contract suite](crate::store::suite).
///
/// With `@retention`, it emits the checks of retention, erasure and holds, which a store may not
/// support. With `@clock`, it emits the checks of a clock that is set, for stores that use the
/// machine's clock.
///
/// `$make` names an `async fn(ManualClock) -> Subject`. The calling crate needs `tokio` with
/// `macros` and `rt-multi-thread` among its dev-dependencies.
#[macro_export]
macro_rules! store_contract {
    ($make:path) => {
        $crate::store_contract! { @each $make,
            submit: a_new_key_is_created_and_stamped, the_same_content_finds_the_record_there_is,
                other_content_under_the_same_key_is_a_conflict,
                replaying_a_submission_gives_the_first_answer, a_key_is_unique_after_its_call_ended,
                run_and_position_make_different_keys, a_denied_call_is_kept_without_its_payload,
                sealed_bytes_come_back_unchanged;
            admit: an_admitted_call_is_claimed_in_one_step,
                a_second_admission_gets_the_first_ones_claim,
                replaying_an_admission_shows_the_same_claim,
                an_admitted_call_of_a_dead_session_is_lost;
            attach: an_identical_call_attaches_until_its_outcome_is_delivered,
                a_call_attaches_within_its_tenant_run_and_content, other_calls_do_not_attach,
                a_key_comes_before_the_content, an_edited_call_is_found_by_what_was_submitted,
                only_an_outcome_is_delivered, a_delivered_rejection_is_remembered_once,
                a_call_that_attaches_takes_no_room_and_draws_nothing,
                invariant_3_identical_calls_that_race_are_one,
                invariant_3_a_delivery_races_with_identical_calls;
            tenants: tenants_have_keys_of_their_own, nothing_is_read_across_tenants,
                nothing_is_changed_across_tenants, similar_tenants_are_apart,
                the_sweep_sees_all_tenants;
            decide: a_decision_says_through_which_channel_it_came,
                invariant_5_a_channel_that_is_taken_away_approves_nothing,
                invariant_4_a_decision_counts_for_one_call,
                invariant_4_of_calls_that_race_for_a_decision_one_gets_it,
                each_answer_leads_to_its_state, replaying_a_decision_is_harmless,
                a_second_decision_loses, a_stale_revision_or_binding_is_refused,
                nothing_is_decided_after_its_expiry,
                a_rejection_without_the_reason_it_needs_is_refused,
                an_answer_that_is_not_offered_is_refused, a_demoted_call_is_asked_again,
                an_approved_call_can_still_be_denied, an_unknown_call_is_not_found;
            edit: an_enclosed_payload_replaces_the_kept_one,
                an_ended_call_keeps_no_enclosed_payload, an_edit_is_the_next_revision,
                votes_are_kept_until_an_edit, silence_asks_somebody_else;
            executors: an_executor_is_known_by_the_tools_that_it_records, executors_are_apart,
                a_dead_executor_is_said_to_be_dead, invariant_13_dead_executors_are_forgotten,
                a_call_of_a_changed_tool_is_asked_about_again;
            withdraw: the_owner_withdraws_what_has_not_started, a_stranger_withdraws_nothing,
                the_host_withdraws_what_has_not_started, attaching_takes_ownership_over, more_time_moves_the_end,
                a_detached_call_has_no_owner, calls_expire_at_their_time,
                a_running_call_does_not_expire, an_endless_approval_does_not_expire;
            run: an_approved_call_is_claimed_once, replaying_a_claim_is_harmless,
                nothing_else_is_claimed, a_claim_is_of_what_was_approved,
                a_released_claim_can_be_taken_again, a_success_keeps_its_result, a_failure_is_kept,
                a_failure_keeps_its_output,
                only_the_claimant_records_the_end, terminal_is_terminal,
                a_session_is_dead_once_it_is_closed;
            unknown: a_living_executor_is_not_lost, a_timed_out_body_is_parked,
                a_late_result_settles_it, a_human_settles_it, a_retry_voids_the_old_claim,
                a_retry_beside_a_living_session_needs_attestation, a_found_effect_settles_it,
                a_found_absence_lets_it_start_again,
                invariant_3_an_absence_beside_a_living_executor_counts_for_nothing;
            list: pages_follow_the_order_of_creation, a_page_filters_by_state,
                a_page_shows_what_stands, what_may_run_is_listed_for_all_tenants, what_waits_past_its_expiry_is_stale,
                what_a_dead_session_runs_is_stale, what_was_rejected_is_found_by_run_and_content,
                a_root_run_shows_what_was_delegated_from_it;
            grants: a_saved_grant_is_found, grants_are_listed_as_they_were_given,
                grants_of_other_tenants_are_never_seen, a_grant_is_revoked_once,
                an_admission_draws_on_its_grant, what_cannot_be_drawn_does_not_come_in,
                a_call_found_again_draws_nothing, a_grant_allows_what_waits,
                a_claim_draws_on_the_grant, a_release_gives_back,
                an_attempt_without_effect_gives_back,
                a_revocation_beats_any_later_claim, a_grant_ends_at_its_time,
                invariant_3_an_envelope_is_never_overdrawn,
                invariant_3_admissions_never_overdraw, a_revocation_races_with_claims;
            assignment: an_assignment_is_kept_and_changes_no_question,
                a_call_is_assigned_to_nobody_who_may_not_decide_it;
            broken_glass: a_broken_glass_is_kept_with_its_mark,
                a_broken_glass_allows_what_a_quorum_would, a_broken_glass_ends,
                invariant_7_no_program_breaks_the_glass,
                invariant_3_the_last_use_is_taken_once;
            together: several_events_happen_together, one_refusal_and_nothing_happens,
                another_tenants_call_is_not_among_them, what_is_enclosed_comes_with_each,
                siblings_are_claimed_together_or_not_at_all, a_released_sibling_goes_its_own_way,
                together_they_draw_on_one_grant, invariant_3_one_release_wins;
            caps: what_is_beyond_a_cap_does_not_come_in, what_is_there_is_found_at_the_cap,
                what_does_not_wait_is_not_capped, invariant_13_a_race_does_not_break_a_cap;
            queue: the_most_urgent_comes_first, what_is_due_first_comes_first,
                what_came_first_comes_first, invariant_13_a_flood_buries_nobody,
                a_turn_stays_while_a_call_waits, a_call_asked_again_takes_a_new_turn,
                a_listing_goes_on_where_it_stopped, a_queue_is_of_one_tenant,
                what_has_ended_is_listed_as_it_came, calls_are_counted, tenants_are_listed_once;
            history: every_change_is_one_entry, reading_goes_on_where_it_stopped,
                one_call_has_its_own_history,
                a_reader_beside_writers_misses_nothing;
            outbox: a_change_is_in_the_outbox_until_it_is_acknowledged,
                what_has_no_record_of_its_own_is_not_in_it, what_changed_nothing_is_not_in_it,
                what_the_dead_leave_is_taken_once, of_several_who_take_each_gets_others;
            rotation: what_is_sealed_under_another_key_is_listed, a_listing_continues_after_a_place,
                a_text_is_replaced_once_and_only_by_who_has_seen_it,
                what_was_replaced_or_erased_is_not_resealed, a_resealed_call_is_the_same_call,
                keys_are_retired_once_nothing_is_under_another;
            marks: a_mark_is_set_once, invariant_4_one_swap_wins, writers_are_registered_once;
            freeze: invariant_5_nothing_is_claimed_while_frozen,
                a_claim_from_before_a_freeze_goes_on, a_freeze_of_one_tenant_stops_no_other,
                invariant_5_an_unreadable_freeze_stops_everything,
                a_freeze_and_a_thaw_wake_all_watchers, invariant_5_no_claim_comes_after_a_freeze;
            grace: invariant_5_nothing_is_claimed_within_its_grace,
                invariant_4_an_approval_that_was_taken_back_counts_no_more,
                a_call_without_a_grace_starts_at_once;
            effects: an_effect_has_one_holder, the_call_before_the_holder_is_kept,
                invariant_4_one_reservation_wins,
                a_holder_is_kept_as_long_as_its_key;
            watch: a_change_after_subscribing_is_not_lost, a_call_to_come_can_be_watched,
                a_hint_comes_after_the_change, no_wake_up_is_lost_under_load,
                a_watcher_that_reads_finds_the_truth;
            races: invariant_4_one_decision_wins, invariant_11_one_end_wins,
                invariant_3_one_claim_wins, invariant_3_one_admission_wins,
                invariant_11_a_late_result_races_a_human, invariant_4_a_reconcile_races_a_human,
                invariant_4_a_replayed_decision_is_one_decision;
        }
    };
    (@retention $make:path) => {
        $crate::store_contract! { @each $make,
            retention: what_ended_long_ago_is_erased, what_a_failed_body_gave_is_not_kept_longer, an_erased_key_stays_taken,
                what_has_not_ended_is_never_touched, what_ended_lately_is_kept,
                erasing_twice_changes_nothing, readers_of_the_history_see_a_marked_gap,
                a_forgotten_run_takes_no_new_call, nothing_attaches_to_an_erased_call, only_erased_calls_are_forgotten,
                what_is_not_audited_is_not_erased,
                a_watermark_only_rises, grants_that_ended_are_forgotten,
                invariant_3_retention_races_with_those_who_work;
            erasure: a_named_call_is_erased, invariant_8_what_a_failed_body_gave_is_erased, what_cannot_be_erased_is_left_and_said,
                a_call_of_another_tenant_is_not_found, no_more_than_so_many_are_erased_at_once,
                the_calls_of_a_principal_are_found,
                the_ended_grants_of_a_principal_are_forgotten,
                invariant_4_an_erased_decision_counts_for_no_other_call;
            holds: a_hold_is_kept_until_it_is_released, a_held_call_is_not_erased,
                what_is_not_held_is_erased_past_what_is, a_hold_of_another_tenant_holds_nothing,
                a_held_tombstone_is_not_forgotten, a_held_grant_is_not_forgotten,
                a_hold_races_with_erasure, what_comes_under_a_hold_is_held;
        }
    };
    (@clock $make:path) => {
        $crate::store_contract! { @each $make,
            clock: invariant_5_a_clock_set_back_revives_nothing, time_goes_on_while_the_clock_is_behind,
                invariant_5_a_clock_far_ahead_is_refused;
        }
    };
    (@each $make:path, $($group:ident: $($check:ident),+;)+) => {$(
        mod $group {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $check() {
                    let clock = $crate::store::suite::start_clock();
                    let subject = $make(clock).await;
                    $crate::store::suite::$group::$check(subject).await;
                }
            )+
        }
    )+};
}
