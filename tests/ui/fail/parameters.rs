//! Parameters.

use std::sync::Arc;

use hitl::{CallContext, hitl_tool};

struct Ledger;

/// Attributes.
#[hitl_tool]
async fn attributes(
    #[cfg_attr(unix, hitl(sensitive))] a: u8,
    #[serde(rename = "x")] b: u8,
    #[hitl] c: u8,
    #[hitl()] d: u8,
    #[hitl(secret)] e: u8,
    #[hitl(sensitiv)] f: u8,
    #[hitl(stat)] g: &Ledger,
    #[hitl(sensitive, sensitive)] h: u8,
    #[hitl(sensitive = true)] i: u8,
    #[hitl(default = )] j: u8,
    #[hitl(sensitive, default = "1234")] k: String,
    #[hitl(state, sensitive)] l: Arc<Ledger>,
    #[hitl(context, default)] m: CallContext,
    #[hitl(state, context)] n: u8,
) {
    let _ = (a, b, c, d, e, f, g, h, i, j, k, l, m, n);
}

/// Patterns.
#[hitl_tool]
async fn patterns((a, b): (u8, u8), Ledger: Ledger, _: u8, ref c: u8, d @ 1..: u8) {}

/// References.
#[hitl_tool]
async fn references(
    ledger: &Ledger,
    text: &mut str,
    texts: Vec<&str>,
    slices: &[&str],
    long: &'static str,
    cow: std::borrow::Cow<'_, str>,
) {
}

/// From the host.
#[hitl_tool]
async fn from_the_host(
    #[hitl(state)] a: &mut Ledger,
    #[hitl(state)] b: &'static Ledger,
    #[hitl(state)] c: std::borrow::Cow<'_, str>,
    #[hitl(state)] d: Option<&Ledger>,
    #[hitl(state)] e: impl Clone,
    #[hitl(context)] f: Option<CallContext>,
) {
}

/// Two.
#[hitl_tool]
async fn two_contexts(#[hitl(context)] a: &CallContext, #[hitl(context)] b: CallContext) {
    let _ = (a, b);
}

/// Another type.
#[hitl_tool]
async fn no_context(#[hitl(context)] a: &Ledger) {
    let _ = a;
}

/// Anything.
#[hitl_tool]
async fn anything(a: impl Into<String>, b: Vec<impl Clone>) {}

fn main() {
    let _: (Patterns, FromTheHost, Anything) = (patterns(1, 2, 3, 4, 5), from_the_host(), anything(1, 2));
}
