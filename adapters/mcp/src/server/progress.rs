//! Progress of one request: the body's own, and signs of life while a person is waited for.

use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::Peer;

use super::open_call::Progress;

/// The step of a sign of life: so small that the first progress of most bodies is above it.
const STEP: f64 = 1e-6;

/// The progress that was sent for one request.
pub(super) struct ProgressLine {
    to: Option<(Peer<RoleServer>, ProgressToken)>,
    last: Option<f64>,
}

impl ProgressLine {
    /// `token` is the one that the client gave; without it nothing is sent.
    pub(super) fn new(peer: &Peer<RoleServer>, token: Option<ProgressToken>) -> Self {
        Self { to: token.map(|token| (peer.clone(), token)), last: None }
    }

    /// Passes on what a body reported, unless it does not increase.
    ///
    /// Cancel safe: at most this one is lost.
    pub(super) async fn pass_on(&mut self, reported: Progress) {
        let Some(progress) = next(self.last, reported.done) else { return };
        self.send(progress, reported.total, reported.message).await;
    }

    /// Says that the request is still being served.
    pub(super) async fn sign_of_life(&mut self, message: &str) {
        let progress = self.last.unwrap_or(0.0) + STEP;
        self.send(progress, None, Some(message.to_owned())).await;
    }

    async fn send(&mut self, progress: f64, total: Option<f64>, message: Option<String>) {
        let Some((peer, token)) = &self.to else { return };
        let mut notice = ProgressNotificationParam::new(token.clone(), progress);
        (notice.total, notice.message) = (total, message);
        self.last = Some(progress);
        if let Err(error) = peer.notify_progress(notice).await {
            tracing::debug!(%error, "progress did not reach the client");
            self.to = None;
        }
    }
}

/// Returns the progress to send. `None` if it is no number, or does not increase.
fn next(last: Option<f64>, wanted: f64) -> Option<f64> {
    let increases = wanted.is_finite() && last.is_none_or(|last| wanted > last);
    increases.then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_increases_is_passed_on() {
        assert_eq!(next(None, 0.0), Some(0.0));
        assert_eq!(next(Some(0.0), 50.0), Some(50.0));
        assert_eq!(next(Some(STEP), 0.0), None);
        assert_eq!(next(Some(2.0), 2.0), None);
        assert_eq!(next(None, f64::NAN), None);
        assert_eq!(next(Some(1.0), f64::INFINITY), None);
    }
}
