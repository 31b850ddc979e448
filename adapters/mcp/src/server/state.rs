//! The sealed state of a question: what the client was shown, so that its answer is about that.

use std::collections::HashMap;
use std::fmt;
use std::str;
use std::time::Duration;

use hitl_core::seal::RandomnessError;
use hitl_core::{ApprovalRequest, BindingDigest, CallContext, HostKey, HostKeys, RequestId, RunId};
use hmac::{Hmac, Mac as _};
use rmcp::model::{RequestStateCodec, RequestStateError, SealOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The time for which a question can be answered.
const TTL: Duration = Duration::from_secs(10 * 60);
/// The domain of the keys that are derived from the host's.
const DOMAIN: &[u8] = b"hitl.mcp.request-state.v1";
/// The version of the state.
const VERSION: u8 = 1;
/// The longest state that is opened, in bytes.
const MAX_STATE: usize = 4_096;

/// The question that a client was asked. Signed and not encrypted: it holds no arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AskedState {
    #[serde(rename = "v")]
    version: u8,
    #[serde(rename = "a")]
    about: About,
}

/// The subject of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "k")]
pub(super) enum About {
    /// The gate's, about exactly this revision of a call.
    #[serde(rename = "approval")]
    Approval {
        #[serde(rename = "r")]
        request: RequestId,
        #[serde(rename = "n")]
        revision: u32,
        #[serde(rename = "b")]
        binding: BindingDigest,
    },
    /// That of a body, which runs already.
    #[serde(rename = "tool")]
    Body {
        /// The position of the call in its run.
        #[serde(rename = "p")]
        position: u64,
        /// The call's record; a read has none.
        #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
        request: Option<RequestId>,
    },
}

impl AskedState {
    pub(super) fn approval(request: &ApprovalRequest) -> Self {
        let ApprovalRequest { id, revision, binding, .. } = request;
        let about = About::Approval { request: *id, revision: *revision, binding: *binding };
        Self { version: VERSION, about }
    }

    pub(super) fn body(position: u64, request: Option<RequestId>) -> Self {
        Self { version: VERSION, about: About::Body { position, request } }
    }

    pub(super) fn about(&self) -> &About {
        &self.about
    }

    /// Returns whether exactly this revision of this call was shown.
    pub(super) fn showed(&self, request: &ApprovalRequest) -> bool {
        *self == Self::approval(request)
    }
}

/// The request that carries a state. A state opens for the same request only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking<'r> {
    pub(super) context: &'r CallContext,
    pub(super) run: &'r RunId,
    pub(super) tool: &'r str,
    /// The text of the arguments, as it was sent.
    pub(super) arguments: &'r str,
}

impl Asking<'_> {
    /// Returns the digest to which the state is bound: each part with its length before it.
    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let agent = self.context.agent.as_ref().map_or("", |agent| agent.as_str());
        let parts = [
            self.context.tenant.as_str(),
            self.context.principal.as_str(),
            agent,
            self.run.as_str(),
            self.tool,
            &canonical(self.arguments),
        ];
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().into()
    }
}

/// Returns the arguments with the names of every object sorted and without spaces, so that a client
/// that writes the same request again in another way still sends the same one.
fn canonical(arguments: &str) -> String {
    use hitl_base::json::{Json, parse_json};
    fn sort(tree: &mut Json) {
        match tree {
            Json::Object(entries) => {
                entries.sort_by(|(a, _), (b, _)| a.cmp(b));
                for (_, value) in entries {
                    sort(value);
                }
            }
            Json::Array(items) => items.iter_mut().for_each(sort),
            _ => {}
        }
    }
    match parse_json(arguments) {
        Ok(mut tree) => {
            sort(&mut tree);
            tree.to_text()
        }
        // The gate refuses it too.
        Err(_) => arguments.to_owned(),
    }
}

/// A state that a client sent, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OpenedState {
    /// This server made it, for this request.
    Valid(AskedState),
    /// It was this server's, and its time is over: the call is asked about again.
    Expired,
    /// It was changed, belongs to another request, or is not this server's.
    Invalid,
}

/// Seals and opens states.
pub(super) struct StateCodec(RequestStateCodec);

/// The error for a key of fewer than 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key for the state of questions has 32 bytes or more")]
pub struct WeakStateKey(());

impl StateCodec {
    /// Uses a random key, which ends with the process.
    pub(super) fn of_process() -> Result<Self, RandomnessError> {
        let key: [u8; RequestStateCodec::MIN_KEY_LENGTH] = hitl_base::random_bytes()?;
        Ok(Self(RequestStateCodec::new_unchecked(key)))
    }

    pub(super) fn of_key(key: Vec<u8>) -> Result<Self, WeakStateKey> {
        RequestStateCodec::try_new(key).map(Self).map_err(|_| WeakStateKey(()))
    }

    /// Uses keys that are derived from the host's: the current one seals, and each of them opens.
    /// `None` if that fails: no key is better than one that others know.
    pub(super) fn of_host(keys: &HostKeys) -> Option<Self> {
        let id = keys.current().id().to_string();
        let derived = |key: &HostKey| Some((key.id().to_string(), derive(key)?.to_vec()));
        let all: HashMap<String, Vec<u8>> = keys.all().map(derived).collect::<Option<_>>()?;
        RequestStateCodec::new_with_keyring(id.as_str(), all).ok().map(Self)
    }

    pub(super) fn seal(&self, state: &AskedState, asking: Asking<'_>) -> String {
        let payload = serde_json::to_vec(state).unwrap_or_default();
        let digest = asking.digest();
        let options = SealOptions::new().associated_data(&digest).ttl(TTL);
        self.0.seal_with(&payload, &options)
    }

    pub(super) fn open(&self, sealed: &str, asking: Asking<'_>) -> OpenedState {
        if sealed.len() > MAX_STATE {
            return OpenedState::Invalid;
        }
        match self.0.open_with(sealed, &asking.digest()) {
            Ok(payload) => match serde_json::from_slice::<AskedState>(&payload) {
                Ok(state) if state.version == VERSION => OpenedState::Valid(state),
                _ => OpenedState::Invalid,
            },
            Err(RequestStateError::Expired) => OpenedState::Expired,
            Err(_) => OpenedState::Invalid,
        }
    }
}

impl fmt::Debug for StateCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateCodec([redacted])")
    }
}

/// Returns the key for states, which reveals nothing about the host's.
fn derive(key: &HostKey) -> Option<[u8; 32]> {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key.expose()).ok()?;
    mac.update(DOMAIN);
    Some(mac.finalize().into_bytes().into())
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
