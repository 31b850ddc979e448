//! Fns that cannot say what a call would do.

use hitl::call::CallPreview;
use hitl::{hitl_tool, hitl_tools};

/// A text.
#[hitl_tool(preview = "preview_it")]
async fn text(a: String) {
    let _ = a;
}

/// A closure.
#[hitl_tool(preview = |a| a)]
async fn closure(a: String) {
    let _ = a;
}

/// Nothing.
#[hitl_tool(preview)]
async fn alone(a: String) {
    let _ = a;
}

/// No such fn.
#[hitl_tool(preview = nowhere)]
async fn missing(a: String) {
    let _ = a;
}

fn not_async(_: String) -> CallPreview {
    CallPreview::new()
}

/// Not async.
#[hitl_tool(preview = not_async)]
async fn blocking(a: String) {
    let _ = a;
}

async fn of_another_type(_: u64) -> CallPreview {
    CallPreview::new()
}

/// Another type.
#[hitl_tool(preview = of_another_type)]
async fn typed(a: String) {
    let _ = a;
}

async fn of_text(_: String) -> String {
    String::new()
}

/// No preview.
#[hitl_tool(preview = of_text)]
async fn wrong(a: String) {
    let _ = a;
}

struct Ledger;

#[hitl_tools]
impl Ledger {
    /// Its own name.
    #[hitl_tool(preview = Self::would)]
    async fn own(&self, a: String) {
        let _ = a;
    }
}

fn main() {}
