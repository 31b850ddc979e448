//! The treatment of a server's requests to have the client's model write something.

#![expect(deprecated, reason = "sampling is of older versions, which have it")]

use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{CreateMessageRequestParams, CreateMessageResult};

use crate::server::{CallClient, SamplingRefusal};

/// The time that a client has for an answer of its model.
const SAMPLING_LIMIT: Duration = Duration::from_secs(300);

/// The treatment of `sampling/createMessage`, with which a server has the client's model write
/// something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
// Exhaustive: the request reaches the client or not.
pub enum Sampling {
    /// It is refused, and the server learns that before: what a model says on behalf of a server
    /// passes no gate.
    #[default]
    Refuse,
    /// It is passed on to the client whose call the server runs, if that client speaks a version
    /// before 2026-07-28 and has declared sampling. What the model writes passes no gate.
    Forward,
}

/// Passes a server's request on to the client of its call, or says why not.
pub(super) async fn sample(
    setting: Sampling,
    client: Option<&CallClient>,
    params: CreateMessageRequestParams,
) -> Result<CreateMessageResult, ErrorData> {
    if setting == Sampling::Refuse {
        return Err(refused("the gateway does not pass sampling on: its operator can allow it"));
    }
    let Some(client) = client else {
        return Err(refused("it is not clear for which client's call this is"));
    };
    client.sample(params, SAMPLING_LIMIT).await.map_err(|refusal| match refusal {
        SamplingRefusal::Client(error) => error,
        other => refused(&other.to_string()),
    })
}

fn refused(why: &str) -> ErrorData {
    ErrorData::invalid_request(format!("sampling was refused: {why}"), None)
}
