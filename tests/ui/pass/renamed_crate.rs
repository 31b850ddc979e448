//! hitl under another name, reached by a path.

mod my {
    pub use hitl as people;
}

mod hitl {}

/// Pays.
#[my::people::hitl_tool(crate = my::people)]
async fn pay(amount: u64, #[hitl(default = 1)] times: u8) -> Result<u64, String> {
    Ok(amount * u64::from(times))
}

mod inside {
    /// Pays.
    #[::hitl::hitl_tool(crate = super::my::people)]
    pub(super) async fn pay_back(amount: u64) -> u64 {
        amount
    }
}

fn main() {
    let (_, _): (Pay, inside::PayBack) = (pay(1, 2), inside::pay_back(3));
}
