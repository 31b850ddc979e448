//! `hitl erase`: erases the contents of ended calls, in the store and in the audit.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use hitl_base::Timestamp;
use hitl_core::audit::ErasableLog;
use hitl_core::{ErasureReport, ErasureScope, JsonlAudit, Principal, RequestId, Tenant};
use serde::Serialize;

use super::decide::authenticate;
use super::{Output, check_audited};
use crate::args::{BackendArgs, DeciderArgs, IdArg, short_id};
use crate::backend::{Backend, StoreBackend};
use crate::exit::{Exit, Failure};
use crate::person::Deed;

#[derive(Debug, Args)]
pub(crate) struct EraseArgs {
    #[command(flatten)]
    pub(crate) what: ScopeArgs,
    /// Why: a deletion request, a retention rule. It is kept in the audit, so it must name nobody.
    #[arg(long)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) who: DeciderArgs,
}

/// The scope of an erasure: one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ScopeArgs {
    /// The call's id, or the beginning or the end of it.
    pub(crate) id: Option<IdArg<RequestId>>,
    /// Everything that has ended and was asked for in this name, in the tenant that --tenant names.
    #[arg(long, value_name = "NAME")]
    pub(crate) principal: Option<String>,
    /// Everything that ended before then, like 2026-01-31T00:00:00Z, in all tenants.
    #[arg(long, value_name = "MOMENT")]
    pub(crate) ended_before: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EraseReport {
    /// The number of calls that were reduced to a tombstone.
    calls: u64,
    grants: u64,
    /// The number of lines of the audit whose content was erased.
    lines: u64,
    left: Vec<KeptCall>,
    more_left: u64,
    /// The number of lines of the audit that stay, because it is not known that they may be erased.
    lines_left: u64,
    /// Audit files that another process has open: their records of erased calls are still there.
    open_files: Vec<PathBuf>,
    /// Other parts of the audit that cannot be erased.
    audit_left: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeptCall {
    id: RequestId,
    why: String,
}

pub(super) async fn run(
    backend: &BackendArgs,
    wanted: EraseArgs,
    output: &Output,
) -> Result<(), Failure> {
    let Some(folder) = wanted.who.audit.clone() else {
        let why = "an erasure must be audited, and erases in the audit too: name the folder of the audit log \
                   with --audit FOLDER";
        return Err(Failure::usage(why));
    };
    if wanted.reason.trim().is_empty() {
        return Err(Failure::usage("give a reason: --reason"));
    }
    let Backend::Store(store) = Backend::open(backend, Some(&folder)).await? else {
        return Err(Failure::usage("calls are erased in a store: give --db instead of --url"));
    };
    let by = authenticate(Deed::Loosen, &wanted.who, backend, &store).await?;
    let scope = scope(&wanted, backend, &store).await?;
    let (logs, open_files) = others(&folder, store.audit_file.as_deref())?;
    let logs: Vec<Arc<dyn ErasableLog>> =
        logs.into_iter().map(|log| Arc::new(log) as Arc<dyn ErasableLog>).collect();
    let report = store.gate.erase(&scope, &wanted.reason, by, &logs).await?;
    let erased = EraseReport::new(report, open_files);
    output.print_folded(&erased, || text(&erased))?;
    check_audited(&store)?;
    if !erased.open_files.is_empty() {
        let why = "the store has erased, and audit files that other processes have open still say what \
                   was erased; erase the same once more when they are closed, or let those processes \
                   do it";
        return Err(Failure::new(Exit::Unaudited, why));
    }
    if !erased.audit_left.is_empty() {
        let why = "the store has erased, and a part of the audit that lines cannot be erased in still \
                   says what was erased; erase it there yourself";
        return Err(Failure::new(Exit::Unaudited, why));
    }
    Ok(())
}

/// Builds the scope that the command line names.
async fn scope(
    wanted: &EraseArgs,
    backend: &BackendArgs,
    store: &StoreBackend,
) -> Result<ErasureScope, Failure> {
    if let Some(id) = &wanted.what.id {
        let record = store.call(id).await?;
        return Ok(ErasureScope::Call { tenant: record.key().tenant.clone(), id: record.id() });
    }
    if let Some(moment) = wanted.what.ended_before {
        return Ok(ErasureScope::EndedBefore(moment));
    }
    let name = wanted.what.principal.clone().unwrap_or_default();
    if name.trim().is_empty() {
        return Err(Failure::usage("name a call, --principal NAME or --ended-before MOMENT"));
    }
    Ok(ErasureScope::Principal { tenant: one_tenant(backend)?, principal: Principal::new(name) })
}

/// Returns the one tenant of the command line: the same name in another tenant may be another
/// person.
pub(super) fn one_tenant(backend: &BackendArgs) -> Result<Tenant, Failure> {
    match backend.tenant.as_slice() {
        [] => Ok(Tenant::default()),
        [one] => Ok(Tenant::new(one.as_str())),
        _ => Err(Failure::usage("name one tenant: --tenant NAME")),
    }
}

/// Returns the other chains in the folder, and those that another process has open.
fn others(folder: &Path, own: Option<&Path>) -> Result<(Vec<JsonlAudit>, Vec<PathBuf>), Failure> {
    let (mut free, mut open) = (Vec::new(), Vec::new());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| Failure::file(folder, &error))? {
        paths.push(entry.map_err(|error| Failure::file(folder, &error))?.path());
    }
    paths.sort();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name
            .and_then(|name| name.strip_prefix("audit-"))
            .and_then(|rest| rest.strip_suffix(".jsonl"));
        let is_log = number.is_some_and(|number| number.parse::<u32>().is_ok());
        if !is_log || own == Some(path.as_path()) {
            continue;
        }
        match JsonlAudit::open(&path) {
            Ok(log) => free.push(log),
            Err(error) if error.is_in_use() => open.push(path),
            Err(error) => return Err(Failure::new(Exit::Failed, error.to_string())),
        }
    }
    Ok((free, open))
}

impl EraseReport {
    fn new(report: ErasureReport, open_files: Vec<PathBuf>) -> Self {
        let left = report.left.into_iter();
        Self {
            calls: report.calls,
            grants: report.grants,
            lines: report.lines,
            left: left.map(|(id, why)| KeptCall { id, why: why.to_string() }).collect(),
            more_left: report.more_left,
            lines_left: report.lines_left,
            open_files,
            audit_left: report.audit_left,
        }
    }
}

fn text(erased: &EraseReport) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "erased: {} calls, {} grants, {} lines of the audit",
        erased.calls, erased.grants, erased.lines
    );
    for KeptCall { id, why } in &erased.left {
        let _ = writeln!(out, "left {}: {why}", short_id(id));
    }
    if erased.more_left > 0 {
        let _ = writeln!(out, "and {} more were left", erased.more_left);
    }
    if erased.lines_left > 0 {
        let _ = writeln!(
            out,
            "left {} lines of the audit: their call is not in this store, or they do not say of which \
             tenant they are",
            erased.lines_left
        );
    }
    for part in &erased.audit_left {
        let _ = writeln!(out, "not erased: {}", hitl_base::display::visible(part));
    }
    for file in &erased.open_files {
        let name = hitl_base::display::visible(&file.display().to_string()).into_owned();
        let _ = writeln!(out, "open elsewhere, not erased: {name}");
    }
    out
}
