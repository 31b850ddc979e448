//! Contents that the arguments of a call name: read when it is submitted and again before it runs,
//! shown, sealed, digested, and compared.
//!
//! | file | what happens there |
//! |---|---|
//! | `file` | a file is read, within limits |
//! | `referent` | what was found: digested, kept, given to the body |
//! | `shown` | what a reviewer sees of it: without secrets |
//! | `compare` | whether it is still what was shown |
//! | `links` | where links lead that the arguments name |

mod compare;
mod file;
mod links;
mod referent;
mod shown;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use futures::FutureExt as _;
use futures::future::join_all;

use super::error::GateError;
use super::handle::Inner;
use super::prepare::Prepared;
use super::registry::Registered;
use crate::approval::UnreadReason;
use crate::arguments::Snapshot;
use crate::call::{ContentReader, ContentReaders, Source};
use crate::policy::{OwnFiles, Verdict};
use crate::sync::{Mutex, NoAnswer};

pub(super) use compare::Compared;
pub(super) use referent::{Kept, Referents};
use referent::{Referent, What};

/// The most bytes of one content that are kept: shown, sealed, and given to the body.
const MAX_KEPT: usize = 256 * 1024;
/// The most bytes of all contents of a call that are kept.
const MAX_KEPT_IN_ALL: usize = 512 * 1024;
/// The most bytes of one content that are digested. A longer one counts as not read.
const MAX_DIGESTED: u64 = 16 * 1024 * 1024;
/// The most characters of what a reader says when it fails.
const MAX_SAID: usize = 200;

/// Where each content is put once it is read. What is late finds no place.
type Answers = Arc<Mutex<Vec<Option<Referent>>>>;

impl Inner {
    /// Reads what the arguments of a call name, where its tool declares it. What cannot be read is
    /// found to be unread: that is no error.
    ///
    /// Cancel safety: dropped, what is being read is read to its end, and nobody hears of it.
    pub(super) async fn read_contents(
        &self,
        tool: &Registered,
        snapshot: &Snapshot,
    ) -> Result<Referents, GateError> {
        let Some(bound) = self.reading.get(&tool.spec.name) else {
            return Ok(Referents::default());
        };
        let ContentReaders { readers, more, unnamed } = tool.readers(snapshot)?;
        let places: Vec<String> = readers.iter().map(|reader| reader.at.clone()).collect();
        let answers: Answers = Arc::new(Mutex::new(readers.iter().map(|_| None).collect()));
        let (mut files, mut others) = (Vec::new(), Vec::new());
        for (index, ContentReader { at, source }) in readers.into_iter().enumerate() {
            match source {
                Source::File(path) => files.push((index, at, path)),
                Source::Host(reading) => others.push((index, at, reading)),
            }
        }
        let mut no_answer = NoAnswer::Late;
        if !files.is_empty() {
            let (own, to) = (Arc::clone(&self.own_files), Arc::clone(&answers));
            let reading = async move { read_files(&own, files, &to) };
            if let Err(why) = bound.run_blocking(reading).await {
                no_answer = why;
            }
        }
        if !others.is_empty() {
            let to = Arc::clone(&answers);
            let reading = others.into_iter().map(move |(index, at, reading)| {
                let to = Arc::clone(&to);
                async move {
                    // A reader that panics leaves the others as they are.
                    let read = AssertUnwindSafe(reading).catch_unwind().await;
                    let what = match read.map_err(std::mem::forget) {
                        Ok(Ok(bytes)) => What::of(bytes),
                        Ok(Err(said)) => What::unread_because(UnreadReason::Failed, said),
                        Err(()) => {
                            What::unread_because(UnreadReason::Failed, "it panicked".to_owned())
                        }
                    };
                    put(&to, index, Referent::new(at, what));
                }
            });
            let reading: Vec<_> = reading.collect();
            let all = async move { drop(join_all(reading).await) };
            if let Err(why) = bound.run_later(all).await {
                no_answer = why;
            }
        }
        let late = match no_answer {
            NoAnswer::Panicked => UnreadReason::Failed,
            NoAnswer::Late | NoAnswer::NotAsked => UnreadReason::Late,
        };
        let read = std::mem::take(&mut *answers.lock().unwrap_or_else(PoisonError::into_inner));
        let read = places.into_iter().zip(read);
        let mut all: Vec<Referent> = read
            .map(|(at, read)| read.unwrap_or_else(|| Referent::new(at, What::unread(late))))
            .collect();
        let more =
            more.into_iter().map(|at| Referent::new(at, What::unread(UnreadReason::TooMany)));
        all.extend(more);
        all.extend(Referent::rest(unnamed));
        Ok(Referents::within(all, MAX_KEPT_IN_ALL))
    }

    /// Reads what a new call names, shows it on the request, and routes the call again when
    /// somebody should see what nobody can.
    ///
    /// Cancel safe: it only looks.
    pub(super) async fn take_contents(&self, prepared: &mut Prepared) -> Result<(), GateError> {
        if matches!(prepared.routed.verdict, Verdict::Deny(_)) {
            return Ok(());
        }
        let referents = self.read_contents(&prepared.tool, &prepared.snapshot).await?;
        if !prepared.approved_the_same(&referents, &self.keys) {
            prepared.approval = None;
        }
        if referents.is_empty() {
            return Ok(());
        }
        let id = prepared.record.id();
        let contents = self.show_contents((id, &[]), &prepared.snapshot, &referents).await;
        if let Some(factor) = self.content_factor(&contents) {
            let mut said = prepared.record.request.assessment.opinions();
            said.push(factor);
            let context = &prepared.record.context;
            let judged = self.judge(&prepared.tool, &prepared.snapshot, context, &said)?;
            prepared.judged(judged);
        }
        let content = prepared.record.content;
        let request = Arc::make_mut(&mut prepared.record.request);
        request.contents = contents;
        request.bind(content);
        prepared.referents = referents;
        Ok(())
    }
}

fn read_files(own: &OwnFiles, files: Vec<(usize, String, PathBuf)>, to: &Answers) {
    for (index, at, path) in files {
        // Nobody waits any more.
        if to.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            return;
        }
        put(to, index, file::read(own, at, &path));
    }
}

fn put(answers: &Answers, index: usize, referent: Referent) {
    let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(place) = answers.get_mut(index) {
        *place = Some(referent);
    }
}
