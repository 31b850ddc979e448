//! `hitl stats`: how much waits, and what was decided.

use hitl_core::PageRequest;

use super::Output;
use crate::exit::Failure;
use crate::source::{Source, StoreSource};
use crate::view::{Decisions, Numbers, numbers_text};

pub(super) async fn run(source: &Source, output: &Output) -> Result<(), Failure> {
    let numbers = match source {
        Source::Store(store) => of_store(store).await?,
        Source::Console(console) => console.numbers()?,
    };
    output.print(&numbers, || numbers_text(&numbers))?;
    Ok(())
}

async fn of_store(source: &StoreSource) -> Result<Numbers, Failure> {
    let counts = source.gate.queue(source.viewer()).counts().await?;
    let mut decisions = Decisions::default();
    for tenant in source.tenants().await? {
        let mut page = PageRequest::all().limit(1000);
        loop {
            let records = source.gate.list(&tenant, page.clone()).await?;
            let Some(last) = records.last() else { break };
            page = page.after(last.id());
            for record in &records {
                decisions.add(record);
            }
        }
    }
    Ok(Numbers::of(&counts, decisions))
}
