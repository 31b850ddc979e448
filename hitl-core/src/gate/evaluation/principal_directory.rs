//! The host's directory, asked within a time limit.

use std::sync::Arc;

use crate::call::{CallContext, Principal};
use crate::panic::catch;
use crate::policy::{PrincipalDirectory, PrincipalStatus};
use crate::sync::{HostCode, NoAnswer};

/// The answer of a directory about a principal.
pub(in crate::gate) enum DirectoryAnswer {
    Status(PrincipalStatus),
    /// The directory's own error, in words.
    Failed(String),
    /// There is no answer.
    None(NoAnswer),
}

/// A directory, with its time limits.
pub(in crate::gate) struct DirectoryWithTimeout {
    directory: Arc<dyn PrincipalDirectory>,
    status_bound: HostCode,
    name_bound: HostCode,
}

impl DirectoryWithTimeout {
    pub(in crate::gate) fn new(
        directory: Arc<dyn PrincipalDirectory>,
        status_bound: HostCode,
        name_bound: HostCode,
    ) -> Self {
        Self { directory, status_bound, name_bound }
    }

    /// Returns the unique name of a principal. Blocks the thread.
    pub(in crate::gate) fn canonical(&self, who: &Principal) -> Result<Principal, NoAnswer> {
        let (directory, name) = (Arc::clone(&self.directory), who.clone());
        self.name_bound.run(move || directory.canonical(&name))
    }

    /// Asks for the current rights of a call's principal.
    ///
    /// Cancel safe: dropping it drops the question.
    pub(in crate::gate) async fn status(&self, context: CallContext) -> DirectoryAnswer {
        let blocks = catch(|| self.directory.blocks());
        let directory = Arc::clone(&self.directory);
        let asking = async move {
            // An error is host code too: it is formatted and dropped where its panic is caught.
            directory.lookup(&context).await.map_err(|error| error.to_string())
        };
        let answer = match blocks.map_err(drop) {
            Err(()) => Err(NoAnswer::Panicked),
            Ok(false) => self.status_bound.run_later(asking).await,
            Ok(true) => self.status_bound.run_blocking(asking).await,
        };
        match answer {
            Ok(Ok(status)) => DirectoryAnswer::Status(status),
            Ok(Err(error)) => DirectoryAnswer::Failed(error),
            Err(why) => DirectoryAnswer::None(why),
        }
    }
}
