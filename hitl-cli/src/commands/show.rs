//! `hitl show`: one call.

use hitl_core::RequestId;

use super::Output;
use crate::exit::Failure;
use crate::source::Source;
use crate::view::card_text;

pub(super) async fn run(source: &Source, id: RequestId, output: &Output) -> Result<(), Failure> {
    let card = match source {
        Source::Store(store) => store.card(&store.call(id).await?).await?,
        Source::Console(console) => console.card(id)?,
    };
    output.print(&card, || card_text(&card))?;
    Ok(())
}
