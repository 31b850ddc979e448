//! The position of the newest write, kept beside the file: `<file>.head`.
//!
//! An older copy of a file cannot know that it is one. This small file does: after each commit the
//! writer notes the epoch and the number of the newest line of history, before any caller hears of
//! the commit. Anyone who opens a database that is behind its head has an older copy, and begins a
//! new epoch.
//!
//! It is written without an fsync, because it must never be ahead of the database, which has one;
//! after a loss of power it may be behind, and then an older copy may pass that is as new as the
//! head. Several processes write the same head, so it may be behind by the commits of a moment.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};

use super::error::Fault;
use super::host_key_file::private;
use super::metadata;

/// The name under which the file keeps that it has a head.
const HAS_HEAD: &str = "head";
/// How often a head is read that another process may be writing at the moment.
const READS: usize = 10;

/// The position of the newest write in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head {
    pub(super) epoch: u64,
    pub(super) seq: i64,
}

impl Head {
    /// The line that is written. The second half repeats the first, so that half a line is none.
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

    /// Returns how far the database has come.
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
    /// There is none.
    Missing,
    /// It cannot be read: somebody has written something else.
    Unreadable,
    /// It says this.
    At(Head),
}

/// Returns whether the database is an older copy, by its head, which was read before it. Pure.
pub(super) fn is_older_copy(kept: HeadRead, found: Head, has_head: bool) -> bool {
    match kept {
        // A database from before there were heads gets its first one.
        HeadRead::Missing => has_head,
        HeadRead::Unreadable => true,
        HeadRead::At(head) => found < head,
    }
}

/// Returns whether the database says that a head is kept beside it.
pub(super) fn has_head(on: &Connection) -> Result<bool, Fault> {
    Ok(metadata::get(on, HAS_HEAD)?.is_some())
}

/// The file, open for writing.
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
            // What is not text is as good as another text.
            let read = file.take(256).read_to_string(&mut text);
            if let (Ok(_), Some(head)) = (read, Head::parse(&text)) {
                return Ok(HeadRead::At(head));
            }
        }
        Ok(HeadRead::Unreadable)
    }

    /// Opens or makes the file, and writes how far the database has come.
    pub(super) fn open(path: &Path, on: &Connection) -> Result<Self, Fault> {
        let io = |_| Fault::Damaged("the .head file beside it cannot be written");
        let options = &mut OpenOptions::new();
        let file = private(options.write(true).create(true).truncate(false)).open(path);
        let mut head = Self { file: file.map_err(io)?, warned: false };
        let now = Head::read(on)?;
        // Something else that was written here may be longer.
        let length = now.line().len() as u64;
        let written = head.put(now).and_then(|()| head.file.set_len(length));
        written.and_then(|()| head.file.sync_all()).map_err(io)?;
        if !has_head(on)? {
            metadata::set(on, HAS_HEAD, "1")?;
        }
        Ok(head)
    }

    /// Notes that the database has come so far. A head that cannot be written stays behind, which
    /// is said once: it only makes the file harder to tell from an older copy of it.
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
