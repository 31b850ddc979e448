//! The transport of streams: a message on each line, calls with their exact arguments.
//!
//! It is `rmcp`'s own transport but for these: arguments are kept as they were sent; what is no
//! message is answered; and a client that does not read is not read from either, so that what waits
//! to be written has a limit.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ErrorData, GetExtensions as _, JsonRpcMessage,
    ServerJsonRpcMessage,
};
use rmcp::service::RoleServer;
use rmcp::transport::Transport;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::{Notify, mpsc, oneshot};

use super::arguments::CALL;
use super::delivery::{Delivery, PATIENCE};
use super::message::{Incoming, read_line};
use super::open_requests::OpenRequests;
use crate::id_scan::LongMessage;
use crate::lines::{Line, LineReader};

/// The longest line that is read, in bytes.
pub(super) const MAX_LINE: usize = 4 * 1024 * 1024;
/// The bytes that may wait to be written before nothing more is read.
const MAX_UNWRITTEN: usize = 8 * 1024 * 1024;
/// The messages that the writer takes at a time.
const WRITER: usize = 16;

/// A message for the writer.
struct Outgoing {
    line: Vec<u8>,
    delivery: Option<Delivery>,
    written: oneshot::Sender<io::Result<()>>,
}

/// The state that reader and writer share.
#[derive(Default)]
struct Traffic {
    /// The bytes that wait to be written.
    unwritten: AtomicUsize,
    /// The outcomes that are being written or marked.
    deliveries: AtomicUsize,
    moved: Notify,
    /// The requests that have no answer yet.
    open: Mutex<OpenRequests>,
}

impl Traffic {
    fn open(&self) -> MutexGuard<'_, OpenRequests> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(counter: &AtomicUsize, by: usize, moved: &Notify) {
        counter.fetch_sub(by, Ordering::AcqRel);
        moved.notify_waiters();
    }

    /// Waits until a counter is at most this.
    ///
    /// Cancel safe.
    async fn until(&self, counter: &AtomicUsize, most: usize) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            // Before the counter is read, so that no change is missed.
            moved.as_mut().enable();
            if counter.load(Ordering::Acquire) <= most {
                return;
            }
            moved.await;
        }
    }
}

/// The transport of a pair of streams.
pub(super) struct LineTransport<R> {
    lines: LineReader<BufReader<R>>,
    traffic: Arc<Traffic>,
    writer: Option<mpsc::Sender<Outgoing>>,
    /// An error that is still to be sent.
    refusal: Option<ServerJsonRpcMessage>,
    /// A message that waits for earlier outcomes to be delivered.
    held: Option<ClientJsonRpcMessage>,
}

impl<R: AsyncRead + Unpin + Send + 'static> LineTransport<R> {
    pub(super) fn new<W>(read: R, write: W, max_line: usize) -> Self
    where
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let traffic = Arc::new(Traffic::default());
        let (writer, queue) = mpsc::channel(WRITER);
        tokio::spawn(write_all(write, queue, Arc::clone(&traffic)));
        Self {
            lines: LineReader::new(BufReader::new(read), max_line),
            traffic,
            writer: Some(writer),
            refusal: None,
            held: None,
        }
    }

    /// Reads a line that was received, and notes a request as open.
    fn read(&mut self, line: &[u8]) -> Option<ClientJsonRpcMessage> {
        match read_line(line) {
            Incoming::Nothing => None,
            Incoming::Refused(id, error) => {
                tracing::warn!(%error, "a line of the client was refused");
                self.refusal = Some(ServerJsonRpcMessage::error(error, id));
                None
            }
            Incoming::Message(mut message, arguments) => {
                match &mut *message {
                    JsonRpcMessage::Request(request) => {
                        let opened = self.traffic.open().open(&request.id, line.len());
                        let slot = match opened {
                            Ok(slot) => slot,
                            Err(why) => {
                                let error = ErrorData::new(why.code(), why.to_string(), None);
                                let id = Some(request.id.clone());
                                self.refusal = Some(ServerJsonRpcMessage::error(error, id));
                                return None;
                            }
                        };
                        let extensions = request.request.extensions_mut();
                        extensions.insert(slot);
                        if let Some(arguments) = arguments {
                            extensions.insert(arguments);
                        }
                    }
                    JsonRpcMessage::Notification(notification) => {
                        // Its request will have no answer.
                        if let ClientNotification::CancelledNotification(cancelled) =
                            &notification.notification
                            && let Some(id) = &cancelled.params.request_id
                        {
                            self.traffic.open().close(id);
                        }
                    }
                    _ => {}
                }
                Some(*message)
            }
        }
    }

    /// Sends the error that is still to be sent.
    ///
    /// Cancel safe: it is sent by the next call.
    async fn send_refusal(&mut self) -> Result<(), ()> {
        let Some(refusal) = &self.refusal else { return Ok(()) };
        let writer = self.writer.as_ref().ok_or(())?;
        let line = line_of(refusal).map_err(drop)?;
        let place = writer.reserve().await.map_err(drop)?;
        self.traffic.unwritten.fetch_add(line.len(), Ordering::AcqRel);
        let (written, _) = oneshot::channel();
        place.send(Outgoing { line, delivery: None, written });
        self.refusal = None;
        Ok(())
    }
}

impl<R: AsyncRead + Unpin + Send + 'static> Transport<RoleServer> for LineTransport<R> {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let id = match &message {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            _ => None,
        };
        let slot = id.and_then(|id| self.traffic.open().close(id));
        let delivery = slot.and_then(|slot| slot.take());
        let line = line_of(&message);
        let (traffic, writer) = (Arc::clone(&self.traffic), self.writer.clone());
        if let Ok(line) = &line {
            traffic.unwritten.fetch_add(line.len(), Ordering::AcqRel);
        }
        if delivery.is_some() {
            traffic.deliveries.fetch_add(1, Ordering::AcqRel);
        }
        let counted = Counted { bytes: line.as_ref().map_or(0, Vec::len), delivery, traffic };
        async move {
            let closed = || io::Error::new(io::ErrorKind::NotConnected, "the client is gone");
            let writer = writer.ok_or_else(closed)?;
            let place = writer.reserve().await.map_err(|_| closed())?;
            let (written, done) = oneshot::channel();
            place.send(Outgoing { line: line?, delivery: counted.hand_over(), written });
            done.await.map_err(|_| closed())?
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            self.send_refusal().await.ok()?;
            // A client that does not read is not read from.
            self.traffic.until(&self.traffic.unwritten, MAX_UNWRITTEN).await;
            if self.held.is_some() {
                // The next call is a new one if the last outcome has arrived.
                let delivered = self.traffic.until(&self.traffic.deliveries, 0);
                let _ = tokio::time::timeout(PATIENCE, delivered).await;
                return self.held.take();
            }
            let line = match self.lines.next().await {
                Ok(Line::Whole(line)) => line,
                Ok(Line::TooLong(LongMessage { id, is_answer })) => {
                    // An answer has an id of this server's own: the client is not answered at it.
                    let id = id.filter(|_| !is_answer);
                    let why = "the message is too long; nothing of it was read";
                    tracing::warn!(id = ?id, "a line of the client was too long");
                    let error = ErrorData::invalid_request(why, None);
                    self.refusal = Some(ServerJsonRpcMessage::error(error, id));
                    continue;
                }
                Ok(Line::End) => return None,
                Err(error) => {
                    tracing::warn!(%error, "the client can no longer be read");
                    return None;
                }
            };
            let Some(message) = self.read(&line) else { continue };
            if is_call(&message) && self.traffic.deliveries.load(Ordering::Acquire) > 0 {
                self.held = Some(message);
                continue;
            }
            return Some(message);
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.writer = None;
        Ok(())
    }
}

/// The counts of a message, which are taken back if it never reaches the writer.
struct Counted {
    bytes: usize,
    delivery: Option<Delivery>,
    traffic: Arc<Traffic>,
}

impl Counted {
    /// Leaves it to the writer.
    fn hand_over(mut self) -> Option<Delivery> {
        self.bytes = 0;
        self.delivery.take()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let traffic = &self.traffic;
        if self.bytes > 0 {
            Traffic::change(&traffic.unwritten, self.bytes, &traffic.moved);
        }
        if self.delivery.is_some() {
            Traffic::change(&traffic.deliveries, 1, &traffic.moved);
        }
    }
}

fn is_call(message: &ClientJsonRpcMessage) -> bool {
    matches!(message, JsonRpcMessage::Request(request) if request.request.method() == CALL)
}

fn line_of(message: &ServerJsonRpcMessage) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

/// Writes the messages of a queue, each whole, until the queue is closed or the stream is.
async fn write_all<W: AsyncWrite + Unpin>(
    mut write: W,
    mut queue: mpsc::Receiver<Outgoing>,
    traffic: Arc<Traffic>,
) {
    let mut gone = false;
    while let Some(Outgoing { line, delivery, written }) = queue.recv().await {
        let result = if gone {
            Err(io::ErrorKind::BrokenPipe.into())
        } else {
            async {
                write.write_all(&line).await?;
                write.flush().await
            }
            .await
        };
        Traffic::change(&traffic.unwritten, line.len(), &traffic.moved);
        gone = result.is_err();
        if let Some(delivery) = delivery {
            if !gone {
                delivery.arrived().await;
            }
            Traffic::change(&traffic.deliveries, 1, &traffic.moved);
        }
        let _ = written.send(result);
    }
    let _ = write.shutdown().await;
}
