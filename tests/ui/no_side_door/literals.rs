//! Neither a permit nor a call can be written out past its constructor.

use hitl::call::Permit;
use hitl::{RunContext, Tool};

mod bank {
    use hitl::hitl_tool;

    /// Pays.
    #[hitl_tool]
    pub async fn pay(amount: u64) -> u64 {
        amount
    }
}

use bank::{Pay, pay};

fn permit(cx: RunContext) {
    let _ = Pay::run(Permit { arguments: pay(1), cx });
}

fn call() {
    let Pay { amount } = Pay { amount: 1 };
}

fn main() {}
