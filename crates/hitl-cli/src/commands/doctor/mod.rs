//! `hitl doctor`: checks one installation, and says what to do. It changes nothing.
//!
//! | file | what is there |
//! |---|---|
//! | `facts` | what is known of an installation |
//! | `collect`, `collect_console` | reads it |
//! | `evaluate/` | what it means: pure, one file for each area |
//! | `finding` | a line of the answer, and the whole of it: pure |

mod collect;
mod collect_console;
mod evaluate;
mod facts;
mod finding;

use super::Output;
use crate::args::{BackendArgs, DoctorArgs};
use crate::exit::{Exit, Failure};
use finding::Diagnosis;

pub(super) async fn run(
    backend: &BackendArgs,
    wanted: &DoctorArgs,
    output: &Output,
) -> Result<(), Failure> {
    let findings = match (&backend.db, &backend.url) {
        (Some(db), None) => evaluate::store(&collect::facts(db, backend, wanted).await?),
        (None, Some(_)) => evaluate::console(&collect_console::facts(backend, wanted).await?),
        _ => {
            let why =
                "name the installation: either --db FILE, --db postgres://.., or --url http://..";
            return Err(Failure::usage(why));
        }
    };
    let diagnosis = Diagnosis::new(findings);
    output.print(&diagnosis, || diagnosis.text())?;
    if diagnosis.is_healthy() { Ok(()) } else { Err(Failure::new(Exit::Found, "")) }
}
