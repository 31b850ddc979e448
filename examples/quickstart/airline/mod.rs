//! A small airline in memory, so that replayed calls have something to act on.
//!
//! | file | what is there |
//! |---|---|
//! | `types` | the types of requests and replies |
//! | `world` | one run's airline: its bookings, changes and cancellations |
//! | `fabricate` | all other users, reservations and flights, generated from their ids |
//! | `records` | what is known of the customers of the shipped calls |
//! | `fares` | the prices of flights, and the check of payments |
//! | `calculator` | arithmetic, evaluated safely |

pub(crate) mod calculator;
mod fabricate;
pub(crate) mod fares;
pub(crate) mod records;
pub(crate) mod types;
mod world;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hitl::RunContext;
use hitl::call::RunId;

pub(crate) use world::World;

/// A refusal by the airline.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An airline for each run: every recorded run had its own, fresh at its start, and so has every
/// replayed one.
///
/// It lives in memory and ends with the process. Calls that ran and calls that wait are in the
/// gate's store, which does not.
pub(crate) struct Airline {
    worlds: Mutex<HashMap<RunId, World>>,
    /// The duration of each request.
    pace: Duration,
    /// Called for each request, if requests take long.
    at_work: Box<dyn Fn(&str) + Send + Sync>,
}

impl Airline {
    pub(crate) fn new(pace: Duration, at_work: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { worlds: Mutex::default(), pace, at_work: Box::new(at_work) }
    }

    /// Waits for the duration of a request, then acts on the airline of the caller's run.
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
        self.look(cx, act)
    }

    /// Looks at the airline of the caller's run at once.
    pub(crate) fn look<T>(
        &self,
        cx: &RunContext,
        look: impl FnOnce(&mut World) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut worlds = self.worlds.lock().unwrap_or_else(PoisonError::into_inner);
        look(worlds.entry(cx.key().run.clone()).or_default())
    }
}
