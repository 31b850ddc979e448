//! The kinds of service, and of their tools, that are permitted.

use std::sync::Arc;

use hitl::hitl_tools;

struct Generic<T>(T);

#[hitl_tools]
impl<T> Generic<T> {
    /// Fits all.
    #[hitl_tool]
    async fn any(&self) {}
}

#[hitl_tools]
impl Generic<u8> {
    /// Fits one.
    #[hitl_tool]
    async fn bytes(&self, #[hitl(sensitive)] pin: String) {}
}

struct Plain;

trait Serve {
    async fn serve(&self);
}

#[hitl_tools]
impl Serve for Plain {
    /// Serves.
    #[hitl_tool]
    async fn serve(&self) {}
}

#[hitl_tools]
impl Plain {
    fn helper(&self) {}
}

struct Receivers;

#[hitl_tools]
impl Receivers {
    /// Takes all.
    #[hitl_tool]
    async fn consumed(self) {}

    /// Changes it.
    #[hitl_tool]
    async fn changed(&mut self) {}

    /// Keeps it.
    #[hitl_tool]
    async fn kept(self: Arc<Self>) {}

    /// Borrows it.
    #[hitl_tool]
    async fn borrowed<'a>(&'a self) {}

    /// Does without.
    #[hitl_tool]
    async fn without(a: u8) {}
}

struct Tools;

#[hitl_tools(risk = "high")]
impl Tools {
    #[hitl_tool]
    async fn undescribed(&self) {}

    /// Contradicts itself.
    #[hitl_tool(read_only, destructive)]
    async fn contradictory(&self) {}

    /// Is generic.
    #[hitl_tool]
    async fn generic<T>(&self, of: T) {}

    /// Is given twice.
    #[hitl_tool]
    #[hitl_tool]
    async fn twice(&self) {}

    /// Has a name of ours.
    #[hitl_tool]
    async fn ours(&self) {
        self.__hitl_body();
    }

    /// Has a default that all could read.
    #[hitl_tool]
    async fn told(&self, #[hitl(sensitive, default = "1234")] pin: String) {}

    /// Is fine.
    #[hitl_tool]
    async fn fine(&self, #[hitl(context)] cx: &hitl::CallContext, a: u8) {}
}

#[hitl_tools]
async fn not_a_block() {}

#[hitl_tools]
struct NotABlock;

fn main() {
    // What could be read can be used: these add no errors of their own.
    let _ = (Receivers::consumed(), Tools::fine(1), Tools::generic(1));
    let _ = hitl::Gate::builder().tools::<Tools>(Tools).tools::<Receivers>(Receivers);
}
