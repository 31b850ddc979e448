//! The scratch store of the same kind as the given one. The given store is never opened.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use hitl_base::clock::Clock;
use hitl_base::{hex, owner_only};
use hitl_core::store::Store;
use hitl_core::{HostKey, StoreError};
use hitl_store::SqliteStore;

use crate::commands::folder::TemporaryFolder;
use crate::exit::{Exit, Failure};

/// Where the scratch store is.
#[derive(Debug)]
enum Place {
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres(hitl_store::ScratchSchema),
}

/// A scratch store: its place, its key, and the folder for everything beside it.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    /// Removed with this value; `None` in the processes that the trials start.
    _owned: Option<TemporaryFolder>,
    place: Place,
    key: HostKey,
}

/// What the folder is for, in its name.
const PURPOSE: &str = "verify";
/// The name of the key's file in the folder, and of the file that names a schema.
const KEY: &str = "scratch.key";
const SCHEMA: &str = "schema";

impl Scratch {
    /// Creates a scratch store of the kind of the store at `db`.
    pub(super) async fn create(db: Option<&str>) -> Result<Self, Failure> {
        let key = HostKey::generate().map_err(failed)?;
        let file = db.filter(|db| !db.contains("://")).map(Path::new);
        if let Some(path) = file {
            // The file has to be there: a scratch store beside nothing tries another configuration.
            fs::metadata(path).map_err(|error| Failure::file(path, &error))?;
        }
        let parent = file.map(|path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
        let owned = match parent.as_deref().and_then(Path::parent) {
            Some(beside) => TemporaryFolder::within(beside, PURPOSE)
                .or_else(|_| TemporaryFolder::new(PURPOSE))?,
            None => TemporaryFolder::new(PURPOSE)?,
        };
        let folder = owned.path().to_owned();
        let mut options = fs::OpenOptions::new();
        let mut kept = owner_only(options.write(true).create_new(true)).open(folder.join(KEY))?;
        kept.write_all(hex::encode(key.expose()).as_bytes())?;
        let place = match db {
            Some(url) if url.contains("://") => postgres(url, &folder).await?,
            _ => Place::Sqlite,
        };
        Ok(Self { folder, _owned: Some(owned), place, key })
    }

    /// Attaches to the scratch store that another process has created in this folder. It is not
    /// removed by this process.
    pub(super) fn attach(db: Option<&str>, path: &Path) -> Result<Self, Failure> {
        let folder = path.to_owned();
        let bytes = hex::decode_array(fs::read_to_string(folder.join(KEY))?.trim());
        let key =
            bytes.map(HostKey::from_bytes).ok_or_else(|| failed("there is no scratch key"))?;
        let place = match db {
            Some(url) if url.contains("://") => attach_postgres(url, &folder)?,
            _ => Place::Sqlite,
        };
        Ok(Self { folder, _owned: None, place, key })
    }

    /// Returns the folder for everything beside the store.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of a file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns what was tried, for people.
    pub(super) fn description(&self) -> String {
        match &self.place {
            Place::Sqlite => format!("a scratch SQLite file in {}", self.folder.display()),
            #[cfg(feature = "postgres")]
            Place::Postgres(schema) => {
                format!("the scratch schema {} of PostgreSQL", schema.name())
            }
        }
    }

    /// Opens another handle on the store, as another process would.
    pub(super) async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        self.open_with(&self.key, None).await
    }

    /// Does the same, with this clock.
    pub(super) async fn open_at(
        &self,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn Store>, StoreError> {
        self.open_with(&self.key, Some(clock)).await
    }

    /// Tries to open it with another key.
    pub(super) async fn open_under(&self, key: &HostKey) -> Result<Arc<dyn Store>, StoreError> {
        self.open_with(key, None).await
    }

    async fn open_with(
        &self,
        key: &HostKey,
        clock: Option<Arc<dyn Clock>>,
    ) -> Result<Arc<dyn Store>, StoreError> {
        match &self.place {
            Place::Sqlite => {
                let mut options = SqliteStore::options().key(key.clone());
                if let Some(clock) = clock {
                    options = options.clock(SharedClock(clock));
                }
                Ok(Arc::new(options.open(self.file("scratch.db")).await?))
            }
            #[cfg(feature = "postgres")]
            Place::Postgres(schema) => {
                let mut options = schema.options().key(key.clone()).max_connections(4).lease(LEASE);
                if let Some(clock) = clock {
                    options = options.clock(SharedClock(clock));
                }
                Ok(Arc::new(options.open().await?))
            }
        }
    }

    /// Returns whether anything that the store keeps contains this text, as it is or as
    /// hexadecimal digits.
    pub(super) async fn keeps(&self, text: &str) -> Result<bool, Failure> {
        match &self.place {
            Place::Sqlite => in_folder(&self.folder, text),
            #[cfg(feature = "postgres")]
            Place::Postgres(schema) => {
                let digits = hex::encode(text.as_bytes());
                let rows = schema.rows().await?;
                let kept = rows.iter().any(|row| row.contains(text) || row.contains(&digits));
                Ok(kept || in_folder(&self.folder, text)?)
            }
        }
    }

    /// Removes everything.
    pub(super) async fn remove(self) -> Result<(), Failure> {
        match self.place {
            Place::Sqlite => Ok(()),
            #[cfg(feature = "postgres")]
            Place::Postgres(schema) => Ok(schema.remove().await?),
        }
    }
}

/// How long an executor counts as alive after its last sign of life, in a scratch schema.
#[cfg(feature = "postgres")]
const LEASE: std::time::Duration = std::time::Duration::from_secs(2);

/// A clock that several handles share.
struct SharedClock(Arc<dyn Clock>);

impl Clock for SharedClock {
    fn now(&self) -> hitl_base::Timestamp {
        self.0.now()
    }

    fn uptime(&self) -> Option<std::time::Duration> {
        self.0.uptime()
    }
}

/// Searches the folder in another process: SQLite's locks on a file end when any part of the
/// process that has them closes the file.
fn in_folder(folder: &Path, text: &str) -> Result<bool, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["verify", "--search"]).arg(folder).env_remove("HITL_URL");
    let mut search = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let mut input = search.stdin.take().ok_or_else(|| failed("the search takes no text"))?;
    input.write_all(text.as_bytes())?;
    drop(input);
    let ended = search.wait()?;
    match ended.code() {
        Some(code) if code == Exit::Done as i32 => Ok(true),
        Some(code) if code == Exit::NotFound as i32 => Ok(false),
        _ => Err(failed(format!("the search of the files ended with {ended}"))),
    }
}

/// Is the process that searches the folder for the text that it reads. Fails with
/// [`Exit::NotFound`] if no file in it contains the text.
pub(super) fn search(folder: &Path) -> Result<(), Failure> {
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    if text.is_empty() {
        return Err(Failure::usage("there is no text to search for"));
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() && fs::read(&path)?.windows(text.len()).any(|window| window == text) {
            return Ok(());
        }
    }
    Err(Failure::new(Exit::NotFound, ""))
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str, folder: &Path) -> Result<Place, Failure> {
    let schema = hitl_store::ScratchSchema::create(url).await?;
    fs::write(folder.join(SCHEMA), schema.name())?;
    Ok(Place::Postgres(schema))
}

#[cfg(feature = "postgres")]
fn attach_postgres(url: &str, folder: &Path) -> Result<Place, Failure> {
    let name = fs::read_to_string(folder.join(SCHEMA))?;
    Ok(Place::Postgres(hitl_store::ScratchSchema::attach(url, &name)?))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "the twin of the one that connects")]
async fn postgres(_: &str, _: &Path) -> Result<Place, Failure> {
    Err(Failure::usage("this `hitl` was built without the feature `postgres`"))
}

#[cfg(not(feature = "postgres"))]
fn attach_postgres(_: &str, _: &Path) -> Result<Place, Failure> {
    let _ = SCHEMA;
    Err(Failure::usage("this `hitl` was built without the feature `postgres`"))
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, format!("verify: {error}"))
}
