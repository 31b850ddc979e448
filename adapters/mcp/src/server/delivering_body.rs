//! The body of an answer over HTTP: its outcome has arrived once the connection has taken all of
//! it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::combinators::BoxBody;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::delivery::{Delivery, DeliverySlot, PATIENCE};
use super::session_owners::Owner;

/// The outcomes that are being written or marked as delivered, by the callers whose they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrivals(Arc<State>);

#[derive(Debug, Default)]
struct State {
    on_the_way: Mutex<HashMap<Owner, usize>>,
    arrived: Notify,
}

impl State {
    fn on_the_way(&self) -> MutexGuard<'_, HashMap<Owner, usize>> {
        self.on_the_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrivals {
    /// Waits a short while until all outcomes of a caller have arrived: the next call is a new one
    /// then.
    ///
    /// Cancel safe.
    pub(super) async fn until_none_of(&self, owner: &Owner) {
        let none = async {
            loop {
                let arrived = self.0.arrived.notified();
                tokio::pin!(arrived);
                // Before the number is read, so that no change is missed.
                arrived.as_mut().enable();
                if !self.0.on_the_way().contains_key(owner) {
                    return;
                }
                arrived.await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, none).await;
    }

    fn begin(&self, owner: &Owner) -> OnTheWay {
        *self.0.on_the_way().entry(owner.clone()).or_default() += 1;
        OnTheWay { arrivals: self.clone(), owner: owner.clone() }
    }
}

/// An outcome on its way, counted until this is dropped.
struct OnTheWay {
    arrivals: Arrivals,
    owner: Owner,
}

impl Drop for OnTheWay {
    fn drop(&mut self) {
        let state = &self.arrivals.0;
        if let Entry::Occupied(mut number) = state.on_the_way().entry(self.owner.clone()) {
            *number.get_mut() = number.get().saturating_sub(1);
            if *number.get() == 0 {
                number.remove();
            }
        }
        state.arrived.notify_waiters();
    }
}

/// The body of an answer that may carry an outcome. It ends once the outcome is marked as
/// delivered. If it is dropped before it was read to its end, nothing is marked, and the same call
/// gets the outcome once more.
pub(super) struct DeliveringBody {
    inner: BoxBody<Bytes, Infallible>,
    slot: DeliverySlot,
    arrivals: Arrivals,
    owner: Owner,
    stage: Stage,
}

enum Stage {
    /// The inner body is being read. The answer is among what was read if it is on its way.
    Streaming(Option<OnTheWay>),
    /// Everything was read.
    Read(Delivery, OnTheWay),
    Marking(JoinHandle<()>),
    Ended,
}

impl DeliveringBody {
    pub(super) fn new(
        inner: BoxBody<Bytes, Infallible>,
        slot: DeliverySlot,
        arrivals: Arrivals,
        owner: Owner,
    ) -> Self {
        Self { inner, slot, arrivals, owner, stage: Stage::Streaming(None) }
    }
}

// The end and the size stay unknown: a connection that knew them would not ask for the end.
impl Body for DeliveringBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        loop {
            match std::mem::replace(&mut this.stage, Stage::Ended) {
                Stage::Streaming(mut on_the_way) => {
                    let polled = Pin::new(&mut this.inner).poll_frame(cx);
                    let Poll::Ready(frame) = polled else {
                        this.stage = Stage::Streaming(on_the_way);
                        return Poll::Pending;
                    };
                    let Some(frame) = frame else {
                        let carried = on_the_way.and_then(|way| Some((this.slot.take()?, way)));
                        let Some((delivery, way)) = carried else { return Poll::Ready(None) };
                        this.stage = Stage::Read(delivery, way);
                        // The connection writes first what it holds. If it cannot, it drops this.
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    };
                    if on_the_way.is_none() && this.slot.is_filled() && is_message(&frame) {
                        on_the_way = Some(this.arrivals.begin(&this.owner));
                    }
                    this.stage = Stage::Streaming(on_the_way);
                    return Poll::Ready(Some(frame));
                }
                Stage::Read(delivery, way) => {
                    // A task of its own: from here on the outcome has arrived.
                    this.stage = Stage::Marking(tokio::spawn(async move {
                        delivery.arrived().await;
                        drop(way);
                    }));
                }
                Stage::Marking(mut marking) => {
                    if Pin::new(&mut marking).poll(cx).is_pending() {
                        this.stage = Stage::Marking(marking);
                        return Poll::Pending;
                    }
                }
                Stage::Ended => return Poll::Ready(None),
            }
        }
    }
}

/// Returns whether a frame is more than a comment that keeps a stream of events alive.
fn is_message(frame: &Result<Frame<Bytes>, Infallible>) -> bool {
    frame.as_ref().is_ok_and(|frame| frame.data_ref().is_some_and(|data| !data.starts_with(b":")))
}
