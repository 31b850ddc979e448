//! Resolves the paths of a call: whether they lead to one of the gate's own files, or through
//! links.
//!
//! The pure part is in `policy/matcher/own_files.rs`; the file system is read in `own_files.rs`.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::{Json, JsonText};

use super::linked_path::LinkedPath;
use super::links::{find_links, referenced_paths};
use super::own_files::{find_linked_own_file, is_remote};
use crate::arguments::Snapshot;
use crate::confidence::{Factor, OWN_FILE};
use crate::gate::error::GateError;
use crate::gate::stored_text::parse_snapshot;
use crate::policy::{ApprovalLevel, OwnFiles};
use crate::sync::{HostCode, HostThreads};

/// The time that the file system may take to resolve the paths of a call.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Finds the gate's own files, and links, among the paths that calls name.
pub(in crate::gate) struct FileLookup {
    own_files: Arc<OwnFiles>,
    /// Limits the time of each access to the file system.
    bound: HostCode,
}

impl FileLookup {
    pub(in crate::gate) fn new(own_files: OwnFiles, threads: &Arc<HostThreads>) -> Self {
        Self { own_files: Arc::new(own_files), bound: HostCode::new(threads, TIMEOUT) }
    }

    /// Returns the files that this gate depends on.
    pub(in crate::gate) fn own_files(&self) -> &Arc<OwnFiles> {
        &self.own_files
    }

    /// Returns whether these arguments certainly name no file of this gate, whatever the file
    /// system contains.
    pub(in crate::gate) fn is_surely_unnamed(&self, arguments: &str) -> bool {
        self.own_files.surely_unnamed(arguments)
    }

    /// Returns the factor for a file of this gate that the arguments name literally.
    pub(in crate::gate) fn own_file_factor(
        &self,
        arguments: &Json,
        read_only: bool,
    ) -> Option<Factor> {
        let named = self.own_files.named_in(arguments, read_only);
        let too_many =
            "The call has more paths than are looked up; one may lead to a file of this gate.";
        match (named.file, named.too_many) {
            (Some(file), _) => Some(own_file_named(&file)),
            (None, true) => Some(full_review(too_many)),
            (None, false) => None,
        }
    }

    /// Returns the factor for a file of this gate to which a path of the call is a link. A file
    /// system that does not answer counts as if it had found one.
    ///
    /// Cancel safe: it only reads.
    pub(in crate::gate) async fn linked_file_factor(
        &self,
        snapshot: &Snapshot,
        read_only: bool,
    ) -> Result<Option<Factor>, GateError> {
        if self.is_surely_unnamed(snapshot.text()) {
            return Ok(None);
        }
        let named = self.own_files.named_in(&parse_snapshot(snapshot)?, read_only);
        // A file that is named literally is found without the file system.
        if named.file.is_some() || named.paths.is_empty() {
            return Ok(None);
        }
        let unknown = "It cannot be said where the paths of this call lead; one may be a link to a file of this gate.";
        if named.paths.iter().any(|path| is_remote(path)) {
            return Ok(Some(full_review(unknown)));
        }
        let own = Arc::clone(&self.own_files);
        let looking = async move { find_linked_own_file(&own, &named.paths, read_only) };
        let Ok(found) = self.bound.run_blocking(looking).await else {
            return Ok(Some(full_review(unknown)));
        };
        Ok(found.map(|file| own_file_named(&file)))
    }

    /// Returns the paths in the arguments that go through links, if the file system answers in
    /// time. They inform a reviewer; no decision depends on them.
    pub(in crate::gate) async fn links_in(&self, arguments: &JsonText) -> Vec<LinkedPath> {
        let Ok(tree) = arguments.tree() else { return Vec::new() };
        let paths = referenced_paths(&tree);
        if paths.is_empty() {
            return Vec::new();
        }
        self.bound.run_blocking(async move { find_links(paths) }).await.unwrap_or_default()
    }
}

fn own_file_named(file: &str) -> Factor {
    full_review(format!(
        "This call names {file}, a file that this gate itself lives by, or a folder above it."
    ))
}

fn full_review(why: impl Into<Cow<'static, str>>) -> Factor {
    Factor::at_least(OWN_FILE, ApprovalLevel::Full, why)
}
