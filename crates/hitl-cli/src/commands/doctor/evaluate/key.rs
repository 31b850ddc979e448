//! The host key. Pure.

use super::super::facts::KeyFacts;
use super::super::finding::Finding;

const AREA: &str = "key";

pub(super) fn findings(key: Option<&Result<KeyFacts, String>>) -> Vec<Finding> {
    let key = match key {
        // The store was not opened, which is a finding of its own.
        None => return Vec::new(),
        Some(Ok(key)) => key,
        Some(Err(why)) => {
            return vec![Finding::problem(AREA, why.as_str(), "see the message")];
        }
    };
    let mut found = Vec::new();
    match &key.current {
        Some(current) => found.push(Finding::ok(AREA, format!("{current} seals"))),
        None => {
            found.push(Finding::warning(AREA, "the store names no key", "see `hitl key status`"));
        }
    }
    if key.under_unknown > 0 {
        found.push(Finding::problem(
            AREA,
            format!("{} texts are sealed under a key that was not given", key.under_unknown),
            "put the former key back into the key file: without it those calls cannot be run",
        ));
    }
    if key.under_previous > 0 {
        found.push(Finding::warning(
            AREA,
            format!("{} texts are sealed under a former key", key.under_previous),
            "finish the rotation: `hitl key reseal`, then `hitl key retire`",
        ));
    }
    if key.programs > 0 {
        found.push(Finding::problem(
            AREA,
            format!("{} programs seal under another key", key.programs),
            "restart them: they do not open what others seal",
        ));
    }
    if !key.devices.is_empty() {
        found.push(Finding::warning(
            AREA,
            format!("devices were enrolled under a former key: {}", key.devices.join(", ")),
            "enrol them again before the former key is retired",
        ));
    }
    found
}
