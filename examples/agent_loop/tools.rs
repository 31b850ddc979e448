//! Three tools of a shop. Those with effects leave a line in its ledger.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hitl::RunContext;
use hitl::hitl_tool;

/// The shop: a ledger in a file.
pub(crate) struct Shop {
    ledger: PathBuf,
    /// The time that each tool takes.
    pace: Duration,
}

impl Shop {
    pub(crate) fn new(folder: &Path, pace: Duration) -> Self {
        Self { ledger: folder.join("ledger.txt"), pace }
    }

    async fn enter(&self, run: &RunContext, what: &str) -> io::Result<()> {
        let mut ledger = OpenOptions::new().create(true).append(true).open(&self.ledger)?;
        ledger.write_all(format!("{} {what}\n", run.key()).as_bytes())?;
        ledger.sync_data()?;
        tokio::time::sleep(self.pace).await;
        Ok(())
    }
}

/// Looks up an order.
#[hitl_tool(read_only, base_confidence = 95)]
pub(crate) async fn look_up_order(
    #[hitl(state)] shop: &Shop,
    order: String,
) -> Result<String, io::Error> {
    tokio::time::sleep(shop.pace).await;
    Ok(format!("{order}: a lamp, $40, paid and delivered"))
}

/// Pays an order back.
#[hitl_tool(
    approval_type = "financial",
    risk = "medium",
    base_confidence = 70,
    describe = "Refund ${amount} for {order}"
)]
pub(crate) async fn refund(
    #[hitl(state)] shop: &Shop,
    #[hitl(context)] run: &RunContext,
    /// The order's number.
    order: String,
    /// In whole dollars.
    amount: u32,
) -> Result<String, io::Error> {
    shop.enter(run, &format!("refund {order} ${amount}")).await?;
    Ok(format!("refunded ${amount} for {order}"))
}

/// Writes to the customer of an order.
#[hitl_tool(risk = "medium", base_confidence = 70, describe = "Write to the customer of {order}")]
pub(crate) async fn send_mail(
    #[hitl(state)] shop: &Shop,
    #[hitl(context)] run: &RunContext,
    order: String,
    text: String,
) -> Result<String, io::Error> {
    shop.enter(run, &format!("mail {order} {} letters", text.len())).await?;
    Ok("sent".to_owned())
}
