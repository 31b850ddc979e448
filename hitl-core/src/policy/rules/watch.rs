//! A watch on a rule file, which reads it again when it has changed.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::RuleFile;

/// Watches a rule file. Dropping it stops the watch; the rules stay as they are.
#[derive(Debug)]
#[must_use = "dropping it stops the watch"]
#[cfg(feature = "policy-files")]
pub struct RuleWatch(JoinHandle<()>);

impl RuleFile {
    /// Reads the file at this interval, on the current Tokio runtime, and puts changes in force.
    /// Mistakes in it appear in [`status`](Self::status), and once in the log.
    ///
    /// The content is compared, not the file's time: an edit within the same second, a replaced
    /// file and a mounted one are all seen.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn watch(&self, every: Duration) -> RuleWatch {
        let file = self.clone();
        RuleWatch(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(every.max(Duration::from_millis(10)));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let file = file.clone();
                // A slow disk must not block the runtime. The status holds any error.
                let _ = tokio::task::spawn_blocking(move || file.reload()).await;
            }
        }))
    }
}

impl Drop for RuleWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}
