//! Opening a store from a path.
//!
//! Only SQLite ever opens the file itself: closing it by other means would drop the locks that
//! other connections of this process hold on it. Nothing is created beside a file that is not ours.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hitl_base::clock::ForwardClock;
use hitl_base::owner_only;
use hitl_core::HostKeys;
use hitl_core::store::{ChangeNotifier, StoreAddress, StoreError, StoreErrorKind};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::acknowledge::AckThread;
use super::connect::connect;
use super::error::{Fault, file_error, read_only, stopped};
use super::head::{Head, HeadFile, HeadRead, has_head, is_older_copy};
use super::operation::WriteContext;
use super::options::SqliteOptions;
use super::reader::Readers;
use super::schema::{self, Identity, beside};
use super::session::Sessions;
use super::shared::Shared;
use super::store::SqliteStore;
use super::watch::{LocalChanges, Watcher};
use super::writer::{self, Connect, Writer, WriterThread};
use super::{backup, query, rotation};
use crate::failpoint::reach;
use crate::record_cache::RecordCache;

/// The number of connections that read, in addition to the one that writes.
const READERS: usize = 2;
/// The size in bytes up to which a file is checked as a whole when it is opened; of a larger one
/// the header, the size and the tables are checked, and the rest as it is read.
const CHECKED: u64 = 32 * 1024 * 1024;
/// The longest time that a file may be unused: a clock that is further ahead of its last change is
/// refused.
const LONGEST_REST: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// The minimum size of a database in bytes: its smallest page.
pub(super) const SMALLEST: u64 = 512;

impl SqliteStore {
    /// Opens the file at `path` with the default [options](Self::options), and creates it if it
    /// does not exist. Its folder must exist.
    ///
    /// Cancel safe: a dropped opening ends by itself and closes the file again.
    ///
    /// # Errors
    ///
    /// The error's [kind](StoreError::kind) tells the reason: the file is locked, cannot be
    /// written, is damaged or not ours, was written by a newer version, or its key is missing.
    pub async fn open(path: impl AsRef<Path> + Send) -> Result<Self, StoreError> {
        Self::options().open(path).await
    }

    /// Returns the options with which a file is opened.
    pub fn options() -> SqliteOptions {
        SqliteOptions::default()
    }
}

impl SqliteOptions {
    /// Opens the file at `path`, and creates it if it does not exist. Its folder must exist, on a
    /// local disk.
    ///
    /// Cancel safe: a dropped opening ends by itself and closes the file again.
    ///
    /// # Errors
    ///
    /// The same as [`SqliteStore::open`].
    pub async fn open(self, path: impl AsRef<Path> + Send) -> Result<SqliteStore, StoreError> {
        open(path.as_ref().to_owned(), self).await
    }
}

/// Opens a store on a thread of its own, off the async runtime.
async fn open(path: PathBuf, options: SqliteOptions) -> Result<SqliteStore, StoreError> {
    let (reply, opened) = oneshot::channel();
    let given = path.clone();
    let work = move || {
        // The caller may have gone: then the store is dropped, which closes it.
        let _ = reply.send(open_now(&given, options));
    };
    let thread = std::thread::Builder::new().name("hitl-open".to_owned()).spawn(work);
    thread.map_err(|error| file_error(&path, error))?;
    opened.await.map_err(|_| stopped(&path))?
}

fn open_now(given: &Path, options: SqliteOptions) -> Result<SqliteStore, StoreError> {
    let path: Arc<Path> = resolve(given)?.into();
    let at = |fault: Fault| fault.at(&path);
    let head_path = beside(&path, ".head");
    let length = fs::metadata(&path).map_or(0, |file| file.len());
    if length > 0 {
        // Checked before anything is created beside it.
        let found = connect(&path, options.busy_timeout).and_then(|c| schema::identify(&c));
        let found = match found.map_err(at)? {
            // SQLite treats a file that is too short for a database as an empty one.
            Identity::Empty if length < SMALLEST => Identity::Foreign,
            found => found,
        };
        schema::check(found, schema::STEPS.len(), &path)?;
    }
    let folder = beside(&path, ".sessions");
    let sessions =
        Sessions::in_folder(folder.clone()).map_err(|error| file_error(&folder, error))?;
    let opening = sessions.lock_opening(options.busy_timeout);
    let Some(_opening) = opening.map_err(|error| file_error(&folder, error))? else {
        return Err(StoreError::new(
            StoreErrorKind::Unavailable,
            format!("another process is still opening {}; try again", path.display()),
        ));
    };
    // Read before the database: others may write to both meanwhile, and the database is never
    // behind.
    let kept = HeadFile::read(&head_path).map_err(|error| file_error(&head_path, error))?;
    create(&path)?;
    reach("file-created");
    let mut connection = connect(&path, options.busy_timeout).map_err(at)?;
    if connection.is_readonly("main").map_err(|error| at(error.into()))? {
        return Err(read_only(&path));
    }
    let identity = schema::identify(&connection).map_err(at)?;
    schema::check(identity, schema::STEPS.len(), &path)?;
    if identity != Identity::Empty {
        check_health(&connection, &path)?;
    }
    // An empty file gets its tables before it gets a write-ahead log: the header is complete at
    // once.
    reach("before-migration");
    schema::migrate(&mut connection, schema::STEPS, &path).map_err(at)?;
    reach("after-migration");
    use_log(&connection).map_err(at)?;
    schema::overwrite_free_space(&connection, &path).map_err(at)?;
    if !schema::is_complete(&connection).map_err(at)? {
        return Err(at(Fault::Damaged("tables are missing")));
    }
    let keys = rotation::host_keys(&mut connection, &path, &sessions, &options)?;
    let clock = forward_clock(&connection, &path, &options)?;
    let found = Head::read(&connection).map_err(at)?;
    let older = is_older_copy(kept, found, has_head(&connection).map_err(at)?);
    if older {
        tracing::warn!(
            file = %path.display(), ?kept, ?found,
            "the file is an older copy of itself: what waited or was approved is asked about again"
        );
    }
    if older || options.restored || backup::is_backup(&connection).map_err(at)? {
        let known = if let HeadRead::At(head) = kept { head.epoch } else { 0 };
        backup::begin_epoch(&mut connection, known, clock.now()?).map_err(at)?;
    }
    let epoch = Head::read(&connection).map_err(at)?.epoch;
    let head = (epoch, HeadFile::open(&head_path, &connection).map_err(at)?);
    sessions.tidy().map_err(|error| file_error(&folder, error))?;
    start(OpenedFile { connection, path, sessions, keys, clock, head }, options)
}

/// Returns the file's canonical path: it is the same for every process, because others find its
/// sessions by it.
fn resolve(given: &Path) -> Result<PathBuf, StoreError> {
    if given.as_os_str().is_empty() {
        let message = "an empty path names no file; for a store without one use MemoryStore";
        return Err(StoreError::new(StoreErrorKind::Other, message));
    }
    if given.is_dir() {
        let message = format!("{} is a folder; name a file in it", given.display());
        return Err(StoreError::new(StoreErrorKind::Other, message));
    }
    if let Ok(path) = fs::canonicalize(given) {
        return Ok(path);
    }
    let folder = given.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")));
    let folder = folder.map_err(|error| file_error(given, error))?;
    given.file_name().map(|name| folder.join(name)).ok_or_else(|| {
        let message = format!("{} names no file", given.display());
        StoreError::new(StoreErrorKind::Other, message)
    })
}

/// Creates an empty file that only its owner can read, if it does not exist. No other process may
/// be opening the store, so none has the file open yet.
fn create(path: &Path) -> Result<(), StoreError> {
    let created = owner_only(OpenOptions::new().write(true).create_new(true)).open(path);
    match created.and_then(|file| file.sync_all()).and_then(|()| hitl_base::sync_folder(path)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(file_error(path, error)),
        _ => Ok(()),
    }
}

fn use_log(connection: &Connection) -> Result<(), Fault> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Fault::Damaged("it cannot have a write-ahead log; use a local disk"));
    }
    // The log shrinks again after a burst.
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    Ok(())
}

fn check_health(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let check = || {
        let pages = number("PRAGMA page_count")?.unsigned_abs();
        if pages * number("PRAGMA page_size")?.unsigned_abs() > CHECKED {
            return Ok(true);
        }
        let verdict: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok(verdict == "ok")
    };
    match check() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Fault::Damaged("its pages do not fit together").at(path)),
        Err(error) => Err(Fault::Sqlite(error).at(path)),
    }
}

/// Returns a clock that is not behind the file's last change, and fails for one that is absurdly
/// ahead of it.
fn forward_clock(
    connection: &Connection,
    path: &Path,
    options: &SqliteOptions,
) -> Result<Arc<ForwardClock>, StoreError> {
    let latest = query::latest_moment(connection).map_err(|fault| fault.at(path))?;
    let (reading, file) = (options.clock.now(), path.display());
    if let Some(latest) = latest {
        if reading > latest.saturating_add(LONGEST_REST) && !options.accept_clock {
            return Err(StoreError::new(
                StoreErrorKind::Clock,
                format!(
                    "the machine's clock says {reading}, and the last change in {file} is of \
                     {latest}; set the clock right, or, if it is right and the file was not used \
                     for so long, open it once with `accept_clock`"
                ),
            ));
        }
        if reading < latest {
            tracing::warn!(
                %reading, %latest,
                "the machine's clock is behind the last change in {file}; time goes on from there"
            );
        }
    }
    Ok(Arc::new(ForwardClock::new(Arc::clone(&options.clock), latest)))
}

/// The parts of a file that is ready for use.
struct OpenedFile {
    connection: Connection,
    path: Arc<Path>,
    sessions: Sessions,
    keys: HostKeys,
    clock: Arc<ForwardClock>,
    head: (u64, HeadFile),
}

fn start(parts: OpenedFile, options: SqliteOptions) -> Result<SqliteStore, StoreError> {
    let OpenedFile { connection, path, sessions, keys, clock, head } = parts;
    let at = |fault: Fault| fault.at(&path);
    let (hub, own) = (ChangeNotifier::default(), LocalChanges::default());
    let reading = || {
        let connection = connect(&path, options.busy_timeout)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    let readers = (0..READERS).map(|_| reading()).collect::<Result<Vec<_>, _>>().map_err(at)?;
    let watching = reading().map_err(at)?;
    let connect: Connect = {
        let (path, timeout, pages) = (Arc::clone(&path), options.busy_timeout, options.max_pages);
        Box::new(move || limit_pages(connect(&path, timeout)?, pages))
    };
    let thread = WriterThread {
        connection: Some(limit_pages(connection, options.max_pages).map_err(at)?),
        connect,
        context: WriteContext { clock: Arc::clone(&clock), sessions: sessions.clone() },
        hub: hub.clone(),
        acks: AckThread::start(hub.clone(), Arc::clone(&path)),
        own: own.clone(),
        head,
        path: Arc::clone(&path),
        commit: writer::commit(),
    };
    let io = |error| file_error(&path, error);
    let address = address_of(&path, &options);
    Ok(SqliteStore::from(Shared {
        watcher: Watcher::start(watching, hub.clone(), own).map_err(io)?,
        readers: Readers::start(readers, Arc::clone(&path)).map_err(io)?,
        writer: Writer::start(thread).map_err(io)?,
        record_cache: RecordCache::default(),
        clock,
        sessions,
        hub,
        keys,
        path,
        address,
        busy_timeout: options.busy_timeout,
    }))
}

/// Returns how `hitl` opens the file. Without the key's file if the key lies beside the file.
fn address_of(path: &Path, options: &SqliteOptions) -> StoreAddress {
    let mut arguments = vec!["--db".to_owned(), path.to_string_lossy().into_owned()];
    if options.keys.is_some() {
        arguments.extend(["--key-file".to_owned(), "FILE".to_owned()]);
    }
    StoreAddress::Database(arguments)
}

fn limit_pages(connection: Connection, pages: Option<u32>) -> Result<Connection, Fault> {
    if let Some(pages) = pages {
        let sql = format!("PRAGMA max_page_count = {pages}");
        connection.query_row(&sql, [], |_| Ok(()))?;
    }
    Ok(connection)
}
