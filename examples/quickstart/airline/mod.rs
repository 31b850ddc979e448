//! A small airline in memory, so that replayed calls have something to act on.
//!
//! | file | what is there |
//! |---|---|
//! | `types` | what travels in and out |
//! | `world` | one run's airline: what was booked, changed, cancelled |
//! | `fabricate` | users, reservations and flights, made up from their ids |
//! | `fares` | what flights cost, and whether a payment fits |
//! | `calculator` | sums, safely |

pub(crate) mod calculator;
mod fabricate;
mod fares;
pub(crate) mod types;
mod world;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hitl::{RunContext, RunId};

pub(crate) use world::World;

/// The airline said no.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Every recorded run had an airline of its own, fresh at its start; so has every replayed one.
///
/// It lives in memory and ends with the process. What ran and what waits is in the gate's store,
/// which does not.
pub(crate) struct Airline {
    worlds: Mutex<HashMap<RunId, World>>,
    /// How long each request takes.
    pace: Duration,
    /// Told of each request, when it takes long.
    at_work: Box<dyn Fn(&str) + Send + Sync>,
}

impl Airline {
    pub(crate) fn new(pace: Duration, at_work: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { worlds: Mutex::default(), pace, at_work: Box::new(at_work) }
    }

    /// Takes the time that a request takes, then acts on the airline of the caller's run.
    pub(crate) async fn serve<T>(
        &self,
        cx: &RunContext,
        request: &str,
        act: impl FnOnce(&mut World) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if !self.pace.is_zero() {
            (self.at_work)(request);
            tokio::time::sleep(self.pace).await;
        }
        let mut worlds = self.worlds.lock().unwrap_or_else(PoisonError::into_inner);
        act(worlds.entry(cx.key().run.clone()).or_default())
    }
}
