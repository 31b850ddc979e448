//! Reads what a console says.

use hitl_base::Timestamp;
use hitl_wire::queue::Count;

use super::facts::{ConsoleCounts, ConsoleFacts};
use crate::args::{BackendArgs, DoctorArgs};
use crate::backend::{Backend, ConsoleClient, TokenOwner};
use crate::exit::Failure;
use crate::person::answer_presence_at_console;

pub(super) async fn facts(
    backend: &BackendArgs,
    wanted: &DoctorArgs,
) -> Result<ConsoleFacts, Failure> {
    if !wanted.audit.is_empty() || wanted.policy.is_some() {
        let why = "files are checked on the host that has them: leave out --audit (HITL_AUDIT) and \
                   --policy, or name the store with --db";
        return Err(Failure::usage(why));
    }
    let Backend::Console(console) = Backend::open(backend, None).await? else {
        return Err(Failure::usage("name the console with --url"));
    };
    Ok(read(&console))
}

fn read(console: &ConsoleClient) -> ConsoleFacts {
    let owner = console.token_owner().map_err(|failure| failure.message);
    let presence = owner.as_ref().ok().map(|owner| answer_presence_at_console(owner.demand));
    let page = console.queue(&[("limit", "1".to_owned())]).map_err(|failure| failure.message);
    let some = |count: Count| (count.counted > 0).then(|| count.to_string());
    ConsoleFacts {
        owner: owner.map(|TokenOwner { name, demand }| (name, demand)),
        presence,
        tools: page.as_ref().map_or(0, |page| page.tools.len()),
        clock_skew: page.as_ref().map_or_else(
            |_| std::time::Duration::ZERO,
            |page| {
                let now = Timestamp::now();
                let ahead = page.now.saturating_duration_since(now);
                ahead.max(now.saturating_duration_since(page.now))
            },
        ),
        counts: page.map(|page| ConsoleCounts {
            pending: page.counts.all.to_string(),
            overdue: some(page.counts.overdue),
            approved: some(page.counts.approved),
            unknown: some(page.counts.unknown),
        }),
        policies: console.policies().map_err(|failure| failure.message),
    }
}
