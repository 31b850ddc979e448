//! Times as people say them. Pure: the present is an argument.

use std::time::Duration;

use hitl_base::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// The time from which a moment is as good as never.
const CENTURY: u64 = 100 * 365 * DAY;

/// Returns a length of time in one unit, like `4 min`: the largest of which there are about two or
/// more, rounded.
pub(crate) fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    let rounded = |unit: u64| seconds.saturating_add(unit / 2) / unit;
    if seconds < 2 * MINUTE {
        format!("{seconds} s")
    } else if rounded(MINUTE) < 120 {
        format!("{} min", rounded(MINUTE))
    } else if rounded(HOUR) < 48 {
        format!("{} h", rounded(HOUR))
    } else {
        format!("{} days", rounded(DAY))
    }
}

/// Returns how far a moment is from the present: `in 4 min`, `2 h ago`, `just now`, `never`.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> String {
    let (ahead, behind) = (at.saturating_duration_since(now), now.saturating_duration_since(at));
    match (ahead.as_secs(), behind.as_secs()) {
        (0, 0..MINUTE) => "just now".to_owned(),
        (CENTURY.., _) => "never".to_owned(),
        (0, _) => format!("{} ago", length(behind)),
        (_, _) => format!("in {}", length(ahead)),
    }
}

/// Returns when something is due: `in 4 min`, or `2 h late`.
pub(crate) fn due(at: Timestamp, now: Timestamp) -> String {
    if at <= now {
        return format!("{} late", length(now.saturating_duration_since(at)));
    }
    relative(at, now)
}

/// Returns a moment as people say it, and exactly: `2 h ago (2027-01-31T18:00:00Z)`.
pub(crate) fn exactly(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({at})", relative(at, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_say_them() {
        let now = Timestamp::from_millis(1_767_323_045_678);
        let at = |seconds| now.saturating_add(Duration::from_secs(seconds));
        for (seconds, expected) in [
            (1, "1 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_140, "119 min"),
            (7_199, "2 h"),
            (14_399, "4 h"),
            (2 * DAY - HOUR, "47 h"),
            (2 * DAY - 1, "2 days"),
            (90 * DAY, "90 days"),
        ] {
            assert_eq!(length(Duration::from_secs(seconds)), expected);
            assert_eq!(relative(at(seconds), now), format!("in {expected}"));
            let ago =
                if seconds < MINUTE { "just now".to_owned() } else { format!("{expected} ago") };
            assert_eq!(relative(now, at(seconds)), ago);
            assert_eq!(due(now, at(seconds)), format!("{expected} late"));
        }
        assert_eq!(relative(now, now), "just now");
        assert_eq!(relative(at(CENTURY), now), "never");
        assert_eq!(due(at(CENTURY), now), "never");
        let moment = "2 min ago (2026-01-02T03:04:05.678Z)";
        assert_eq!(exactly(now, at(120)), moment);
    }
}
