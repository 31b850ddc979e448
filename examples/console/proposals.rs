//! An agent works: it proposes the calls of recorded runs, and continues when few are left to
//! decide.

use std::time::Duration;

use hitl::store::PageRequest;
use hitl::{CallContext, CallState, Gate, GateError, RequestId, Tenant};

use crate::airline::records::Records;
use crate::data::{self, Recorded};
use crate::office::{delete_project, sign_contract};

const SHIPPED: &[u8] = include_bytes!("../quickstart/data/airline-calls.jsonl");

/// The number of calls that should be pending.
const WAITING: usize = 24;

/// Proposes calls while fewer are pending than there should be. Ends when there are no more to
/// propose, or when the gate does not accept them.
pub(crate) async fn keep_proposing(gate: &Gate) {
    if let Err(error) = propose(gate).await {
        eprintln!("nothing more is proposed: {error}");
    }
    std::future::pending::<()>().await;
}

async fn propose(gate: &Gate) -> Result<(), GateError> {
    // A new run id each time, so that no call of an earlier run is re-attached.
    let run = RequestId::new().to_string();
    let cx = || CallContext::new("airline agent").role("support").workspace_verified();
    if waiting(gate).await? < WAITING {
        from_the_office(gate).await?;
        for (at, (tool, arguments)) in (0_u64..).zip(ODD) {
            let _waits = gate
                .submit_json(
                    tool,
                    arguments,
                    CallContext::new("web form agent"),
                    format!("{run}/odd"),
                    at,
                )
                .await?;
        }
    }
    let calls = data::read(SHIPPED).unwrap_or_default();
    for Recorded { key, tool, arguments, .. } in calls {
        let mut cx = cx();
        if let Some(said) = Records::shipped().conversation(&key) {
            cx = cx.because(&*said.agent);
        }
        while waiting(gate).await? >= WAITING {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        // Agents make mistakes, and the airline refuses some calls; the next call is proposed all
        // the same.
        let _refused = gate
            .submit_json(&tool, &arguments, cx, format!("{run}/{}", key.run), key.position)
            .await;
    }
    Ok(())
}

async fn from_the_office(gate: &Gate) -> Result<(), GateError> {
    let terms = "Skyline Ground handles ours in Denver for twelve months; 30 days to pay; either side may end it \
                 at the end of a quarter.";
    let contract = sign_contract("C-1042", 48_500.0, "Maria Okafor", terms, "4711");
    let _waits = gate.submit(contract).by(CallContext::new("office agent").role("admin")).await?;
    let clean_up = delete_project("summer-2019-schedules");
    let _waits = gate.submit(clean_up).by("office agent").await?;
    Ok(())
}

/// Calls as a deceived model might write them: the console shows their real content.
const ODD: [(&str, &str); 2] = [
    (
        "update_reservation_passengers",
        r#"{"reservation_id": "8JX2WO", "passengers": [{"first_name": "<img src=x onerror=alert(1)>", "last_name": "Doe\u202e evirD", "dob": "1990-04-02"}]}"#,
    ),
    ("send_certificate", r#"{"user_id": "sara_doe_496\u200b", "amount": 1500}"#),
];

async fn waiting(gate: &Gate) -> Result<usize, GateError> {
    let page = PageRequest::new(&[CallState::Pending]).limit(WAITING);
    Ok(gate.unscoped().list(&Tenant::default(), page).await?.len())
}
