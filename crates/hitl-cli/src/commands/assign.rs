//! `hitl assign`.

use hitl_base::Timestamp;
use hitl_core::Principal;
use hitl_wire::assignment::AssignedCall;

use super::decide::authenticate;
use super::{Output, check_audited};
use crate::args::{AssignArgs, BackendArgs};
use crate::backend::{Backend, ConsoleClient};
use crate::exit::Failure;
use crate::person::Deed;
use crate::view::assigned_text;

pub(super) async fn run(
    backend: &BackendArgs,
    wanted: AssignArgs,
    output: &Output,
) -> Result<(), Failure> {
    let to = wanted.to.as_deref().map(Principal::new);
    match Backend::open(backend, wanted.who.audit.as_deref()).await? {
        Backend::Store(store) => {
            let by = authenticate(Deed::Stop, &wanted.who, backend, &store).await?;
            let record = store.call(&wanted.id).await?;
            let tenant = record.key().tenant.clone();
            let assigned = store.gate.assign(&tenant, record.id(), to, by).await?;
            let away = store.gate.absences().await?;
            let call = hitl_wire::CallSummary::from(&assigned.record).with_absences(&away);
            let done = AssignedCall { call, notes: assigned.notes };
            output.print(&done, || assigned_text(&done, Timestamp::now()))?;
            check_audited(&store)
        }
        Backend::Console(console) => {
            ConsoleClient::refuse_name(&wanted.who)?;
            let done = console.assign(&wanted.id, to)?;
            Ok(output.print(&done, || assigned_text(&done, Timestamp::now()))?)
        }
    }
}
