//! Tools that say what a call would do.

#![deny(warnings, unused, nonstandard_style, missing_docs, clippy::pedantic)]

use std::sync::Arc;

use hitl::call::CallPreview;
use hitl::{CallContext, RunContext, hitl_tool, hitl_tools};

struct Bank;

mod previews {
    use super::{Arc, Bank, CallContext, CallPreview};

    /// Each parameter as the tool has it.
    pub(crate) async fn pay(
        to: &str,
        amount: u64,
        parts: &[String],
        pin: String,
        bank: &Bank,
        again: Arc<Bank>,
        cx: &CallContext,
    ) -> Result<CallPreview, std::io::Error> {
        let _ = (parts, pin, bank, again, cx);
        Ok(CallPreview::new().fact("to", to).fact("amount", amount))
    }
}

/// Pays.
#[hitl_tool(preview = previews::pay)]
pub async fn pay(
    to: &str,
    mut amount: u64,
    parts: &[String],
    #[hitl(sensitive)] pin: String,
    #[hitl(state)] bank: &Bank,
    #[hitl(state)] again: Arc<Bank>,
    #[hitl(context)] cx: &CallContext,
    #[cfg(any())] never: NoSuchType,
) -> u64 {
    amount += 1;
    let _ = (to, parts, pin, bank, again, cx);
    amount
}

async fn nothing() -> CallPreview {
    CallPreview::new().text("nothing")
}

/// Does nothing.
#[hitl_tool(preview = nothing)]
async fn idle() {}

struct Office;

impl Office {
    async fn would_file(&self, id: String, cx: &RunContext) -> Result<CallPreview, String> {
        let _ = self;
        Ok(CallPreview::new().difference("shelf", "", id).fact("attempt", cx.attempt()))
    }
}

async fn would_drop(office: &Office, id: u8) -> CallPreview {
    let _ = office;
    CallPreview::new().fact("id", id)
}

#[hitl_tools]
impl Office {
    /// Files it.
    #[hitl_tool(preview = Office::would_file)]
    async fn file(&self, id: String, #[hitl(context)] cx: &RunContext) -> usize {
        let _ = cx;
        id.len()
    }

    /// Drops it.
    #[hitl_tool(preview = would_drop)]
    async fn forget(&self, id: u8) {
        let _ = id;
    }
}

fn main() {
    let _ = pay("a", 1, Vec::<String>::new(), "1234");
    let _ = idle();
    let _ = (Office::file("1"), Office::forget(1));
    let _ = (Office, Bank);
}
