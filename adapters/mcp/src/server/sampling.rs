//! A request of a body to have the client's model write something.

#![expect(deprecated, reason = "sampling is of older versions, which have it")]

use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    ClientResult, CreateMessageRequest, CreateMessageRequestParams, CreateMessageResult,
};
use rmcp::service::ServiceError;

use super::call_client::CallClient;
use super::question::PutQuestion;

/// The reason for which a client's model wrote nothing. The text is for who asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplingRefusal {
    /// The client takes no requests, because it speaks 2026-07-28 or later; or it is gone.
    #[error("the client of this call takes no requests of servers")]
    NoRequests,
    /// The client has not declared sampling.
    #[error("the client of this call has not declared sampling")]
    NotDeclared,
    /// The request has tools, and the client has not declared `sampling.tools`.
    #[error("the client of this call has not declared sampling with tools")]
    NoTools,
    /// The messages are not as the protocol has them.
    #[error("{0}")]
    Messages(String),
    /// The client has answered with this error.
    #[error("{}", .0.message)]
    Client(ErrorData),
    /// The client has not answered in time, or not as the protocol has it.
    #[error("the client of this call gave no answer")]
    NoAnswer,
}

impl CallClient {
    /// Has the client's model write something, by `sampling/createMessage`, and waits for `limit`
    /// at most. Only clients before 2026-07-28 that have declared it can do so.
    ///
    /// What the model writes has passed no gate.
    ///
    /// Cancel safe: the request is taken back.
    ///
    /// # Errors
    /// See [`SamplingRefusal`].
    pub async fn sample(
        &self,
        mut params: CreateMessageRequestParams,
        limit: Duration,
    ) -> Result<CreateMessageResult, SamplingRefusal> {
        let peer = self.peer().ok_or(SamplingRefusal::NoRequests)?;
        let declared = self.capabilities().sampling.ok_or(SamplingRefusal::NotDeclared)?;
        let has_tools = params.tools.is_some() || params.tool_choice.is_some();
        if has_tools && declared.tools.is_none() {
            return Err(SamplingRefusal::NoTools);
        }
        params.validate().map_err(SamplingRefusal::Messages)?;
        // Tokens of another connection mean nothing on this one.
        params.meta = None;
        let asked = async {
            let request = CreateMessageRequest::new(params).into();
            PutQuestion::send(&peer, request).await?.response().await
        };
        match tokio::time::timeout(limit, asked).await {
            Ok(Ok(ClientResult::CreateMessageResult(result))) => Ok(*result),
            Ok(Err(ServiceError::McpError(error))) => Err(SamplingRefusal::Client(error)),
            _ => Err(SamplingRefusal::NoAnswer),
        }
    }
}
