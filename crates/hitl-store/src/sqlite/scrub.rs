//! Removes the traces of erased data from the log.
//!
//! In the file SQLite overwrites deleted data (`secure_delete`). The log contains whole pages of
//! former data until it is emptied: every frame is copied into the file, and the log is truncated
//! to zero.

use std::path::Path;
use std::time::{Duration, Instant};

use super::connect::connect;
use super::error::Fault;

/// The time limit for readers and writers, per attempt.
const PATIENCE: Duration = Duration::from_secs(1);
/// The pause before the next attempt: SQLite waits for readers, but not for another process that is
/// emptying the log at this moment.
const PAUSE: Duration = Duration::from_millis(10);

/// Empties the log. Others may continue meanwhile.
///
/// A reader that keeps an old snapshot for longer than `longest` blocks this; then it fails, and
/// the next erasure empties the log.
pub(super) fn empty_the_log(path: &Path, longest: Duration) -> Result<(), Fault> {
    let connection = connect(path, PATIENCE.min(longest))?;
    let begun = Instant::now();
    while begun.elapsed() < longest {
        let busy: i64 =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy == 0 {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
    Err(Fault::LogInUse)
}
