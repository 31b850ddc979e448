//! A method that became a tool is no method any more, and its body has no other way in.

use hitl::hitl_tools;

pub struct Bank;

#[hitl_tools]
impl Bank {
    /// Pays.
    #[hitl_tool]
    pub async fn pay(&self, amount: u64) -> u64 {
        if amount > 100 {
            // Itself, past the gate.
            return self.pay(amount / 2).await;
        }
        amount
    }

    /// Pays twice.
    #[hitl_tool]
    pub async fn pay_twice(&self, amount: u64) -> u64 {
        // Its sibling, past the gate.
        self.pay(amount).await + Self::pay(amount).await
    }

    /// Not a tool, and not allowed to start one either.
    pub async fn quietly(&self) -> u64 {
        self.pay(1).await
    }
}

fn by_trait(bank: &Bank) {
    let _ = <Bank as __HitlService>::__hitl_body(bank, Bank::pay(1));
    let _ = bank.__hitl_body(Bank::pay(1));
}

fn main() {}
