//! The kinds of fn that can become a tool.

use hitl::hitl_tool;

/// Does not wait.
#[hitl_tool]
fn not_async(a: u8) -> u8 {
    a
}

/// Fits all.
#[hitl_tool]
async fn generic<T: Clone>(a: T) -> T {
    a
}

/// Borrows.
#[hitl_tool]
async fn lifetimes<'a>(a: &'a str) {}

/// Where.
#[hitl_tool]
async fn with_where() where u8: Copy {}

/// Unsafe.
#[hitl_tool]
async unsafe fn not_safe() {}

/// Foreign.
#[hitl_tool]
async extern "C" fn foreign() {}

/// Constant.
#[hitl_tool]
const fn constant() {}

/// Linked by name.
#[hitl_tool]
#[unsafe(no_mangle)]
async fn linked() {}

/// Has a name like ours.
#[hitl_tool]
async fn ours(__hitl_call: u8) {
    let _ = __hitl_call;
}

/// Calls our name.
#[hitl_tool]
async fn calls_ours() {
    __hitl_body().await
}

struct Server;

impl Server {
    /// Serves.
    #[hitl_tool]
    async fn serve(&self, _: u8) {}
}

#[hitl_tool]
impl Server {}

#[hitl_tool]
struct NotAFn;

fn main() {
    let _: (NotAsync, Generic, WithWhere, NotSafe) = (not_async(1), generic(2), with_where(), not_safe());
    let _ = NotAFn;
}
