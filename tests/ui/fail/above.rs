//! Macros that ran before `#[hitl_tool]` have seen the secrets.

use hitl::{hitl_tool, hitl_tools};

/// Traced.
#[tracing::instrument]
#[hitl_tool]
async fn traced(amount: u64, #[hitl(sensitive)] pin: String) -> u64 {
    amount + pin.len() as u64
}

/// Traced, and what fails is logged.
#[tracing::instrument(skip_all, err(Debug), fields(amount))]
#[hitl_tool(risk = "high")]
async fn traced_errors(amount: u64) -> Result<u64, String> {
    Ok(amount)
}

/// Traced on some machines.
#[cfg_attr(all(), tracing::instrument)]
#[hitl_tool]
async fn traced_here(amount: u64) -> u64 {
    amount
}

/// Is no async fn any more.
#[tokio::main(flavor = "current_thread")]
#[hitl_tool]
async fn main_fn(amount: u64) -> u64 {
    amount
}

macro_rules! instrumented {
    ($name:ident) => {
        /// Traced by a macro.
        #[tracing::instrument]
        #[hitl_tool]
        async fn $name(amount: u64) -> u64 {
            amount
        }
    };
}

instrumented!(traced_by_a_macro);

struct Desk;

#[hitl_tools]
impl Desk {
    /// Is the same above and below: the block is rewritten first.
    #[tracing::instrument(skip(self))]
    #[hitl_tool]
    async fn in_a_block(&self, amount: u64) -> u64 {
        amount
    }
}

fn main() {
    // What they would make is there: no errors follow.
    let _: (Traced, TracedErrors, TracedHere) = (traced(1, "2"), traced_errors(1), traced_here(1));
    let _: (MainFn, DeskInABlock) = (main_fn(1), Desk::in_a_block(1));
}
