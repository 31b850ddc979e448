//! `hitl key`: the host key of a store is replaced by a new one, step by step.

use std::fmt::Write as _;
use std::path::Path;

use clap::Subcommand;
use hitl_base::display::visible;
use hitl_core::{KeyId, Principal};
use hitl_store::SqliteStore;
use serde::Serialize;

use super::{Output, named};
use crate::args::BackendArgs;
use crate::backend::{Backend, StoreBackend};
use crate::exit::{Exit, Failure};
use crate::person::{CodeDesk, CodeSource, Deed, require_person};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Show which key seals, and how much is still sealed under others.
    Status,
    /// Make a new key the current one, in the key file beside an SQLite store. Restart the programs
    /// that have the store open afterwards: until then they do not open what others seal.
    Rotate(PersonArgs),
    /// Seal under the current key what is sealed under others. Programs continue meanwhile. May be
    /// interrupted, and continues when it is run again.
    Reseal(PersonArgs),
    /// Forget the former keys, once nothing is sealed under them: of an SQLite store also in the
    /// key file beside it.
    Retire(PersonArgs),
}

/// Who does it.
#[derive(Debug, clap::Args)]
pub(crate) struct PersonArgs {
    /// Who does it. Default: the operating system's user.
    #[arg(long = "as", env = "HITL_APPROVER", value_name = "NAME")]
    name: Option<String>,
    /// A one-time code, of a device or printed.
    #[arg(long, env = "HITL_CODE", hide_env_values = true, value_name = "CODE")]
    code: Option<String>,
}

/// The output of `hitl key`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyReport {
    /// The id of the key that seals.
    current: Option<String>,
    /// The ids of the other given keys.
    previous: Vec<String>,
    /// The number of texts that are sealed under each other key.
    others: Vec<OtherKey>,
    /// The number of other programs that seal under a key other than the current one.
    programs: u64,
    /// People whose device was enrolled under a former key.
    devices: Vec<String>,
    /// The number of texts that were just sealed under the current key.
    #[serde(skip_serializing_if = "Option::is_none")]
    resealed: Option<u64>,
    /// The number of texts that none of the given keys opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<u64>,
}

#[derive(Debug, Serialize)]
struct OtherKey {
    /// `None` for texts of versions that did not record the key.
    key: Option<String>,
    texts: u64,
}

pub(super) async fn run(
    backend: &BackendArgs,
    command: KeyCommand,
    output: &Output,
) -> Result<(), Failure> {
    let Backend::Store(store) = Backend::open(backend, None).await? else {
        return Err(Failure::usage("keys are of a store: give --db instead of --url"));
    };
    match command {
        KeyCommand::Status => {
            let keys = keys(&store).await?;
            Ok(output.print_folded(&keys, || text(&keys))?)
        }
        KeyCommand::Rotate(person) => {
            let path = key_file_of(backend)?;
            permitted(&store, &person).await?;
            let new = SqliteStore::rotate_key_file(path)?;
            let said = KeyReport { current: Some(new.to_string()), ..KeyReport::default() };
            Ok(output.print_folded(&said, || rotated(new))?)
        }
        KeyCommand::Reseal(person) => {
            permitted(&store, &person).await?;
            // Those programs could not open newly sealed texts, and would continue to seal under
            // the former key.
            refuse_programs(store.store.sessions_under_other_keys().await?)?;
            let done = store.gate.reseal().await?;
            let keys = KeyReport {
                resealed: Some(done.resealed),
                unreadable: Some(done.unreadable),
                ..keys(&store).await?
            };
            output.print_folded(&keys, || text(&keys))?;
            if done.left == 0 {
                return Ok(());
            }
            let why = format!(
                "{} texts are still sealed under another key, {} of which none of the keys opens; \
                 the former keys cannot be retired",
                done.left, done.unreadable
            );
            Err(Failure::new(Exit::Found, why))
        }
        KeyCommand::Retire(person) => {
            permitted(&store, &person).await?;
            let keys = keys(&store).await?;
            refuse_programs(keys.programs)?;
            refuse_devices(&keys.devices)?;
            store.gate.retire_keys().await?;
            if is_sqlite(backend) && backend.key_file.is_none() {
                forget(backend).await?;
            }
            let left = KeyReport { previous: Vec::new(), ..keys };
            Ok(output.print_folded(&left, || retired(&left))?)
        }
    }
}

/// Removes the former keys from the file.
async fn forget(backend: &BackendArgs) -> Result<(), Failure> {
    let path = key_file_of(backend)?;
    let store = SqliteStore::open(path).await?;
    Ok(store.retire_key_file().await?)
}

async fn keys(store: &StoreBackend) -> Result<KeyReport, Failure> {
    let given = store.store.host_keys();
    let ids = |key: &hitl_core::HostKey| key.id().to_string();
    let uses = store.gate.key_uses().await?;
    let others =
        uses.iter().map(|it| OtherKey { key: it.key.map(|key| key.to_string()), texts: it.texts });
    Ok(KeyReport {
        current: given.as_ref().map(|keys| ids(keys.current())),
        previous: given.iter().flat_map(|keys| keys.previous().iter().map(ids)).collect(),
        others: others.collect(),
        programs: store.store.sessions_under_other_keys().await?,
        devices: store.gate.people().devices_of_former_keys().await?,
        resealed: None,
        unreadable: None,
    })
}

/// Verifies that a person replaces or retires the key.
async fn permitted(store: &StoreBackend, person: &PersonArgs) -> Result<(), Failure> {
    let principal = Principal::new(named(person.name.clone())?);
    let desk = CodeDesk::new(store);
    let code = person.code.as_deref();
    require_person(Deed::Loosen, &principal, code, CodeSource::Desk(&desk)).await.map(drop)
}

fn refuse_programs(programs: u64) -> Result<(), Failure> {
    if programs == 0 {
        return Ok(());
    }
    let why = format!(
        "{programs} programs that have the store open seal under another key: restart them with \
         the current one first; nothing was done"
    );
    Err(Failure::new(Exit::Refused, why))
}

fn refuse_devices(devices: &[String]) -> Result<(), Failure> {
    if devices.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = devices.iter().map(|name| visible(name).into_owned()).collect();
    let why = format!(
        "the devices of {} were enrolled under a former key and would show no right code any \
         more: enrol them again first (`hitl person enroll`), or remove them; nothing was done",
        names.join(", ")
    );
    Err(Failure::new(Exit::Refused, why))
}

fn is_sqlite(backend: &BackendArgs) -> bool {
    backend.db.as_deref().is_some_and(|db| !db.contains("://"))
}

/// Returns the path of the store whose key file is beside it.
fn key_file_of(backend: &BackendArgs) -> Result<&Path, Failure> {
    match &backend.db {
        Some(db) if is_sqlite(backend) && backend.key_file.is_none() => Ok(Path::new(db)),
        _ => Err(Failure::usage(
            "only the key file beside an SQLite store is changed by this program; a key that the \
             host keeps itself is replaced where it is kept: see \"Rotating the host key\" in \
             docs/operations-postgres.md",
        )),
    }
}

fn text(keys: &KeyReport) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "current key   {}", keys.current.as_deref().unwrap_or("none"));
    for key in &keys.previous {
        let _ = writeln!(out, "previous key  {key}");
    }
    if let Some(resealed) = keys.resealed {
        let _ = writeln!(out, "{resealed} texts were sealed under the current key");
    }
    for OtherKey { key, texts } in &keys.others {
        let key = key.as_deref().unwrap_or("a key that older versions did not name");
        let _ = writeln!(out, "{texts} texts are sealed under {key}");
    }
    if keys.others.is_empty() {
        out.push_str("nothing is sealed under another key than the current one\n");
    }
    if keys.programs > 0 {
        let _ = writeln!(out, "{} programs seal under another key: restart them", keys.programs);
    }
    for name in &keys.devices {
        let _ = writeln!(out, "{} enrolled a device under a former key", visible(name));
    }
    out
}

fn rotated(new: KeyId) -> String {
    format!(
        "the current key is {new} now; copy the key file to where you keep it\n\
         next: restart the programs that have the store open, then `hitl key reseal`, then `hitl \
         key retire`\n"
    )
}

fn retired(left: &KeyReport) -> String {
    let current = left.current.as_deref().unwrap_or("none");
    format!(
        "{current} is the only key now; keep the former one only as long as backups of before\n"
    )
}
