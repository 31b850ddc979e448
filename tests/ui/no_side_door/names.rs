//! Names that the expansion hides stay hidden.

mod bank {
    use hitl::hitl_tool;

    /// Pays.
    #[hitl_tool]
    pub async fn pay(amount: u64, #[hitl(sensitive)] pin: String) -> u64 {
        amount + u64::from(pin.is_empty())
    }
}

use bank::{Pay, pay};

fn body() {
    let _ = __hitl_body(1, "1");
    let _ = bank::__hitl_body(1, "1");
    let _ = Pay::__hitl_body(pay(1, "1"));
}

fn fields() {
    let call = pay(1, "1");
    let _ = call.pin;
}

fn written_out() {
    let _ = serialize(&pay(1, "1"));
}

fn serialize<T: serde::Serialize>(_: &T) {}

fn copied() {
    let _ = pay(1, "1").clone();
}

fn main() {}
