//! Messages that upstreams send of their own accord, for the clients that listen.

#![expect(deprecated, reason = "logging is of older versions, which have it")]

use rmcp::model::LoggingMessageNotificationParam;
use tokio::sync::broadcast;

/// The most notices that a slow client may be behind; older ones are lost to it.
const KEPT: usize = 256;

/// Something that an upstream said.
#[derive(Clone, Debug)]
pub(super) enum Notice {
    /// A line of its log.
    Logged(LoggingMessageNotificationParam),
    /// A resource has changed.
    ResourceUpdated(String),
    /// Its list of resources has changed.
    ResourcesChanged,
    /// Its list of prompts has changed.
    PromptsChanged,
}

/// The notices of all upstreams. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Notices {
    sender: broadcast::Sender<Notice>,
}

impl Notices {
    pub(super) fn new() -> Self {
        Self { sender: broadcast::Sender::new(KEPT) }
    }

    pub(super) fn send(&self, notice: Notice) {
        // Without a client that listens there is nobody to say it to.
        let _nobody = self.sender.send(notice);
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.sender.subscribe()
    }
}
