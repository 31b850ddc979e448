//! Arguments that cannot name contents.

use std::sync::Arc;

use hitl::{CallContext, hitl_tool, hitl_tools};

struct Ledger;

/// Keys that do not fit.
#[hitl_tool]
async fn keys(
    #[hitl(content_of, sensitive)] a: String,
    #[hitl(state, content_of)] b: Arc<Ledger>,
    #[hitl(context, content_of)] c: CallContext,
    #[hitl(content_of = "read")] d: String,
    #[hitl(content_of = |path| path)] e: String,
    #[hitl(content_of, content_of)] f: String,
    #[hitl(contents_of)] g: String,
    #[hitl(content_of = )] h: String,
) {
    let _ = (a, b, c, d, e, f, g, h);
}

/// No path.
#[hitl_tool]
async fn no_path(#[hitl(content_of)] a: u64, #[hitl(content_of)] b: Vec<bool>) {
    let _ = (a, b);
}

/// No reader.
#[hitl_tool]
async fn no_reader(
    #[hitl(content_of = nowhere)] a: String,
    #[hitl(content_of = not_async)] b: String,
    #[hitl(content_of = of_another_type)] c: String,
    #[hitl(content_of = of_no_bytes)] d: String,
) {
    let _ = (a, b, c, d);
}

fn not_async(_: &str) -> Result<String, String> {
    Err(String::new())
}

async fn of_another_type(_: &u64) -> Result<String, String> {
    Err(String::new())
}

async fn of_no_bytes(_: &str) -> Result<u64, String> {
    Err(String::new())
}

#[hitl_tools]
impl Ledger {
    /// Its own name.
    #[hitl_tool]
    async fn own(&self, #[hitl(content_of = Self::read)] a: String) {
        let _ = a;
    }
}

fn main() {}
