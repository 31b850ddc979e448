//! The check of one-time codes, and the prompt for one.

use hitl_core::Principal;
use hitl_core::approval::KnownBy;
use hitl_core::people::{CodeDemand, PeopleError, PeopleErrorKind};

use super::surroundings::Surroundings;
use crate::backend::StoreBackend;
use crate::commands::terminal;
use crate::exit::{Exit, Failure};

/// Checks the codes of people who have enrolled in a store.
pub(crate) struct CodeDesk<'s>(&'s StoreBackend);

impl<'s> CodeDesk<'s> {
    /// Creates a desk for this store.
    pub(crate) fn new(source: &'s StoreBackend) -> Self {
        Self(source)
    }

    /// Returns the actions that require a credential; `None` when nobody has enrolled.
    pub(super) async fn demands(&self) -> Result<Option<CodeDemand>, Failure> {
        Ok(self.0.gate.people().demand().await?)
    }

    /// Checks a code, and uses it up.
    pub(super) async fn check(&self, name: &Principal, code: &str) -> Result<KnownBy, Failure> {
        Ok(self.0.gate.people().check(name, code).await?)
    }
}

/// Asks for a code at the terminal.
pub(super) fn ask(name: &str, surroundings: &Surroundings) -> Result<String, Failure> {
    if *surroundings != Surroundings::Terminal {
        let why = "a one-time code is needed: --code CODE, or HITL_CODE; nothing was done";
        return Err(Failure::new(Exit::Refused, why));
    }
    let shown = terminal::clip_name(name);
    let typed = terminal::ask("", &format!("One-time code of {shown}:"))?;
    Ok(typed.trim().to_owned())
}

impl From<PeopleError> for Failure {
    fn from(error: PeopleError) -> Self {
        use PeopleErrorKind as K;
        let exit = match error.kind() {
            K::WrongCode | K::Closed | K::NotEnrolled | K::Taken | K::NoRoom => Exit::Refused,
            K::Overtaken => Exit::Conflict,
            K::Count => return Self::usage(format!("--codes: {error}")),
            _ => Exit::Failed,
        };
        match error {
            PeopleError::Store(error) => error.into(),
            error => Self::new(exit, error.to_string()),
        }
    }
}
