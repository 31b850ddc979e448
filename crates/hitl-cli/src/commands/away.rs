//! `hitl away` and `hitl back`.

use hitl_core::Principal;
use hitl_core::gate::AbsenceSetter;
use hitl_wire::assignment::{AbsenceList, AbsenceSummary, AwayBody};

use super::allow::moment;
use super::decide::authenticate;
use super::{Output, check_audited};
use crate::args::{AwayArgs, BackArgs, BackendArgs};
use crate::backend::{Backend, ConsoleClient, StoreBackend};
use crate::exit::Failure;
use crate::person::Deed;
use crate::view::absences_text;

pub(super) async fn away(
    backend: &BackendArgs,
    wanted: AwayArgs,
    output: &Output,
) -> Result<(), Failure> {
    let source = Backend::open(backend, wanted.who.audit.as_deref()).await?;
    let deputy = wanted.deputy.as_deref().map(Principal::new);
    let list = match (&source, wanted.until) {
        (Backend::Store(store), None) => list(store).await?,
        (Backend::Console(console), None) => console.absences()?,
        (Backend::Store(store), Some(until)) => {
            let by = authenticate(Deed::Stop, &wanted.who, backend, store).await?;
            let who = wanted.reviewer.as_deref().map_or(by.principal.clone(), Principal::new);
            let until = moment(until, store.gate.now().await?);
            store.gate.away(who, until, deputy, AbsenceSetter::Operator(by)).await?;
            list(store).await?
        }
        (Backend::Console(console), Some(until)) => {
            refuse_others(&wanted.who, wanted.reviewer.as_deref())?;
            let until = moment(until, hitl_base::Timestamp::now());
            console.set_absence(&AwayBody { until, deputy })?
        }
    };
    finish(&source, &list, output)
}

pub(super) async fn back(
    backend: &BackendArgs,
    wanted: BackArgs,
    output: &Output,
) -> Result<(), Failure> {
    let source = Backend::open(backend, wanted.who.audit.as_deref()).await?;
    let list = match &source {
        Backend::Store(store) => {
            let by = authenticate(Deed::Stop, &wanted.who, backend, store).await?;
            let who = wanted.reviewer.as_deref().map_or(by.principal.clone(), Principal::new);
            store.gate.back(who, AbsenceSetter::Operator(by)).await?;
            list(store).await?
        }
        Backend::Console(console) => {
            refuse_others(&wanted.who, wanted.reviewer.as_deref())?;
            console.end_absence()?
        }
    };
    finish(&source, &list, output)
}

fn refuse_others(who: &crate::args::DeciderArgs, reviewer: Option<&str>) -> Result<(), Failure> {
    ConsoleClient::refuse_name(who)?;
    if reviewer.is_some() {
        let why = "over a console reviewers set their own absence: leave out --reviewer";
        return Err(Failure::usage(why));
    }
    Ok(())
}

async fn list(store: &StoreBackend) -> Result<AbsenceList, Failure> {
    let away = store.gate.absences().await?;
    Ok(AbsenceList { away: away.iter().map(AbsenceSummary::from).collect() })
}

fn finish(source: &Backend, list: &AbsenceList, output: &Output) -> Result<(), Failure> {
    output.print(list, || absences_text(list))?;
    match source {
        Backend::Store(store) => check_audited(store),
        Backend::Console(_) => Ok(()),
    }
}
