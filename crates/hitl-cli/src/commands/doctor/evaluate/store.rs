//! The store: kind, schema, room, clock. Pure.

use std::time::Duration;

use hitl_store::{StoreIdentity, StoreInspection};

use super::super::facts::{FileFacts, Opened, StoreFacts};
use super::super::finding::Finding;

const AREA: &str = "store";
/// Less than this is free: the next write may fail.
const NO_ROOM: u64 = 64 * 1024 * 1024;
/// Less than this is free: soon.
const LITTLE_ROOM: u64 = 1024 * 1024 * 1024;
/// A log that is longer than this does not shrink: something keeps reading an old state of it.
const LONG_LOG: u64 = 256 * 1024 * 1024;
/// By how much the clock may be behind.
const SKEW: Duration = Duration::from_secs(5);

pub(super) fn findings(store: &StoreFacts) -> Vec<Finding> {
    let place = &store.place;
    let inspection = match &store.inspection {
        Ok(inspection) => inspection,
        Err(why) => {
            let advice = "check --db, and that this user may read it";
            let found = Finding::problem(AREA, format!("{place}: {why}"), advice);
            return vec![found.that_prevents_decisions()];
        }
    };
    let mut found = vec![identity(place, inspection)];
    if !inspection.takes_writes {
        let advice = "let this user write it, and look whether its disk is read-only";
        let problem = Finding::problem(AREA, "it cannot be written", advice);
        found.push(problem.that_prevents_decisions());
    }
    if let Opened::Failed(why) = &store.opened {
        let problem = Finding::problem(AREA, format!("it does not open: {why}"), "see the message");
        found.push(problem.that_prevents_decisions());
    }
    found.extend(store.file.as_ref().map(file).into_iter().flatten());
    found.extend(clock(store, inspection));
    found
}

fn identity(place: &str, found: &StoreInspection) -> Finding {
    let newest = found.newest_schema;
    let program = env!("CARGO_PKG_VERSION");
    let problem = match (found.identity, &found.state) {
        (StoreIdentity::Store { schema }, Some(state)) if state.begins_new_epoch => {
            return Finding::warning(
                AREA,
                format!("{place}: schema {schema}, a backup or an older copy of itself"),
                "the first program that opens it asks again about everything that waits or was \
                 approved; if that is not wanted, put the newest file back",
            );
        }
        (StoreIdentity::Store { schema }, _) if schema == newest => {
            return Finding::ok(
                AREA,
                format!("{place}: schema {schema}, as hitl {program} has it"),
            );
        }
        (StoreIdentity::Store { schema }, _) if schema < newest => {
            return Finding::warning(
                AREA,
                format!(
                    "{place}: schema {schema}, older than that of hitl {program}: {newest}; \
                     nothing inside was looked at"
                ),
                "back it up; the first program of this version that opens it migrates it",
            );
        }
        (StoreIdentity::Store { schema }, _) => Finding::problem(
            AREA,
            format!("{place}: schema {schema}, newer than that of hitl {program}: {newest}"),
            "use the version of hitl that wrote it",
        ),
        (StoreIdentity::Empty, _) => Finding::problem(
            AREA,
            format!("{place}: there is no store yet"),
            "the program with the tools creates it; check that --db names the same one",
        ),
        _ => Finding::problem(
            AREA,
            format!("{place}: it belongs to another program"),
            "check --db (and --schema)",
        ),
    };
    problem.that_prevents_decisions()
}

fn file(file: &FileFacts) -> Vec<Finding> {
    let mut found = Vec::new();
    if !file.folder_takes_files {
        let advice = "let this user create files in its folder: sessions, and the write-ahead log";
        let problem = Finding::problem(AREA, "its folder cannot be written", advice);
        found.push(problem.that_prevents_decisions());
    }
    if file.log_bytes > LONG_LOG {
        found.push(Finding::warning(
            AREA,
            format!("its write-ahead log takes {}", size(file.log_bytes)),
            "a program that reads an old state of it keeps it from shrinking: look for one that hangs",
        ));
    }
    found.push(match file.free_bytes {
        Some(free) if free < NO_ROOM => {
            let what = format!("{} are free on its disk", size(free));
            let problem = Finding::problem(AREA, what, "make room: the next decision may fail");
            problem.that_prevents_decisions()
        }
        Some(free) if free < LITTLE_ROOM => Finding::warning(
            AREA,
            format!("{} are free on its disk", size(free)),
            "make room, or erase what is old: docs/retention.md",
        ),
        Some(free) => Finding::ok(AREA, format!("{} are free on its disk", size(free))),
        None => Finding::warning(AREA, "this system does not say how much room there is", "look"),
    });
    found
}

fn clock(store: &StoreFacts, inspection: &StoreInspection) -> Option<Finding> {
    let last = inspection.state.as_ref()?.last_change?;
    let behind = last.saturating_duration_since(store.now);
    if behind > SKEW {
        return Some(Finding::warning(
            AREA,
            format!("the machine's clock is {} s behind the last change", behind.as_secs()),
            "set the clock right: until it has caught up, nothing becomes due or expires",
        ));
    }
    Some(Finding::ok(AREA, "the clock is past the last change"))
}

/// Renders a number of bytes.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut whole, mut unit) = (bytes, 0);
    while whole >= 10 * 1024 && unit + 1 < UNITS.len() {
        whole /= 1024;
        unit += 1;
    }
    format!("{whole} {}", UNITS[unit])
}
