//! A question that the server puts to a client before 2026-07-28, or to its user.

use rmcp::RoleServer;
use rmcp::model::{ClientResult, ElicitRequest, ElicitRequestParams, ElicitResult, ServerRequest};
use rmcp::service::{Peer, PeerRequestOptions, RequestHandle, ServiceError};

/// The reason for which a question is taken back.
const NO_LONGER_OPEN: &str = "the question is no longer open";

/// A question that was put to a client. Dropped before its answer, it is taken back, so that the
/// client closes its form.
pub(super) struct PutQuestion {
    /// `None` once it is answered.
    open: Option<RequestHandle<RoleServer>>,
}

impl PutQuestion {
    /// Sends a question.
    pub(super) async fn put(
        peer: &Peer<RoleServer>,
        question: ElicitRequestParams,
    ) -> Result<Self, ServiceError> {
        Self::send(peer, ElicitRequest::new(question).into()).await
    }

    /// Sends a request that is a question.
    pub(super) async fn send(
        peer: &Peer<RoleServer>,
        request: ServerRequest,
    ) -> Result<Self, ServiceError> {
        let options = PeerRequestOptions::no_options();
        let open = peer.send_cancellable_request(request, options).await?;
        Ok(Self { open: Some(open) })
    }

    /// Waits for the answer; forever if it was returned already.
    ///
    /// Cancel safe.
    pub(super) async fn answer(&mut self) -> Result<ElicitResult, ServiceError> {
        match self.response().await? {
            ClientResult::ElicitResult(answer) => Ok(answer),
            _ => Err(ServiceError::UnexpectedResponse),
        }
    }

    /// Waits for the answer of any kind; forever if it was returned already.
    ///
    /// Cancel safe.
    pub(super) async fn response(&mut self) -> Result<ClientResult, ServiceError> {
        let Some(open) = &mut self.open else { return std::future::pending().await };
        let response = (&mut open.rx).await;
        self.open = None;
        response.unwrap_or(Err(ServiceError::TransportClosed))
    }
}

impl Drop for PutQuestion {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            tokio::spawn(async move {
                if let Err(error) = open.cancel(Some(NO_LONGER_OPEN.to_owned())).await {
                    tracing::debug!(%error, "a question could not be taken back");
                }
            });
        }
    }
}
