//! The consumers of a task's events.

#[cfg(feature = "terminal")]
mod bars_writer;
pub(crate) mod broadcast;
mod coalescing_channel;
mod dashboard;
pub(crate) mod emitter;
mod event_log;
pub(crate) mod fan_out;
mod json_lines;
#[cfg(feature = "terminal")]
mod progress_bars;
mod tracing_emitter;

#[cfg(feature = "terminal")]
pub use bars_writer::BarsWriter;
pub use broadcast::{Broadcast, BroadcastItem, Subscription};
pub use coalescing_channel::{CoalescingChannel, Inbox};
pub use dashboard::{Dashboard, DashboardSnapshot, DashboardUpdates};
pub use emitter::{NoopEmitter, ProgressEmitter};
pub use event_log::{EventLog, LogItem, LogPosition, LogReader, ParseLogPositionError};
pub use fan_out::FanOut;
pub use json_lines::JsonLines;
#[cfg(feature = "terminal")]
pub use progress_bars::{PauseGuard, ProgressBars};
pub use tracing_emitter::TracingEmitter;
