//! One stream of everything that happens.

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
use crate::feed::{Place, Subscriber};
use crate::serve::{Peer, StreamSeat};
use crate::state::{Shared, State};
use crate::streams::{NoStream, StreamPlace};

/// How often a stream's right to go on is looked at; revoked tokens lose it within five seconds.
const LOOK: Duration = Duration::from_secs(2);
/// How long one such look may take: a sign-in that does not answer must not keep a stream open.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a stream is silent before it says that it is there.
const SILENCE: Duration = Duration::from_secs(15);

/// The stream: `call` when a call changes, `task` when a task moves, `presence` when somebody looks
/// at a call, `grant` when a reviewer here gives a grant or takes one back, `gap` when events are
/// missing and everything has to be read anew.
///
/// It begins with `hello`. Who comes back with `Last-Event-ID` gets what was missed, or a `gap`.
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
    let slot = place_for(&state, &reviewer, &parts)?;
    let (after, unreadable) = last_seen(&parts.headers);
    let joined = state.feed.join(reviewer.tenant.clone(), after);
    let hello = HelloEvent { principal: reviewer.principal.clone() };
    let hello = serde_json::to_string(&hello).unwrap_or_default();
    let mut due: VecDeque<Bytes> = VecDeque::new();
    if joined.gap || unreadable {
        due.push_back(gap());
    }
    due.extend(joined.missed.into_iter().map(|frame| frame.bytes));
    // After what was missed, so that a connection that breaks half-way does not skip the rest.
    let place = joined.place;
    due.push_back(format!("retry: 1000\nid: {place}\nevent: hello\ndata: {hello}\n\n").into());
    let watcher = Watcher::new(state, reviewer, parts, joined.subscriber, due, slot);
    let body = Body::from_stream(stream::unfold(watcher, Watcher::next));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    // Some proxies hold back what they think is a page.
    Ok((headers, [("x-accel-buffering", "no")], body).into_response())
}

/// A place for one more stream: the console's, and the server's where that is ours.
fn place_for(
    state: &State,
    reviewer: &Reviewer,
    parts: &Parts,
) -> Result<(StreamPlace, Option<StreamSeat>), Problem> {
    let place = state.streams.open(reviewer).map_err(|why| {
        let why = match why {
            NoStream::All => "too many event streams are open; try again later",
            NoStream::Principal => "you have too many event streams open; close some tabs",
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

/// The place of the last event that was seen; and whether one was named that cannot be read.
fn last_seen(headers: &HeaderMap) -> (Option<Place>, bool) {
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

/// Somebody who watches.
struct Watcher {
    state: Shared,
    reviewer: Reviewer,
    /// What they showed when they came.
    parts: Parts,
    subscriber: Subscriber,
    due: VecDeque<Bytes>,
    look: Interval,
    said: Instant,
    _slot: (StreamPlace, Option<StreamSeat>),
}

impl Watcher {
    fn new(
        state: Shared,
        reviewer: Reviewer,
        parts: Parts,
        subscriber: Subscriber,
        due: VecDeque<Bytes>,
        slot: (StreamPlace, Option<StreamSeat>),
    ) -> Self {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.reset();
        Self { state, reviewer, parts, subscriber, due, look, said: Instant::now(), _slot: slot }
    }

    /// The next bytes; nothing when the stream is over.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let bytes = loop {
            if let Some(bytes) = self.due.pop_front() {
                break bytes;
            }
            tokio::select! {
                biased;
                _ = self.look.tick() => {
                    if !self.may_stay().await {
                        return None;
                    }
                    if self.said.elapsed() >= SILENCE {
                        break Bytes::from_static(b": here\n\n");
                    }
                }
                frame = self.subscriber.next() => {
                    break frame.map_or_else(gap, |frame| frame.bytes);
                }
            }
        };
        self.said = Instant::now();
        Some((Ok(bytes), self))
    }

    /// Whether what they showed still makes them who they were.
    async fn may_stay(&self) -> bool {
        let asked = self.state.auth.identify(&self.parts);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(reviewer)) => reviewer == self.reviewer,
            // An answer that does not come cannot be relied upon.
            Ok(Err(_)) | Err(_) => false,
        }
    }
}
