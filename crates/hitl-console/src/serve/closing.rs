//! The end of a server: announced once, awaited by its connections.

use std::pin::Pin;

use tokio::sync::watch;

/// Announces the end.
#[derive(Debug)]
pub(super) struct Closer(watch::Sender<bool>);

/// Awaits the end. When the server is dropped without an announcement, that is the end too.
#[derive(Clone, Debug)]
pub(super) struct Closing(watch::Receiver<bool>);

/// A future that is ready from the end on.
pub(super) type Closed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Creates both halves.
pub(super) fn closing() -> (Closer, Closing) {
    let (sender, receiver) = watch::channel(false);
    (Closer(sender), Closing(receiver))
}

impl Closer {
    /// Announces the end to everything that awaits it.
    pub(super) fn close(&self) {
        self.0.send_replace(true);
    }
}

impl Closing {
    /// Returns a future of the end. Cancel-safe.
    pub(super) fn closed(&self) -> Closed {
        let mut receiver = self.0.clone();
        Box::pin(async move {
            // The error means that the server is gone, and that is the end as well.
            let _ = receiver.wait_for(|closed| *closed).await;
        })
    }
}
