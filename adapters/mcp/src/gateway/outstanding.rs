//! The requests that an upstream has not answered yet. Answers to anything else are dropped: to an
//! unknown id, a second time, or after the request was cancelled. Pure.

use std::collections::HashMap;

use rmcp::model::{ClientJsonRpcMessage, ClientNotification, ClientRequest, RequestId};

use super::wire::{AnswerSlot, RawAnswer, slot_of};

/// The requests on the way.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    requests: HashMap<RequestId, Option<AnswerSlot>>,
}

impl Outstanding {
    /// Notes a message that is about to be written.
    pub(super) fn note_sent(&mut self, message: &ClientJsonRpcMessage) {
        match message {
            ClientJsonRpcMessage::Request(request) => {
                // A handshake that begins again gives up the one before: its answer may come late.
                if matches!(request.request, ClientRequest::InitializeRequest(_)) {
                    self.requests.clear();
                }
                let slot = slot_of(message).map(|of| {
                    of.slot.note_sent(of.token);
                    of.slot
                });
                self.requests.insert(request.id.clone(), slot);
            }
            ClientJsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) =
                    &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.requests.remove(id);
                }
            }
            _ => {}
        }
    }

    /// Takes an answer in. Returns whether somebody waits for it.
    pub(super) fn take(&mut self, id: &RequestId, answer: RawAnswer) -> bool {
        match self.requests.remove(id) {
            Some(Some(slot)) => {
                slot.fill(answer);
                true
            }
            Some(None) => true,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::{
        CallToolRequest, CallToolRequestParams, CancelledNotification, CancelledNotificationParam,
        NumberOrString,
    };

    use super::*;

    fn id(number: i64) -> RequestId {
        NumberOrString::Number(number)
    }

    fn call(number: i64) -> (ClientJsonRpcMessage, AnswerSlot) {
        let slot = AnswerSlot::default();
        let mut request = CallToolRequest::new(CallToolRequestParams::new("add"));
        request.extensions.insert(slot.clone());
        let request = ClientRequest::CallToolRequest(request);
        (ClientJsonRpcMessage::request(request, id(number)), slot)
    }

    fn result(text: &str) -> RawAnswer {
        RawAnswer::Result(text.to_owned())
    }

    #[test]
    fn invariant_5_only_the_first_answer_to_a_request_on_the_way_counts() {
        let mut outstanding = Outstanding::default();
        let (message, slot) = call(1);
        outstanding.note_sent(&message);
        assert!(slot.is_sent());
        assert!(!outstanding.take(&id(2), result("other")));
        assert!(!outstanding.take(&NumberOrString::String("1".into()), result("text")));
        assert!(outstanding.take(&id(1), result("first")));
        assert!(!outstanding.take(&id(1), result("second")));
        assert_eq!(slot.answer(), Some(&result("first")));
    }

    #[test]
    fn invariant_5_an_answer_after_a_cancel_is_dropped() {
        let mut outstanding = Outstanding::default();
        let (message, slot) = call(1);
        outstanding.note_sent(&message);
        let params = CancelledNotificationParam::new(Some(id(1)), None);
        let cancelled = CancelledNotification::new(params);
        let notification = ClientNotification::CancelledNotification(cancelled);
        outstanding.note_sent(&ClientJsonRpcMessage::notification(notification));
        assert!(!outstanding.take(&id(1), result("late")));
        assert_eq!(slot.answer(), None);
    }
}
