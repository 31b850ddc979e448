//! `hitl break-glass`: in an emergency, calls of a tool run without the people who would be asked.

use hitl_core::approval::DecisionChannel;
use hitl_core::grant::BreakGlassOrder;
use hitl_core::{Principal, QueueQuery, Tenant};
use hitl_wire::GrantSummary;

use super::decide::authenticate;
use super::{Output, check_audited};
use crate::args::{BackendArgs, BreakGlassArgs};
use crate::backend::{Backend, StoreBackend};
use crate::exit::Failure;
use crate::person::Deed;
use crate::view::{CallLine, GrantResult, grant_result_text};

/// The number of waiting calls that are looked at for the principal.
const PAGE: usize = 200;

pub(super) async fn run(
    backend: &BackendArgs,
    wanted: BreakGlassArgs,
    output: &Output,
) -> Result<(), Failure> {
    let Some(folder) = &wanted.who.audit else {
        let why = "breaking the glass must be audited: name the folder of the audit log with \
                   --audit FOLDER";
        return Err(Failure::usage(why));
    };
    let Backend::Store(store) = Backend::open(backend, Some(folder)).await? else {
        return Err(Failure::usage("the glass is broken at a store: give --db instead of --url"));
    };
    let by = authenticate(Deed::Loosen, &wanted.who, backend, &store).await?;
    let (tenant, principal) = whose(&store, backend, &wanted).await?;
    let mut order = BreakGlassOrder::new(&wanted.tool, principal)
        .tenant(tenant)
        .lasting(wanted.lasting)
        .uses(wanted.uses)
        .because(&wanted.reason)
        .through(DecisionChannel::COMMAND_LINE)
        .by(by);
    if let Some(run) = &wanted.run {
        order = order.run(run.as_str());
    }
    if let Some(sum) = wanted.sum {
        order = order.sum(sum);
    }
    let given = store.gate.break_glass(order).await?;
    let now = store.gate.now().await?;
    let result = GrantResult {
        grant: GrantSummary::new(&given.record, now),
        allowed: given.allowed.iter().map(CallLine::from).collect(),
    };
    output.print_folded(&result, || grant_result_text(&result, now))?;
    let id = given.record.id().to_string();
    output.suggest("to end it", &["revoke", &id, "--reason", "REASON"])?;
    check_audited(&store)
}

/// Returns whose calls may run: those of the principal that was named, in the only tenant that was,
/// or those of the only one whose calls of the tool wait.
async fn whose(
    store: &StoreBackend,
    backend: &BackendArgs,
    wanted: &BreakGlassArgs,
) -> Result<(Tenant, Principal), Failure> {
    let named = wanted.principal.as_deref().map(Principal::new);
    let tenant = match backend.tenant.as_slice() {
        [] => None,
        [one] => Some(Tenant::new(one.as_str())),
        _ => return Err(Failure::usage("the glass is broken for one tenant: give one --tenant")),
    };
    if let (Some(principal), Some(tenant)) = (&named, &tenant) {
        return Ok((tenant.clone(), principal.clone()));
    }
    let mut query = QueueQuery::pending().tool(&*wanted.tool).limit(PAGE);
    if let Some(run) = &wanted.run {
        query = query.run(run.as_str());
    }
    let page = store.gate.scoped_to(store.viewer()).queue().page(query).await?;
    let mut waiting: Vec<_> = page
        .entries
        .iter()
        .map(|call| (call.key().tenant.clone(), call.request().principal.clone()))
        .filter(|(_, principal)| named.as_ref().is_none_or(|named| named == principal))
        .collect();
    waiting.sort();
    waiting.dedup();
    match (waiting.as_slice(), named) {
        ([one], _) if page.next.is_none() => Ok(one.clone()),
        ([], Some(principal)) => Ok((Tenant::default(), principal)),
        (_, None) => Err(Failure::usage("say whose calls may run: --principal NAME")),
        _ => Err(Failure::usage("say in which tenant: --tenant NAME")),
    }
}
