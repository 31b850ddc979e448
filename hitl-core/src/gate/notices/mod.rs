//! Notices, so that nobody waits in silence: that a call waits, that nobody knows how one ended,
//! that the glass was broken, and that nobody outside of the process could decide one.

pub(super) mod break_glass_notice;
pub(super) mod build_warning;
pub(super) mod decide_hint;
pub(super) mod frozen_notice;
pub(super) mod notice;
pub(super) mod notifier;
pub(super) mod parked_notice;
pub(super) mod wait_timeout;
pub(super) mod waiting_notice;
