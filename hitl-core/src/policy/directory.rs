//! A directory is an async function from who asked for a call to what they may do now.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;

use crate::call::{CallContext, Principal};

/// How a principal stands with the host at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrincipalStatus {
    /// They have these roles. They take the place of those that the call was submitted with: its
    /// policies are asked again with them, and its body sees them.
    Roles(Vec<String>),
    /// They may have nothing done in their name any more. The call is denied, and this says why,
    /// also to the model that asked for it.
    Refused(String),
}

impl PrincipalStatus {
    /// They have these roles, and no others.
    pub fn roles<R: Into<String>>(roles: impl IntoIterator<Item = R>) -> Self {
        Self::Roles(roles.into_iter().map(Into::into).collect())
    }

    /// They may have nothing done any more.
    pub fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }
}

/// Why a directory cannot say. Any error will do; it is logged, redacted, and kept nowhere.
pub type DirectoryError = Box<dyn Error + Send + Sync>;

/// Says what principals may do now: a directory service, a table of users, a token's introspection.
///
/// A human may take days, and rights change meanwhile. So a call that waited, for a human, for its
/// siblings or for another attempt, is looked at once more before it runs, with the answer in the
/// place of the roles that it was submitted with. That can only make it stricter: what it was
/// approved for does not sink when somebody gains a role. Calls that run as soon as they are
/// submitted are not asked about; their context is the host's word of this moment.
///
/// **Without an answer nothing runs.** When the directory fails, panics or is late, the call stays
/// approved, and its waiter or worker asks again every five seconds, until it answers or
/// the approval expires: an outage costs time and no approval. Asked once for each attempt to start
/// a call, immediately before the claim; not once the body runs.
///
/// Votes and decisions are not asked about. An approval counts as it was given, under the rights
/// that its approver had then, as a signature does; to void what somebody approved, withdraw it
/// with [`Gate::cancel`](crate::Gate::cancel).
///
/// A function will do:
///
/// ```
/// use std::time::Duration;
/// use hitl_core::policy::{DirectoryError, PrincipalStatus};
/// use hitl_core::{CallContext, Gate};
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
/// and so will a service that is asked over a network:
///
/// ```
/// use hitl_core::policy::{PrincipalDirectory, DirectoryError, PrincipalStatus};
/// use hitl_core::CallContext;
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
    /// it was submitted: principal, tenant, and the roles of then. Must not block the thread; is
    /// dropped when its time is up. On a runtime of several threads one that blocks all the same
    /// costs its caller the deadline and no more; on a runtime of one thread nothing else goes on
    /// meanwhile.
    async fn lookup(&self, who: &CallContext) -> Result<PrincipalStatus, DirectoryError>;

    /// Returns whether [`lookup`](Self::lookup) may block its thread, as a plain function does.
    /// Then it is asked on a thread of its own.
    fn blocks(&self) -> bool {
        false
    }

    /// Returns the one name of the person who has this one: a directory in which `ann@x`, `Ann@X`
    /// and `u-17` are one person gives the same name for each. Who asks, edits, votes and gives
    /// grants is compared by it, and by the name itself, [folded](Principal::folded): both must
    /// differ for two people. By default the folded name: the case of ASCII letters, characters
    /// that are not seen, and spaces around it tell nobody apart.
    ///
    /// Asked when a call with a record is submitted, and for each decision, on a thread of its own,
    /// for as long as a policy may take. Must give the same name for the same principal. When it
    /// panics or is late, the call is denied, and the decision refused.
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

/// What is said of roles that are not those of then, for the reviewer who is asked again. Nothing
/// when they are the same.
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
