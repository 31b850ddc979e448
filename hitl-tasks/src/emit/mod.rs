//! Where a task's events go.

#[cfg(feature = "terminal")]
mod bars;
mod broadcast;
mod emitter;
mod fan_out;
mod json_lines;

#[cfg(feature = "terminal")]
pub use bars::{Paused, ProgressBars};
pub use broadcast::{Broadcast, Subscription, Update};
pub(crate) use emitter::emit_guarded;
pub use emitter::{ProgressEmitter, Silent};
pub use fan_out::FanOut;
pub use json_lines::JsonLines;
