//! `hitl stats`: counts pending calls, and says how calls were decided and how they ended.

use hitl_base::Timestamp;
use hitl_core::{CallState, PageRequest};
use hitl_wire::stats::StatsCounter;

use super::Output;
use crate::backend::{Backend, StoreBackend};
use crate::exit::Failure;
use crate::view::{PastReport, StatsReport, stats_text};

pub(super) async fn run(source: &Backend, output: &Output) -> Result<(), Failure> {
    let report = match source {
        Backend::Store(store) => from_store(store).await?,
        Backend::Console(console) => console.stats()?,
    };
    output.print(&report, || stats_text(&report, Timestamp::now(), output.screen))?;
    Ok(())
}

async fn from_store(source: &StoreBackend) -> Result<StatsReport, Failure> {
    let scoped = source.gate.scoped_to(source.viewer());
    let counts = scoped.queue().counts().await?;
    let (mut counter, mut oldest) = (StatsCounter::default(), None);
    for tenant in source.tenants().await? {
        let mut page = PageRequest::all().limit(1000);
        loop {
            let records = scoped.list(&tenant, page.clone()).await?;
            let Some(last) = records.last() else { break };
            page = page.after(last.id());
            for record in &records {
                counter.add(record);
                if record.state() == CallState::Pending {
                    let since = record.request().created_at;
                    oldest = Some(oldest.map_or(since, |oldest: Timestamp| oldest.min(since)));
                }
            }
        }
    }
    // Every kept call is counted.
    let past = PastReport::new(counter.finish(u32::MAX), None);
    Ok(StatsReport::new(&counts, oldest, past))
}
