//! The directory is asked what the principal of a stored call may do now.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::handle::Inner;
use crate::call::CallContext;
use crate::machine::CallRecord;
use crate::policy::{PrincipalDirectory, PrincipalStatus, role_changes};
use crate::sync::{HostCode, NoAnswer};

/// A directory and how long it may take.
pub(super) struct Asked {
    pub(super) directory: Arc<dyn PrincipalDirectory>,
    pub(super) bound: HostCode,
    /// For its names of people.
    pub(super) names: HostCode,
}

/// Who asks for a stored call, as they stand now.
pub(super) enum Now {
    /// As when it was submitted, for all that anybody knows.
    Same,
    /// In other roles than then; how they differ, in words.
    Other(Box<CallContext>, String),
    /// Nothing is done in their name any more; why.
    Refused(String),
    /// The directory could not say, so nothing runs.
    Unknown,
}

impl Inner {
    /// Asks how the principal of a call stands. Without a directory, as they stood.
    ///
    /// Cancel safe: dropping it drops the question.
    pub(super) async fn standing_of(&self, record: &CallRecord) -> Now {
        let Some(Asked { directory, bound, .. }) = &self.directory else { return Now::Same };
        let answer = ask(directory, bound, record.context.clone()).await;
        let unknown = |why: &str| {
            let why = self.redactor.text(why);
            tracing::warn!(
                call = %record.id(), %why,
                "what the principal may do now is not known, so the call does not run; asking again"
            );
            Now::Unknown
        };
        match answer {
            Err(NoAnswer::Panicked) => unknown("the directory panicked"),
            Err(NoAnswer::Late) => unknown("the directory did not answer in time"),
            Err(NoAnswer::NotAsked) => unknown("the directory still hangs from earlier questions"),
            Ok(Err(error)) => unknown(&format!("the directory failed: {error}")),
            Ok(Ok(PrincipalStatus::Refused(why))) => Now::Refused(why),
            Ok(Ok(PrincipalStatus::Roles(roles))) => match role_changes(&record.context, &roles) {
                None => Now::Same,
                Some(changes) => {
                    let context = CallContext { roles, ..record.context.clone() };
                    Now::Other(Box::new(context), changes)
                }
            },
        }
    }
}

/// Asks a directory, and waits for it as long as it may take.
async fn ask(
    directory: &Arc<dyn PrincipalDirectory>,
    bound: &HostCode,
    who: CallContext,
) -> Result<Result<PrincipalStatus, String>, NoAnswer> {
    let blocks = catch_unwind(AssertUnwindSafe(|| directory.blocks()));
    let directory = Arc::clone(directory);
    let asking = async move {
        // An error is host code too: it is written and dropped where a panic of it is caught.
        directory.lookup(&who).await.map_err(|error| error.to_string())
    };
    match blocks.map_err(std::mem::forget) {
        Err(()) => Err(NoAnswer::Panicked),
        Ok(false) => bound.run_later(asking).await,
        Ok(true) => bound.run_blocking(asking).await,
    }
}
