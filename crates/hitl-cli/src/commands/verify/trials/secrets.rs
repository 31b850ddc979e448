//! What the store keeps, and under which key.

use hitl_core::store::StoreErrorKind;
use hitl_core::{HostKey, RequestId};

use super::super::lab::{Lab, REQUESTER, TOOL, Witness};
use super::super::trial::{Proof, Stop, control, guard};

pub(super) async fn at_rest(lab: &Lab) -> Result<Proof, Stop> {
    let witness = Witness::default();
    let gate = lab.asking(&lab.open().await?, &witness).await?;
    // Both are random, so that neither is there by chance.
    let (run, secret) = (RequestId::new().to_string(), RequestId::new().to_string());
    let (run, secret) = (format!("run-{run}"), format!("secret-{secret}"));
    let arguments = format!(r#"{{"amount": 1, "secret": "{secret}"}}"#);
    let submitted = gate.submit_json(TOOL, &arguments, REQUESTER, run.as_str(), 0).await?;
    let ticket = lab.waits(submitted)?;
    let keeps = async |text: &str| lab.scratch.keeps(text).await;
    control(keeps(&run).await?, "the name of the run, which is no secret, in the store")?;
    guard(!keeps(&secret).await?, "the secret is in the store while the call waits")?;
    lab.approve(&gate, &ticket).await?;
    ticket.wait().await?;
    let ran = witness.last().unwrap_or_default();
    control(ran.contains(&secret), "the secret in the arguments with which the tool ran")?;
    guard(!keeps(&secret).await?, "the secret is in the store after the call has run")?;
    Ok(Proof::new(
        "the run's name was found in the store, and the tool got the secret",
        "the secret was not found, neither before nor after the run",
    ))
}

pub(super) async fn sealed(lab: &Lab) -> Result<Proof, Stop> {
    let (_gate, _ticket) = lab.pending("sealed", &Witness::default()).await?;
    control(lab.scratch.open().await.is_ok(), "an opening under its own key")?;
    let other = HostKey::generate().map_err(|error| Stop::Failed(error.to_string()))?;
    match lab.scratch.open_under(&other).await {
        Ok(_) => Err(Stop::Failed("the store opened under a key that is not its own".to_owned())),
        Err(error) if error.kind() == StoreErrorKind::Key => {
            Ok(Proof::new("it opened under its own key", "under another one it did not"))
        }
        Err(error) => Err(error.into()),
    }
}
