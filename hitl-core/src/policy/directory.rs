//! The directory contract: a directory is an async function from the principal of a call to their
//! present rights.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;

use crate::call::{CallContext, Principal};

/// The present status of a principal with the host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrincipalStatus {
    /// The roles they have now. They replace the roles with which the call was submitted: its
    /// policies are queried again with them, and its body sees them.
    Roles(Vec<String>),
    /// A refusal: nothing may be done in their name any more. The call is denied, and this is the
    /// reason, also for the model that requested it.
    Refused(String),
}

impl PrincipalStatus {
    /// Returns the status of a principal with these roles and no others.
    pub fn roles<R: Into<String>>(roles: impl IntoIterator<Item = R>) -> Self {
        Self::Roles(roles.into_iter().map(Into::into).collect())
    }

    /// Returns the status of a principal for whom nothing may be done any more.
    pub fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }
}

/// The reason why a directory failed. Any error will do; it is logged, redacted, and not stored.
pub type DirectoryError = Box<dyn Error + Send + Sync>;

/// A source of the present rights of principals: a directory service, a table of users, a token's
/// introspection.
///
/// A human may take days, and rights change meanwhile. So a call that waited, for a human, for its
/// siblings or for another attempt, is checked once more before it runs, with the answer instead of
/// the roles with which it was submitted. That can only make it stricter: the level for which it
/// was approved does not drop when somebody gains a role. Calls that run as soon as they are
/// submitted are not looked up; their context is the host's statement of this moment.
///
/// **Without an answer nothing runs.** If the directory fails, panics or times out, the call stays
/// approved, and its waiter or worker tries again every five seconds, until the directory answers
/// or the approval expires: an outage costs time and no approval. It is queried once for each
/// attempt to start a call, immediately before the claim; not once the body runs.
///
/// Votes and decisions are not looked up. An approval counts as it was given, under the rights that
/// its approver had then, as a signature does; to void an approval, withdraw it with
/// [`Gate::cancel`](crate::Gate::cancel).
///
/// A plain function works:
///
/// ```
/// use std::time::Duration;
/// use hitl::policy::{DirectoryError, PrincipalStatus};
/// use hitl::{CallContext, Gate};
///
/// fn roster(who: &CallContext) -> Result<PrincipalStatus, DirectoryError> {
///     Ok(match who.principal.as_str() {
///         "ann" => PrincipalStatus::roles(["clerk"]),
///         gone => PrincipalStatus::refused(format!("{gone} has left")),
///     })
/// }
/// let gate = Gate::builder().principal_directory(roster, Duration::from_secs(1));
/// ```
///
/// and so does a service that is queried over a network:
///
/// ```
/// use hitl::policy::{PrincipalDirectory, DirectoryError, PrincipalStatus};
/// use hitl::CallContext;
///
/// # struct Ldap;
/// # impl Ldap {
/// #     async fn groups(&self, _: &str) -> Result<Option<Vec<String>>, std::io::Error> { Ok(None) }
/// # }
/// #[async_trait::async_trait]
/// impl PrincipalDirectory for Ldap {
///     async fn lookup(&self, who: &CallContext) -> Result<PrincipalStatus, DirectoryError> {
///         let groups = self.groups(who.principal.as_str()).await?;
///         Ok(groups.map_or_else(|| PrincipalStatus::refused("unknown here"), PrincipalStatus::roles))
///     }
/// }
/// ```
#[async_trait]
pub trait PrincipalDirectory: Send + Sync + 'static {
    /// Returns the present status of a stored call's principal. The context is the call's own, as
    /// it was submitted: principal, tenant, and the roles at that time. Must not block the thread;
    /// the future is dropped when it times out. On a runtime of several threads, one that blocks
    /// all the same costs its caller the deadline and no more; on a runtime of one thread nothing
    /// else runs meanwhile.
    async fn lookup(&self, who: &CallContext) -> Result<PrincipalStatus, DirectoryError>;

    /// Returns whether [`lookup`](Self::lookup) may block its thread, as a plain function does.
    /// Then it runs on a thread of its own.
    fn blocks(&self) -> bool {
        false
    }

    /// Returns the one canonical name of this person: a directory in which `ann@x`, `Ann@X` and
    /// `u-17` are one person returns the same name for each. The people who submit, edit, vote and
    /// give grants are compared by it, and by the original name, [folded](Principal::folded): both
    /// must differ for two people. By default it is the folded name: the case of ASCII letters,
    /// invisible characters, and surrounding spaces do not distinguish people.
    ///
    /// Called when a call with a record is submitted, and for each decision, on a thread of its
    /// own, with the time limit of a policy. Must return the same name for the same principal. If
    /// it panics or times out, the call is denied, and the decision refused.
    fn canonical(&self, who: &Principal) -> Principal {
        who.folded()
    }
}

#[async_trait]
impl<F> PrincipalDirectory for F
where
    F: Fn(&CallContext) -> Result<PrincipalStatus, DirectoryError> + Send + Sync + 'static,
{
    async fn lookup(&self, who: &CallContext) -> Result<PrincipalStatus, DirectoryError> {
        self(who)
    }

    fn blocks(&self) -> bool {
        true
    }
}

/// Directories can be shared.
#[async_trait]
impl<D: PrincipalDirectory + ?Sized> PrincipalDirectory for Arc<D> {
    async fn lookup(&self, who: &CallContext) -> Result<PrincipalStatus, DirectoryError> {
        (**self).lookup(who).await
    }

    fn blocks(&self) -> bool {
        (**self).blocks()
    }

    fn canonical(&self, who: &Principal) -> Principal {
        (**self).canonical(who)
    }
}

/// Returns the note on roles that have changed since submission, for the reviewer who is asked
/// again. `None` if they are the same.
pub(crate) fn changes(who: &CallContext, now: &[String]) -> Option<String> {
    let missing_in = |these: &[String], those: &[String]| {
        let mut names: Vec<&str> =
            these.iter().filter(|role| !those.contains(role)).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    };
    let (lost, gained) = (missing_in(&who.roles, now), missing_in(now, &who.roles));
    let said = match (lost.is_empty(), gained.is_empty()) {
        (true, true) => return None,
        (false, true) => format!("is not {lost} any more"),
        (true, false) => format!("is {gained} now"),
        (false, false) => format!("is not {lost} any more, and is {gained} now"),
    };
    Some(format!("{} {said}", who.principal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_changed_is_said_in_words_and_what_has_not_is_not() {
        let ann = CallContext::new("ann").role("admin").role("clerk");
        let said = |now: &[&str]| {
            changes(&ann, &now.iter().map(|role| (*role).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(said(&["clerk", "admin", "clerk"]), None, "order and repetition say nothing");
        assert_eq!(said(&["clerk"]).unwrap(), "ann is not admin any more");
        assert_eq!(said(&[]).unwrap(), "ann is not admin, clerk any more");
        assert_eq!(said(&["admin", "clerk", "guest"]).unwrap(), "ann is guest now");
        assert_eq!(said(&["guest"]).unwrap(), "ann is not admin, clerk any more, and is guest now");
    }
}
