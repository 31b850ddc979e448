//! `hitl show`: one call.

use hitl_core::RequestId;

use super::Output;
use crate::exit::Failure;
use crate::source::Source;
use crate::view::{Detail, card};

pub(super) async fn run(source: &Source, id: RequestId, output: &Output) -> Result<(), Failure> {
    let record = source.call(id).await?;
    let history = source.gate.history_of(&record.key().tenant, id).await?;
    let now = source.gate.now().await?;
    output.print(&Detail::of(&record, &history, now), || card(&record, &history, now))?;
    Ok(())
}
