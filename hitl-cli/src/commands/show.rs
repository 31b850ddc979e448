//! `hitl show`: one call.

use hitl_core::{Authority, MaskSelection, RequestId, UncoveredCard};

use super::decide::{known, require_person_over_a_console};
use super::{Output, audited};
use crate::arguments::{Place, Who};
use crate::exit::Failure;
use crate::person::Deed;
use crate::source::{Console, Source, StoreSource};
use crate::view::{Card, card_text, uncovered_text};

pub(super) async fn run(source: &Source, id: RequestId, output: &Output) -> Result<(), Failure> {
    let card = match source {
        Source::Store(store) => store.card(&store.call(id).await?).await?,
        Source::Console(console) => console.card(id)?,
    };
    output.print_card(&card, || card_text(&card))?;
    Ok(())
}

/// Shows a call with what redaction masks in it.
pub(super) async fn uncover(
    place: &Place,
    id: RequestId,
    who: &Who,
    output: &Output,
) -> Result<(), Failure> {
    let source = Source::open(place, who.audit.as_deref()).await?;
    let card = match &source {
        Source::Store(store) => {
            let card = store.card(&store.call(id).await?).await?;
            let by = known(Deed::Answer, who, place, store).await?;
            let uncovered = at_store(store, &card, by, who.audit.is_some()).await?;
            audited(store)?;
            uncovered
        }
        Source::Console(console) => {
            Console::anonymous(who)?;
            require_person_over_a_console(console, Deed::Answer, who.code.as_deref())?;
            console.uncover(&console.card(id)?)?
        }
    };
    output.print_card(&card, || uncovered_text(&card))?;
    Ok(())
}

/// Uncovers a call of a store. Its audit is the only place that says so, so there must be one.
pub(super) async fn at_store(
    store: &StoreSource,
    card: &Card,
    by: Authority,
    is_audited: bool,
) -> Result<UncoveredCard, Failure> {
    if !is_audited {
        let why = "what is masked is uncovered only where that is audited: name the folder of the \
                   audit log, --audit FOLDER";
        return Err(Failure::usage(why));
    }
    let uncovered = store.gate.uncover(&card.request, by, MaskSelection::All).await?;
    Ok(uncovered.card(card.now))
}
