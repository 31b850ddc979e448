//! Reads the contents that the arguments of a call name, and renders its preview, where its tool
//! declares them.

use std::path::PathBuf;
use std::sync::Arc;

use futures::future::join_all;

use super::comparison::{ContentComparison, compare_contents};
use super::display::ContentDisplay;
use super::file::read_file;
use super::file_lookup::FileLookup;
use super::referent::{Referent, ReferentState, Referents};
use super::rendered::RenderedPreview;
use crate::approval::{PreviewFailure, UnreadReason};
use crate::arguments::Snapshot;
use crate::call::{
    ContentReader, ContentReaders, Given, PermitContext, RunContext, Source, StateMap,
};
use crate::gate::error::GateError;
use crate::gate::keys::vault::Vault;
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::machine::CallRecord;
use crate::panic::catch_async;
use crate::policy::OwnFiles;
use crate::sync::{HostCode, Mutex, NoAnswer, lock};

/// The most bytes of all contents of a call that are kept.
const MAX_KEPT_IN_ALL: usize = 512 * 1024;

/// Reads, shows and compares the contents that the arguments of calls name, and their previews.
pub(in crate::gate) struct NamedContents {
    /// The host state of the tools.
    states: Arc<StateMap>,
    files: Arc<FileLookup>,
    vault: Arc<Vault>,
    display: ContentDisplay,
}

/// A file that an argument names.
struct NamedFile {
    /// Its place among the contents of the call.
    index: usize,
    at: String,
    path: PathBuf,
}

/// The contents that were read, in their slots. A content that is late finds no slot.
type Answers = Arc<Mutex<Vec<Option<Referent>>>>;

impl NamedContents {
    pub(in crate::gate) fn new(
        states: Arc<StateMap>,
        files: Arc<FileLookup>,
        vault: Arc<Vault>,
        display: ContentDisplay,
    ) -> Self {
        Self { states, files, vault, display }
    }

    /// Returns the lookup of links and of the gate's own files.
    pub(in crate::gate) fn files(&self) -> &FileLookup {
        &self.files
    }

    /// Returns the display of contents for reviewers.
    pub(in crate::gate) fn display(&self) -> &ContentDisplay {
        &self.display
    }

    /// Reads the contents that the arguments of a call name, and renders its preview. A content
    /// that cannot be read is recorded as unread, and a preview that fails as failed, which is not
    /// an error. `snapshot` has the arguments; all else is that of the record.
    ///
    /// Cancel safety: a reader that has started runs to its end, and its result is dropped.
    pub(in crate::gate) async fn read(
        &self,
        tool: &RegisteredTool,
        snapshot: &Snapshot,
        record: &CallRecord,
    ) -> Result<Referents, GateError> {
        let Some(bound) = &tool.bounds().look_ahead else {
            return Ok(Referents::default());
        };
        let mut found = Referents::default();
        if tool.reads_contents() {
            found = self.read_contents(bound, tool, snapshot).await?;
        }
        if !tool.previews() {
            return Ok(found);
        }
        let cx = self.preview_context(record, found.to_given());
        let rendering = tool.preview(snapshot, cx)?;
        let rendered = match bound.run_later(rendering).await {
            Ok(answer) => RenderedPreview::from_answer(answer),
            Err(NoAnswer::Panicked) => RenderedPreview::failed(PreviewFailure::Panicked),
            Err(NoAnswer::Late | NoAnswer::NotAsked) => {
                RenderedPreview::failed(PreviewFailure::Late)
            }
        };
        Ok(found.with_preview(Some(rendered)))
    }

    /// Returns the context in which a preview of a call is rendered: that of its body, without an
    /// attempt.
    fn preview_context(&self, record: &CallRecord, contents: Given) -> RunContext {
        RunContext::new(Arc::new(PermitContext {
            context: record.context.clone(),
            key: record.key().clone(),
            first: record.retry_of.as_ref().map(|retry| retry.first.clone()),
            attempt: 0,
            states: Arc::clone(&self.states),
            contents,
            over_for: None,
        }))
    }

    async fn read_contents(
        &self,
        bound: &HostCode,
        tool: &RegisteredTool,
        snapshot: &Snapshot,
    ) -> Result<Referents, GateError> {
        let ContentReaders { readers, more, unnamed } = tool.content_readers(snapshot)?;
        let places: Vec<String> = readers.iter().map(|reader| reader.at.clone()).collect();
        let answers: Answers = Arc::new(Mutex::new(readers.iter().map(|_| None).collect()));
        let (mut files, mut others) = (Vec::new(), Vec::new());
        for (index, ContentReader { at, source }) in readers.into_iter().enumerate() {
            match source {
                Source::File(path) => files.push(NamedFile { index, at, path }),
                Source::Host(reading) => others.push((index, at, reading)),
            }
        }
        let mut no_answer = NoAnswer::Late;
        if !files.is_empty() {
            let (own, to) = (Arc::clone(self.files.own_files()), Arc::clone(&answers));
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
                    // A panic of one reader does not affect the others.
                    let read = catch_async(reading).await;
                    let state = match read.map_err(drop) {
                        Ok(Ok(bytes)) => ReferentState::from_bytes(bytes),
                        Ok(Err(said)) => ReferentState::unread_because(UnreadReason::Failed, said),
                        Err(()) => ReferentState::unread_because(
                            UnreadReason::Failed,
                            "it panicked".to_owned(),
                        ),
                    };
                    store_answer(&to, index, Referent::new(at, state));
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
        let read = std::mem::take(&mut *lock(&answers));
        let read = places.into_iter().zip(read);
        let mut all: Vec<Referent> = read
            .map(|(at, read)| {
                read.unwrap_or_else(|| Referent::new(at, ReferentState::unread(late)))
            })
            .collect();
        let more = more
            .into_iter()
            .map(|at| Referent::new(at, ReferentState::unread(UnreadReason::TooMany)));
        all.extend(more);
        all.extend(Referent::rest(unnamed));
        Ok(Referents::new(all, MAX_KEPT_IN_ALL))
    }

    /// Reads the contents that the arguments of a call name, renders its preview, and compares them
    /// with those that were shown.
    ///
    /// Cancel safe: it only reads.
    pub(in crate::gate) async fn compare(
        &self,
        record: &CallRecord,
        tool: &RegisteredTool,
        snapshot: &Snapshot,
    ) -> Result<ContentComparison, GateError> {
        let request = &record.request;
        if request.contents.is_empty() && request.preview.is_none() && !tool.looks_ahead() {
            return Ok(ContentComparison::Same(Referents::default()));
        }
        let found = self.read(tool, snapshot, record).await?;
        Ok(compare_contents(record, found, self.vault.ring()))
    }
}

fn read_files(own: &OwnFiles, files: Vec<NamedFile>, to: &Answers) {
    for NamedFile { index, at, path } in files {
        // Nobody waits any more.
        if lock(to).is_empty() {
            return;
        }
        store_answer(to, index, read_file(own, at, &path));
    }
}

fn store_answer(answers: &Answers, index: usize, referent: Referent) {
    let mut answers = lock(answers);
    if let Some(place) = answers.get_mut(index) {
        *place = Some(referent);
    }
}
