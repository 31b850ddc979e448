//! The requests of one connection that have no answer yet: how many there can be, and how large.
//! Pure.

use std::collections::HashMap;

use rmcp::model::{ErrorCode, RequestId};

use super::delivery::DeliverySlot;

/// The most requests without an answer. More than the server serves at a time, so that those which
/// it does not take get an answer of their own.
const MAX_REQUESTS: usize = 8_192;
/// The most bytes of requests without an answer.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The requests of one connection that have no answer yet.
#[derive(Default)]
pub(super) struct OpenRequests {
    requests: HashMap<RequestId, OpenRequest>,
    bytes: usize,
}

struct OpenRequest {
    slot: DeliverySlot,
    bytes: usize,
}

/// The reason why a request is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotTaken {
    #[error("a request of this id has no answer yet")]
    IdInUse,
    #[error(
        "too many requests of this client have no answer yet; this one was not taken: send it \
         again later"
    )]
    Full,
}

impl NotTaken {
    pub(super) fn code(self) -> ErrorCode {
        match self {
            Self::IdInUse => ErrorCode::INVALID_REQUEST,
            Self::Full => ErrorCode::INTERNAL_ERROR,
        }
    }
}

impl OpenRequests {
    /// Notes a request of this size, and returns the slot for the outcome that its answer carries.
    pub(super) fn open(&mut self, id: &RequestId, bytes: usize) -> Result<DeliverySlot, NotTaken> {
        if self.requests.contains_key(id) {
            return Err(NotTaken::IdInUse);
        }
        if self.requests.len() >= MAX_REQUESTS || self.bytes.saturating_add(bytes) > MAX_BYTES {
            return Err(NotTaken::Full);
        }
        let slot = DeliverySlot::default();
        self.bytes += bytes;
        self.requests.insert(id.clone(), OpenRequest { slot: slot.clone(), bytes });
        Ok(slot)
    }

    /// Forgets a request that is answered, or will have no answer.
    pub(super) fn close(&mut self, id: &RequestId) -> Option<DeliverySlot> {
        let request = self.requests.remove(id)?;
        self.bytes -= request.bytes;
        Some(request.slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_request_until_it_is_closed() {
        let (mut open, id) = (OpenRequests::default(), RequestId::Number(1));
        assert!(open.open(&id, 1).is_ok());
        assert_eq!(open.open(&id, 1).err(), Some(NotTaken::IdInUse));
        assert!(open.close(&id).is_some() && open.close(&id).is_none());
        assert!(open.open(&id, 1).is_ok());
    }

    #[test]
    fn requests_are_limited_by_number_and_by_size() {
        for (bytes, most) in [(100, MAX_REQUESTS), (4 * 1024 * 1024, 16)] {
            let mut open = OpenRequests::default();
            let ids: Vec<_> = (0..).take(most).map(RequestId::Number).collect();
            for _ in 0..2 {
                assert!(ids.iter().all(|id| open.open(id, bytes).is_ok()), "{bytes}");
                let one_more = RequestId::String("one more".into());
                assert_eq!(open.open(&one_more, bytes).err(), Some(NotTaken::Full), "{bytes}");
                assert!(ids.iter().all(|id| open.close(id).is_some()), "{bytes}");
            }
        }
    }
}
