//! Where a task's events go.

#[cfg(feature = "terminal")]
mod bars;
mod broadcast;
mod channel;
mod dashboard;
mod emitter;
mod fan_out;
mod json_lines;
mod log;
mod trace;

#[cfg(feature = "terminal")]
pub use bars::{Paused, ProgressBars};
pub use broadcast::{Broadcast, Subscription, Update};
pub use channel::{Channel, Inbox};
pub use dashboard::{Dashboard, DashboardSnapshot, DashboardUpdates};
pub(crate) use emitter::emit_guarded;
pub use emitter::{ProgressEmitter, Silent};
pub use fan_out::FanOut;
pub use json_lines::JsonLines;
pub use log::{EventLog, LogReader, Logged, ParsePositionError, Position};
pub use trace::Tracing;
