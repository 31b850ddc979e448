//! `hitl stats`: counts pending calls and past decisions.

use hitl_core::PageRequest;

use super::Output;
use crate::backend::{Backend, StoreBackend};
use crate::exit::Failure;
use crate::view::{OutcomeCounter, StatsReport, stats_text};

pub(super) async fn run(source: &Backend, output: &Output) -> Result<(), Failure> {
    let report = match source {
        Backend::Store(store) => from_store(store).await?,
        Backend::Console(console) => console.stats()?,
    };
    output.print(&report, || stats_text(&report, output.screen))?;
    Ok(())
}

async fn from_store(source: &StoreBackend) -> Result<StatsReport, Failure> {
    let scoped = source.gate.scoped_to(source.viewer());
    let counts = scoped.queue().counts().await?;
    let mut decisions = OutcomeCounter::default();
    for tenant in source.tenants().await? {
        let mut page = PageRequest::all().limit(1000);
        loop {
            let records = scoped.list(&tenant, page.clone()).await?;
            let Some(last) = records.last() else { break };
            page = page.after(last.id());
            for record in &records {
                decisions.add(record);
            }
        }
    }
    Ok(StatsReport::new(&counts, decisions))
}
