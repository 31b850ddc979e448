//! `hitl take-back`: takes an approval back before its call starts.

use hitl_core::RequestId;
use hitl_wire::decision::TakeBackBody;

use super::decide::authenticate;
use super::{Output, check_audited};
use crate::args::{BackendArgs, DeciderArgs, IdArg};
use crate::backend::{Backend, ConsoleClient};
use crate::exit::Failure;
use crate::person::Deed;
use crate::view::CallLine;

pub(super) async fn run(
    backend: &BackendArgs,
    id: &IdArg<RequestId>,
    who: &DeciderArgs,
    output: &Output,
) -> Result<(), Failure> {
    match Backend::open(backend, who.audit.as_deref()).await? {
        Backend::Store(store) => {
            let by = authenticate(Deed::Stop, who, backend, &store).await?;
            let record = store.call(id).await?;
            let record = store.gate.take_back(record.request(), by).await?;
            let line = CallLine::from(&record);
            output.print_result(&line)?;
            check_audited(&store)
        }
        Backend::Console(console) => {
            ConsoleClient::refuse_name(who)?;
            let card = console.card(id)?;
            let (revision, binding) = (card.request.revision, card.request.binding);
            let line = console.take_back(card.request.id, &TakeBackBody { revision, binding })?;
            Ok(output.print_result(&line)?)
        }
    }
}
