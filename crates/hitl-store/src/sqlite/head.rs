//! The position of the newest write, kept beside the file: `<file>.head`.
//!
//! An older copy of a file cannot know that it is one. This small file does: after each commit the
//! writer records the epoch and the number of the newest line of history, before any caller learns
//! of the commit. A database that is behind its head is an older copy, and opening it begins a new
//! epoch.
//!
//! The head is written without an fsync, because it must never be ahead of the database, which has
//! one; after a power loss it may be behind, and then an older copy is not detected if it is as new
//! as the head. Several processes write the same head, so it may briefly be behind by a few
//! commits.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use hitl_base::owner_only;
use rusqlite::{Connection, OptionalExtension as _};

use super::error::Fault;
use super::metadata;

/// The name under which the file records that it has a head.
const HAS_HEAD: &str = "head";
/// The number of attempts to read a head that another process may be writing at the moment.
const READS: usize = 10;

/// The position of the newest write in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head {
    pub(super) epoch: u64,
    pub(super) seq: i64,
}

impl Head {
    /// Returns the line to write. The second half repeats the first, so that a partial line is
    /// invalid.
    fn line(self) -> String {
        let Self { epoch, seq } = self;
        format!("hitl-head 1 {epoch:020} {seq:020} {epoch:020} {seq:020}\n")
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_suffix('\n')?.strip_prefix("hitl-head 1 ")?.split(' ');
        let mut next = || words.next()?.parse::<u64>().ok();
        let (epoch, seq, epoch_again, seq_again) = (next()?, next()?, next()?, next()?);
        let whole = (epoch, seq) == (epoch_again, seq_again) && words.next().is_none();
        let seq = i64::try_from(seq).ok()?;
        whole.then_some(Self { epoch, seq })
    }

    /// Returns the newest position of the database.
    pub(super) fn read(on: &Connection) -> Result<Self, Fault> {
        let epoch = metadata::get(on, "epoch")?.and_then(|text| text.parse().ok());
        let epoch = epoch.ok_or(Fault::Damaged("its epoch"))?;
        let newest = "SELECT seq FROM sqlite_sequence WHERE name = 'history'";
        let seq = on.query_row(newest, [], |row| row.get(0)).optional()?.unwrap_or(0);
        Ok(Self { epoch, seq })
    }
}

/// The result of reading the head beside a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadRead {
    /// The head does not exist.
    Missing,
    /// The head cannot be parsed: it was overwritten by something else.
    Unreadable,
    /// The head has this position.
    At(Head),
}

/// Returns whether the database is an older copy, judged by its head, which was read before it.
/// Pure.
pub(super) fn is_older_copy(kept: HeadRead, found: Head, has_head: bool) -> bool {
    match kept {
        // A database from before heads existed gets its first one.
        HeadRead::Missing => has_head,
        HeadRead::Unreadable => true,
        HeadRead::At(head) => found < head,
    }
}

/// Returns whether the database records that a head is kept beside it.
pub(super) fn has_head(on: &Connection) -> Result<bool, Fault> {
    Ok(metadata::get(on, HAS_HEAD)?.is_some())
}

/// The head file, open for writing.
#[derive(Debug)]
pub(super) struct HeadFile {
    file: File,
    warned: bool,
}

impl HeadFile {
    /// Reads the head of a database that may be in use.
    pub(super) fn read(path: &Path) -> io::Result<HeadRead> {
        for _ in 0..READS {
            let mut text = String::new();
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(HeadRead::Missing);
                }
                Err(error) => return Err(error),
            };
            // A file that is not text is as unreadable as a wrong text.
            let read = file.take(256).read_to_string(&mut text);
            if let (Ok(_), Some(head)) = (read, Head::parse(&text)) {
                return Ok(HeadRead::At(head));
            }
        }
        Ok(HeadRead::Unreadable)
    }

    /// Opens or creates the file, and writes the newest position of the database.
    pub(super) fn open(path: &Path, on: &Connection) -> Result<Self, Fault> {
        let io = |_| Fault::Damaged("the .head file beside it cannot be written");
        let options = &mut OpenOptions::new();
        let file = owner_only(options.write(true).create(true).truncate(false)).open(path);
        let mut head = Self { file: file.map_err(io)?, warned: false };
        let now = Head::read(on)?;
        // Other content that was written here may be longer.
        let length = now.line().len() as u64;
        let written = head.put(now).and_then(|()| head.file.set_len(length));
        written.and_then(|()| head.file.sync_all()).map_err(io)?;
        if !has_head(on)? {
            metadata::set(on, HAS_HEAD, "1")?;
        }
        Ok(head)
    }

    /// Writes the database's position. A head that cannot be written stays behind, which is logged
    /// once: it only makes an older copy of the file harder to detect.
    pub(super) fn note(&mut self, head: Head) {
        if let Err(error) = self.put(head)
            && !self.warned
        {
            self.warned = true;
            tracing::warn!(%error, "the .head file cannot be written; an older copy may pass");
        }
    }

    fn put(&mut self, head: Head) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(head.line().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_it_was_written_for_and_half_a_line_says_nothing() {
        let heads = [Head { epoch: 1, seq: 0 }, Head { epoch: 7, seq: i64::MAX }];
        for head in heads {
            let line = head.line();
            assert_eq!(Head::parse(&line), Some(head));
            for cut in 0..line.len() {
                assert_eq!(Head::parse(&line[..cut]), None);
            }
        }
        let (one, two) = (heads[0].line(), heads[1].line());
        for at in 13..one.len() - 1 {
            let torn = format!("{}{}", &two[..at], &one[at..]);
            let read = Head::parse(&torn);
            assert!(read.is_none() || heads.contains(&read.unwrap()), "{torn}");
        }
    }

    #[test]
    fn a_database_behind_its_head_is_an_older_copy() {
        let at = |epoch, seq| Head { epoch, seq };
        let found = at(2, 10);
        for (kept, older) in [
            (HeadRead::At(at(2, 10)), false),
            (HeadRead::At(at(2, 9)), false),
            (HeadRead::At(at(1, 50)), false),
            (HeadRead::At(at(2, 11)), true),
            (HeadRead::At(at(3, 0)), true),
            (HeadRead::Unreadable, true),
        ] {
            assert_eq!(is_older_copy(kept, found, true), older, "{kept:?}");
        }
        assert!(is_older_copy(HeadRead::Missing, found, true), "somebody took it away");
        assert!(!is_older_copy(HeadRead::Missing, found, false), "there never was one");
    }
}
