//! The numbers of `hitl stats` for people: counts, rates and times.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::display::visible;
use hitl_core::CallState;
use hitl_core::approval::terminal::Style;
use hitl_wire::queue::Count;
use hitl_wire::stats::DecisionTally;

use super::stats::{PastReport, StatsReport};
use super::{Cell, Column, Screen, Table, length};

/// The outcomes that a person's answer gives, in the order in which they are listed.
const ANSWERS: [&str; 5] = ["approved", "edited", "rejected", "responded", "aborted"];

/// Renders the numbers for people: what waits now, then rates and times of what was decided.
pub(crate) fn stats_text(report: &StatsReport, now: Timestamp, screen: Screen) -> String {
    let mut out = waiting(report, now, screen);
    let past = &report.past;
    if past.outcomes.is_empty() {
        return out;
    }
    let span = match past.days {
        Some(days) => format!("the calls of the last {days} days"),
        None => "all kept calls".to_owned(),
    };
    let cut = if past.cut { "; there are more, and these are the oldest" } else { "" };
    let heading = format!("What became of {span}{cut}:");
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n{}", screen.fold(&heading));
    out += &outcomes(past).text(screen);
    if let Some(line) = time_line(past) {
        out += &screen.fold(&line);
    }
    if let Some(line) = ended_line(&past.ended) {
        out += &screen.fold(&line);
    }
    for (heading, tallies) in [("TOOL", &past.by_tool), ("REVIEWER", &past.by_reviewer)] {
        if !tallies.is_empty() {
            out.push('\n');
            out += &tally_table(heading, tallies).text(screen);
        }
    }
    out
}

/// Renders what has not ended.
fn waiting(report: &StatsReport, now: Timestamp, screen: Screen) -> String {
    let mut table = Table::new([Column::new("NOW"), Column::new("CALLS"), Column::new("OF THEM")]);
    let of = |counts: &BTreeMap<String, Count>| {
        let some = counts.iter().filter(|(_, count)| count.counted > 0);
        some.map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
    };
    for (state, says) in [
        (CallState::Pending, "pending"),
        (CallState::Approved, "approved"),
        (CallState::Claimed, "running"),
        (CallState::OutcomeUnknown, "outcome unknown"),
    ] {
        let (count, waits) = (report.state(state), state == CallState::Pending);
        let lists = [of(&report.priorities), of(&report.levels)];
        let parts = lists.into_iter().filter(|list| waits && !list.is_empty());
        let alarming = state == CallState::OutcomeUnknown && count.counted > 0;
        let style = if alarming { Style::Warning } else { Style::Plain };
        table.push([
            Cell::styled(style, says),
            Cell::styled(style, count.to_string()),
            parts.collect::<Vec<_>>().join("; ").into(),
        ]);
    }
    let mut out = table.text(screen);
    if let Some(since) = report.oldest_waits_since {
        let since = format!(
            "the oldest has been pending for {}\n",
            length(now.saturating_duration_since(since))
        );
        out += &screen.fold(&since);
    }
    out
}

/// Lists the outcomes, with the share of the answers among the decisions, and of each among all.
fn outcomes(past: &PastReport) -> Table<4> {
    let all: u64 = past.outcomes.values().sum();
    let is_answer = |name: &str| ANSWERS.contains(&name);
    let answered = past.outcomes.iter().filter(|(name, _)| is_answer(name));
    let decided: u64 = answered.map(|(_, count)| count).sum();
    let answers = ANSWERS.iter().filter_map(|name| past.outcomes.get_key_value(*name));
    let others = past.outcomes.iter().filter(|(name, _)| !is_answer(name));
    let rows = answers.chain(others).map(|(name, count)| {
        let of_decided = if is_answer(name) { share(*count, decided) } else { String::new() };
        [
            visible(name).into_owned().into(),
            count.to_string().into(),
            of_decided.into(),
            share(*count, all).into(),
        ]
    });
    let columns = ["OUTCOME", "CALLS", "OF DECISIONS", "OF ALL"].map(Column::new);
    Table::with(columns, rows)
}

fn time_line(past: &PastReport) -> Option<String> {
    let median = time(past.median_seconds?);
    let p90 = past.p90_seconds.map(|p90| format!(", nine in ten within {}", time(p90)));
    let decisions = if past.decided == 1 { "decision" } else { "decisions" };
    Some(format!(
        "time to decision: median {median}{} ({} {decisions} by people)\n",
        p90.unwrap_or_default(),
        past.decided
    ))
}

fn ended_line(ended: &BTreeMap<String, usize>) -> Option<String> {
    let all: usize = ended.values().sum();
    let parts = ended.iter().map(|(name, count)| {
        format!("{count} {} ({})", end_words(name), share(*count as u64, all as u64))
    });
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| format!("started: {all}; {}\n", parts.join(", ")))
}

/// Returns how a started call ended, in words.
fn end_words(name: &str) -> String {
    match name {
        "outcomeUnknown" => "of unknown outcome".to_owned(),
        name => visible(name).into_owned(),
    }
}

/// Lists the decisions of each tool or reviewer. A console of an earlier version does not say all.
fn tally_table(heading: &'static str, tallies: &[DecisionTally]) -> Table<8> {
    let columns = [
        Column::new(heading).shortened_to(16),
        Column::new("DECIDED"),
        Column::new("APPROVED").left_out_at(6),
        Column::new("EDITED").left_out_at(1),
        Column::new("REJECTED").left_out_at(5),
        Column::new("FAILED").left_out_at(4),
        Column::new("MEDIAN").left_out_at(3),
        Column::new("9 IN 10").left_out_at(2),
    ];
    let rows = tallies.iter().map(|tally| {
        let decided = tally.decided as u64;
        let answer = |name: &str| {
            let count = tally.answers.get(name).copied().unwrap_or_default();
            (!tally.answers.is_empty()).then(|| share(count as u64, decided))
        };
        let started: usize = tally.ended.values().sum();
        let failed = tally.ended.get("failed").copied().unwrap_or_default();
        let failed_style = if failed > 0 { Style::Bad } else { Style::Plain };
        [
            visible(&tally.name).into_owned().into(),
            decided.to_string().into(),
            share(tally.approved as u64, decided).into(),
            answer("edited").unwrap_or_default().into(),
            answer("rejected").unwrap_or_default().into(),
            Cell::styled(failed_style, share(failed as u64, started as u64)),
            time(tally.median_seconds).into(),
            tally.p90_seconds.map(time).unwrap_or_default().into(),
        ]
    });
    Table::with(columns, rows)
}

fn time(seconds: u64) -> String {
    length(Duration::from_secs(seconds))
}

/// Returns a share in whole percent; empty where there is nothing to share. A part that is not
/// nothing is never `0 %`, and one that is not all never `100 %`.
fn share(part: u64, all: u64) -> String {
    if all == 0 {
        return String::new();
    }
    let percent = (part * 100 + all / 2) / all;
    match percent {
        0 if part > 0 => "<1 %".to_owned(),
        100 if part < all => ">99 %".to_owned(),
        percent => format!("{percent} %"),
    }
}

#[cfg(test)]
mod tests {
    use hitl_core::QueueCounts;
    use hitl_core::approval::terminal::ColorMode;

    use super::*;
    use crate::view::Width;

    #[test]
    fn a_share_is_not_rounded_to_nothing_or_to_all() {
        for (part, all, expected) in [
            (0, 0, ""),
            (0, 5, "0 %"),
            (1, 3, "33 %"),
            (2, 3, "67 %"),
            (1, 1000, "<1 %"),
            (999, 1000, ">99 %"),
            (5, 5, "100 %"),
        ] {
            assert_eq!(share(part, all), expected, "{part} of {all}");
        }
    }

    #[test]
    fn rates_and_times_are_said_and_fit_the_screen() {
        let tally = |name: &str, decided, approved| DecisionTally {
            name: name.to_owned(),
            decided,
            approved,
            median_seconds: 240,
            p90_seconds: Some(720),
            answers: [("approved".to_owned(), approved), ("rejected".to_owned(), 1)].into(),
            ended: [("executed".to_owned(), 2), ("failed".to_owned(), 1)].into(),
        };
        let past = PastReport {
            outcomes: [("approved", 3), ("rejected", 1), ("expired", 4)]
                .map(|(name, count)| (name.to_owned(), count))
                .into(),
            days: Some(90),
            cut: false,
            decided: 4,
            median_seconds: Some(240),
            p90_seconds: Some(720),
            ended: [("executed".to_owned(), 2), ("failed".to_owned(), 1)].into(),
            by_tool: vec![tally("send_wire\u{202e}", 4, 3)],
            by_reviewer: vec![tally("ann", 4, 3)],
        };
        let now = Timestamp::from_millis(1_767_323_045_678);
        let report = StatsReport::new(&QueueCounts::default(), None, past);
        for columns in [40, 80, 200] {
            let screen = Screen::new(Width::Columns(columns), ColorMode::Plain);
            let text = stats_text(&report, now, screen);
            assert!(text.lines().all(|line| line.chars().count() <= columns), "{text}");
        }
        let screen = Screen::new(Width::Unlimited, ColorMode::Plain);
        let text = stats_text(&report, now, screen);
        for says in [
            "approved  3      75 %          38 %",
            "rejected  1      25 %          13 %",
            "expired   4                    50 %",
            "time to decision: median 4 min, nine in ten within 12 min (4 decisions by people)",
            "started: 3; 2 executed (67 %), 1 failed (33 %)",
            "75 %      0 %     25 %      33 %    4 min   12 min",
        ] {
            assert!(text.contains(says), "{says}: {text}");
        }
        assert!(!text.contains('\u{202e}'));
    }
}
