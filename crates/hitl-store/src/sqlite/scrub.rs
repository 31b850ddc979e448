//! Removes the traces of erased data from the log.
//!
//! In the file SQLite overwrites what is deleted (`secure_delete`). The log has whole pages of what
//! was before, until it is emptied: every frame is copied into the file, and the log is cut to
//! nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use super::connect::connect;
use super::error::Fault;

/// How long readers and writers are waited for, each time.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long they are waited for altogether.
const LONGEST: Duration = Duration::from_secs(10);
/// The pause before the next attempt: SQLite waits for readers, but not for somebody else who
/// empties the log at this moment.
const PAUSE: Duration = Duration::from_millis(10);

/// Empties the log. Others may continue meanwhile.
///
/// A reader that stays at an old moment for longer than ten seconds keeps the log; then this fails,
/// and the next erasure empties it.
pub(super) fn empty_the_log(path: &Path) -> Result<(), Fault> {
    let connection = connect(path, PATIENCE)?;
    let begun = Instant::now();
    while begun.elapsed() < LONGEST {
        let busy: i64 =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy == 0 {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
    Err(Fault::LogInUse)
}
