//! `hitl show`: one call.

use hitl_core::{MaskSelection, RequestId, ReviewerIdentity, UncoveredCard};

use super::decide::{authenticate, require_person_at_console};
use super::{Output, check_audited};
use crate::args::{BackendArgs, DeciderArgs, IdArg};
use crate::backend::{Backend, ConsoleClient, StoreBackend};
use crate::exit::Failure;
use crate::person::Deed;
use crate::view::{Card, card_hints, card_text, uncovered_text};

pub(super) async fn run(
    source: &Backend,
    id: &IdArg<RequestId>,
    output: &Output,
) -> Result<(), Failure> {
    let card = match source {
        Backend::Store(store) => store.card(&store.call(id).await?).await?,
        Backend::Console(console) => console.card(id)?,
    };
    output.print_card(
        &card,
        || card_text(&card, output.screen),
        || card_hints(&card, &output.hint),
    )?;
    Ok(())
}

/// Shows a call with its masked values.
pub(super) async fn uncover(
    backend: &BackendArgs,
    id: &IdArg<RequestId>,
    who: &DeciderArgs,
    output: &Output,
) -> Result<(), Failure> {
    let source = Backend::open(backend, who.audit.as_deref()).await?;
    let card = match &source {
        Backend::Store(store) => {
            let card = store.card(&store.call(id).await?).await?;
            let by = authenticate(Deed::Answer, who, backend, store).await?;
            let uncovered = at_store(store, &card, by, who.audit.is_some()).await?;
            check_audited(store)?;
            uncovered
        }
        Backend::Console(console) => {
            ConsoleClient::refuse_name(who)?;
            require_person_at_console(console, Deed::Answer, who.code.as_deref())?;
            console.uncover(&console.card(id)?)?
        }
    };
    output.print_card(&card, || uncovered_text(&card, output.screen), String::new)?;
    Ok(())
}

/// Uncovers a call of a store. Only the audit records the uncovering, so there must be one.
pub(super) async fn at_store(
    store: &StoreBackend,
    card: &Card,
    by: ReviewerIdentity,
    is_audited: bool,
) -> Result<UncoveredCard, Failure> {
    if !is_audited {
        let why =
            "uncovering must be audited: name the folder of the audit log with --audit FOLDER";
        return Err(Failure::usage(why));
    }
    let uncovered = store.gate.uncover(&card.request, by, MaskSelection::All).await?;
    Ok(uncovered.card(card.now))
}
