//! `hitl resolve`: how a call ended whose outcome was not known.

use hitl_core::{CallState, Resolution};

use super::decide::authority;
use super::{Output, audited, terminal};
use crate::arguments::{Found, Place, ResolveArguments};
use crate::exit::{Exit, Failure};
use crate::look::{self, Look};
use crate::source::Source;
use crate::view::{CallLine, card, state_line};

pub(super) async fn run(
    place: &Place,
    wanted: ResolveArguments,
    output: &Output,
) -> Result<(), Failure> {
    let by = authority(&wanted.who, place)?;
    let resolution = resolution(wanted.found, wanted.attest);
    let source = Source::open(place, wanted.who.audit.as_deref()).await?;
    let record = source.call(wanted.id).await?;
    if record.state != CallState::OutcomeUnknown {
        let why = format!("its outcome is not open: {}", state_line(&record));
        return Err(Failure::new(Exit::Changed, why));
    }
    let look = look::at_version(wanted.version, record.version, terminal::audience())?;
    if look == Look::Ask {
        let history = source.gate.history_of(&record.key().tenant, wanted.id).await?;
        let card = card(&record, &history, source.gate.now().await?);
        let answer = terminal::ask(&card, "Settle this call? [y/N]")?;
        if !terminal::is_yes(&answer) {
            return Err(terminal::declined());
        }
    }
    let record = source.gate.resolve(&record, resolution, by).await?;
    output.print(&CallLine::of(&record), || state_line(&record) + "\n")?;
    audited(&source)
}

/// The command line gives exactly one of them.
fn resolution(found: Found, attested: bool) -> Resolution {
    match found.failed {
        Some(reason) => Resolution::Failed { reason },
        None if found.retry => Resolution::Retry { attested },
        None => Resolution::Executed,
    }
}
