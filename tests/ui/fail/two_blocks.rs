//! A type has one block of tools, and a gate takes only types that have one.

use hitl::hitl_tools;

struct Desk;

#[hitl_tools]
impl Desk {
    /// Opens it.
    #[hitl_tool]
    async fn open(&self) {}
}

#[hitl_tools]
impl Desk {
    /// Closes it.
    #[hitl_tool]
    async fn close(&self) {}
}

struct Other;

fn main() {
    let _ = hitl::Gate::builder().tools::<Other>(Other);
}
