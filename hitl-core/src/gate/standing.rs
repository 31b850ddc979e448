//! The directory is asked what the principal of a stored call may do now.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;

use super::handle::Inner;
use super::said::panic_text;
use crate::call::CallContext;
use crate::machine::CallRecord;
use crate::policy::{Directory, Standing, role_changes};
use crate::sync::timeout;

/// A directory and how long it may take.
pub(super) struct Asked {
    pub(super) directory: Arc<dyn Directory>,
    pub(super) deadline: Duration,
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
        let Some(Asked { directory, deadline }) = &self.directory else { return Now::Same };
        let began = Instant::now();
        // Whatever it does is caught, also when it is dropped because its time is up.
        let asking = AssertUnwindSafe(async {
            let asked =
                timeout(*deadline, async { directory.standing(&record.context).await }).await;
            asked.map(|answer| answer.map_err(|error| error.to_string()))
        });
        let unknown = |why: &str| {
            let why = self.redactor.text(why);
            tracing::warn!(
                call = %record.id(), %why,
                "what the principal may do now is not known, so the call does not run; asking again"
            );
            Now::Unknown
        };
        match asking.catch_unwind().await {
            Err(panic) => {
                let said = panic_text(&*panic).to_owned();
                // A panic's own value may panic when it is dropped.
                std::mem::forget(panic);
                unknown(&format!("the directory panicked: {said}"))
            }
            Ok(Err(_)) => unknown("the directory did not answer in time"),
            // It held the thread, so that nobody could tell it that its time was up.
            Ok(Ok(_)) if began.elapsed() > *deadline => unknown("the directory answered too late"),
            Ok(Ok(Err(error))) => unknown(&format!("the directory failed: {error}")),
            Ok(Ok(Ok(Standing::Refused(why)))) => Now::Refused(why),
            Ok(Ok(Ok(Standing::Roles(roles)))) => match role_changes(&record.context, &roles) {
                None => Now::Same,
                Some(changes) => {
                    let context = CallContext { roles, ..record.context.clone() };
                    Now::Other(Box::new(context), changes)
                }
            },
        }
    }
}
