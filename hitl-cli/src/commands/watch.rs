//! `hitl watch`: what happens, as it happens.

use hitl_core::Happening;

use super::Output;
use crate::exit::Failure;
use crate::source::Source;
use crate::view::{Change, change_line};

pub(super) async fn run(
    source: &Source,
    after: Option<u64>,
    count: Option<u64>,
    output: &Output,
) -> Result<(), Failure> {
    let after = match after {
        Some(after) => after,
        None => source.gate.history_end().await?,
    };
    let mut events = source.gate.events(source.viewer(), after);
    let mut told = 0;
    while count.is_none_or(|count| told < count) {
        match events.next().await? {
            Happening::Changed { number, entry } => {
                told += 1;
                let change = Change::Changed { number, entry: &entry };
                output.print(&change, || change_line(number, &entry) + "\n")?;
            }
            Happening::Gap { after } => {
                let text = format!("what happened after {after} is no longer kept\n");
                output.print(&Change::Gap { after }, || text)?;
            }
            _ => {}
        }
    }
    Ok(())
}
