//! Ctrl-C: the running call is finished, and no other begins. Pressed twice, it ends the process.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl::approval::MaskSupport;
use hitl::approval::Review;
use hitl::gate::ReviewAccess;
use hitl::{ApprovalRequest, Approver};
use tokio::sync::watch;

/// The exit code that a shell reports for a program stopped by Ctrl-C.
pub(crate) const EXIT_CODE: u8 = 130;

/// Tells whether Ctrl-C was pressed. Clones share this.
#[derive(Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Begins to listen.
    pub(crate) fn listen() -> Self {
        let (pressed, seen) = watch::channel(false);
        tokio::spawn(async move {
            // If it cannot be listened to, it ends the process as usual.
            if tokio::signal::ctrl_c().await.is_ok() {
                pressed.send_replace(true);
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(i32::from(EXIT_CODE));
            }
        });
        Self(seen)
    }

    pub(crate) fn has_happened(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes when Ctrl-C is pressed.
    pub(crate) async fn happened(&self) {
        if self.0.clone().wait_for(|pressed| *pressed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// An approver whose question is withdrawn by Ctrl-C.
pub(crate) struct UntilInterrupted<A> {
    pub(crate) approver: A,
    pub(crate) interrupt: Interrupt,
}

impl<A: Approver> Approver for UntilInterrupted<A> {
    fn review<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Review> {
        async move {
            tokio::select! {
                review = self.approver.review(request) => review,
                () = self.interrupt.happened() => Review::NoAnswer,
            }
        }
        .boxed()
    }

    fn mask_support(&self) -> MaskSupport {
        self.approver.mask_support()
    }

    fn review_with<'a>(
        &'a self,
        request: &'a ApprovalRequest,
        access: &'a ReviewAccess,
    ) -> BoxFuture<'a, Review> {
        async move {
            tokio::select! {
                review = self.approver.review_with(request, access) => review,
                () = self.interrupt.happened() => Review::NoAnswer,
            }
        }
        .boxed()
    }
}
