//! `hitl watch`: follows changes of calls.

use hitl_base::display::visible;
use hitl_core::GateEvent;

use super::Output;
use crate::backend::{Backend, StoreBackend};
use crate::exit::Failure;
use crate::view::{Change, ChangeEntry};

pub(super) async fn run(
    source: &Backend,
    after: Option<String>,
    count: Option<u64>,
    output: &Output,
) -> Result<(), Failure> {
    if count == Some(0) {
        return Ok(());
    }
    let from = match &after {
        Some(place) => format!("after {}", visible(place)),
        None => "from now on".to_owned(),
    };
    output.note(&format!("following changes of calls {from}; Ctrl-C ends it"))?;
    let mut printed = 0;
    let print = |change: Change| {
        printed += u64::from(matches!(change, Change::Changed { .. }));
        output.print_folded(&change, || change.text())?;
        Ok(count.is_none_or(|count| printed < count))
    };
    match source {
        Backend::Store(store) => from_store(store, after, print).await,
        Backend::Console(console) => console.watch(after, print),
    }
}

async fn from_store(
    source: &StoreBackend,
    after: Option<String>,
    mut print: impl FnMut(Change) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let after = match after.map(|after| after.parse()) {
        Some(Ok(after)) => after,
        Some(Err(_)) => return Err(Failure::usage("--after takes a number, of a store")),
        None => source.gate.unscoped().last_history_seq().await?,
    };
    let mut events = source.gate.scoped_to(source.viewer()).events(after);
    loop {
        let change = match events.next().await? {
            GateEvent::Changed { number, entry } => {
                Change::Changed { place: number.to_string(), entry: ChangeEntry::new(&entry) }
            }
            GateEvent::Gap { after } => Change::Gap { after: after.to_string() },
            _ => continue,
        };
        if !print(change)? {
            return Ok(());
        }
    }
}
