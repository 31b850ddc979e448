//! `hitl watch`: what happens, as it happens.

use hitl_core::GateEvent;

use super::Output;
use crate::exit::Failure;
use crate::source::{Source, StoreSource};
use crate::view::{Change, Moved};

pub(super) async fn run(
    source: &Source,
    after: Option<String>,
    count: Option<u64>,
    output: &Output,
) -> Result<(), Failure> {
    if count == Some(0) {
        return Ok(());
    }
    let mut told = 0;
    let tell = |change: Change| {
        told += u64::from(matches!(change, Change::Changed { .. }));
        output.print(&change, || change.text())?;
        Ok(count.is_none_or(|count| told < count))
    };
    match source {
        Source::Store(store) => of_store(store, after, tell).await,
        Source::Console(console) => console.watch(after, tell),
    }
}

async fn of_store(
    source: &StoreSource,
    after: Option<String>,
    mut tell: impl FnMut(Change) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let after = match after.map(|after| after.parse()) {
        Some(Ok(after)) => after,
        Some(Err(_)) => return Err(Failure::usage("--after takes a number, of a store")),
        None => source.gate.last_history_seq().await?,
    };
    let mut events = source.gate.events(source.viewer(), after);
    loop {
        let change = match events.next().await? {
            GateEvent::Changed { number, entry } => {
                Change::Changed { place: number.to_string(), entry: Moved::of(&entry) }
            }
            GateEvent::Gap { after } => Change::Gap { after: after.to_string() },
            _ => continue,
        };
        if !tell(change)? {
            return Ok(());
        }
    }
}
