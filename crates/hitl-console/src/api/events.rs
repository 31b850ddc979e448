//! The stream of all events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State as From};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use hitl_wire::event::HelloEvent;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::auth::Reviewer;
use crate::error::Problem;
use crate::feed::{EventId, Subscriber};
use crate::middleware::identify;
use crate::serve::{Peer, StreamSeat};
use crate::state::{Shared, State};
use crate::streams::{StreamLimit, StreamSlot};

/// The interval at which a stream's credentials are checked again; a revoked token loses its
/// streams within five seconds.
const RECHECK_INTERVAL: Duration = Duration::from_secs(2);
/// The time within which such a check must finish: a sign-in that does not answer must not keep a
/// stream open.
const RECHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// The silence after which a stream sends a comment to show that it is alive.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// The stream: `call` when a call changes, `task` when a task moves, `presence` when a reviewer
/// looks at a call, `grant` when a reviewer here gives or revokes a grant, `freeze` when something
/// is frozen or thawed, `gap` when events are missing and everything has to be read again.
///
/// It begins with `hello`. A client that reconnects with `Last-Event-ID` gets the missed events, or
/// a `gap`.
#[utoipa::path(get, path = "/api/events", tag = "events",
    params(("Last-Event-ID" = Option<String>, Header, description = "the id of the last event seen")),
    responses(
        (status = 200, description = "Server-Sent Events; the data of `call` is a CallEvent, of `task` a TaskView, of `presence` a PresenceEvent, of `grant` a GrantView", content_type = "text/event-stream", body = String),
        (status = 401, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn events(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let slot = slot_for(&state, &reviewer, &parts)?;
    let (after, unreadable) = last_seen(&parts.headers);
    let subscription = state.feed.subscribe(reviewer.tenant.clone(), after);
    let hello = HelloEvent { principal: reviewer.principal.clone() };
    let hello = serde_json::to_string(&hello).unwrap_or_default();
    let mut due: VecDeque<Bytes> = VecDeque::new();
    if subscription.gap || unreadable {
        due.push_back(gap());
    }
    due.extend(subscription.missed.into_iter().map(|frame| frame.bytes));
    // Set after the missed events, so that a connection that breaks half-way does not skip the
    // rest.
    let place = subscription.place;
    due.push_back(format!("retry: 1000\nid: {place}\nevent: hello\ndata: {hello}\n\n").into());
    let events = EventStream::new(state, reviewer, parts, subscription.subscriber, due, slot);
    let body = Body::from_stream(stream::unfold(events, EventStream::next));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    // Some proxies buffer a response that they take for a page.
    Ok((headers, [("x-accel-buffering", "no")], body).into_response())
}

/// Takes a slot for one more stream: the console's, and the server's if this crate serves it.
fn slot_for(
    state: &State,
    reviewer: &Reviewer,
    parts: &Parts,
) -> Result<(StreamSlot, Option<StreamSeat>), Problem> {
    let place = state.streams.open(reviewer).map_err(|why| {
        let why = match why {
            StreamLimit::All => "too many event streams are open; try again later",
            StreamLimit::Principal => "you have too many event streams open; close some tabs",
        };
        Problem::busy(why, 5)
    })?;
    let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<Peer>>() else {
        return Ok((place, None));
    };
    match peer.stream_seat() {
        Ok(seat) => Ok((place, seat)),
        Err(_) => Err(Problem::busy("too many event streams are open; try again later", 5)),
    }
}

/// Returns the position of the last event that was seen, and whether one was named that cannot be
/// read.
fn last_seen(headers: &HeaderMap) -> (Option<EventId>, bool) {
    match headers.get("last-event-id") {
        None => (None, false),
        Some(value) => {
            let place = value.to_str().ok().and_then(|text| text.parse().ok());
            (place, place.is_none())
        }
    }
}

fn gap() -> Bytes {
    Bytes::from_static(b"event: gap\ndata: {}\n\n")
}

/// One open stream.
struct EventStream {
    state: Shared,
    reviewer: Reviewer,
    /// The request that opened the stream, with its credentials.
    parts: Parts,
    subscriber: Subscriber,
    due: VecDeque<Bytes>,
    recheck: Interval,
    last_sent: Instant,
    _slot: (StreamSlot, Option<StreamSeat>),
}

impl EventStream {
    fn new(
        state: Shared,
        reviewer: Reviewer,
        parts: Parts,
        subscriber: Subscriber,
        due: VecDeque<Bytes>,
        slot: (StreamSlot, Option<StreamSeat>),
    ) -> Self {
        let mut recheck = interval(RECHECK_INTERVAL);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        recheck.reset();
        Self {
            state,
            reviewer,
            parts,
            subscriber,
            due,
            recheck,
            last_sent: Instant::now(),
            _slot: slot,
        }
    }

    /// Returns the next bytes; `None` when the stream is over.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let bytes = loop {
            if let Some(bytes) = self.due.pop_front() {
                break bytes;
            }
            tokio::select! {
                biased;
                _ = self.recheck.tick() => {
                    if !self.may_stay().await {
                        return None;
                    }
                    if self.last_sent.elapsed() >= KEEPALIVE_INTERVAL {
                        break Bytes::from_static(b": here\n\n");
                    }
                }
                frame = self.subscriber.next() => {
                    break frame.map_or_else(gap, |frame| frame.bytes);
                }
            }
        };
        self.last_sent = Instant::now();
        Some((Ok(bytes), self))
    }

    /// Returns whether the credentials still belong to the same reviewer.
    async fn may_stay(&self) -> bool {
        match identify(&self.state, &self.parts, RECHECK_TIMEOUT).await {
            Ok(Some(reviewer)) => reviewer == self.reviewer,
            // A check without an answer cannot be relied upon.
            Ok(None) | Err(_) => false,
        }
    }
}
