//! The run that a call belongs to.

use std::borrow::Cow;
use std::fmt;

use hitl_core::RunId;
use rmcp::RoleServer;
use rmcp::service::RequestContext;

/// The longest name of a run that a request may give, in bytes.
const MAX_NAME: usize = 200;

/// The rule by which a server tells the runs of agents apart: the calls of one run are shown
/// together, identical ones attach to each other, and a person can stop them all.
///
/// A call that is repeated after the server was started again attaches to the earlier one only if
/// it belongs to the same run: with [`process`](Self::process) it does not.
#[derive(Clone)]
pub struct RunOf(Rule);

#[derive(Clone)]
enum Rule {
    Fixed(RunId),
    #[cfg(feature = "http")]
    Header(Cow<'static, str>, RunId),
    Meta(Cow<'static, str>, RunId),
}

impl RunOf {
    /// All calls of this process are one run.
    pub fn process() -> Self {
        Self(Rule::Fixed(new_run()))
    }

    /// All calls are of this run, also after the server was started again.
    pub fn fixed(run: impl Into<RunId>) -> Self {
        Self(Rule::Fixed(run.into()))
    }

    /// The run is the value of a header of the HTTP request, like `mcp-session-id`. Requests
    /// without it are of the process's run.
    ///
    /// The value is the client's or a proxy's word: it groups the caller's own calls and gives no
    /// rights.
    #[cfg(feature = "http")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http")))]
    pub fn header(name: impl Into<Cow<'static, str>>) -> Self {
        Self(Rule::Header(name.into(), new_run()))
    }

    /// The run is the text at a key of the request's `_meta`, where the host's own client puts it.
    /// Requests without it are of the process's run.
    pub fn meta(key: impl Into<Cow<'static, str>>) -> Self {
        Self(Rule::Meta(key.into(), new_run()))
    }

    /// Returns the run of a request.
    pub(super) fn of(&self, request: &RequestContext<RoleServer>) -> RunId {
        match &self.0 {
            Rule::Fixed(run) => run.clone(),
            #[cfg(feature = "http")]
            Rule::Header(name, otherwise) => {
                let head = request.extensions.get::<http::request::Parts>();
                let value = head.and_then(|head| head.headers.get(name.as_ref()));
                named(value.and_then(|value| value.to_str().ok()))
                    .unwrap_or_else(|| otherwise.clone())
            }
            Rule::Meta(key, otherwise) => {
                let value = request.meta.0.0.get(key.as_ref());
                named(value.and_then(|value| value.as_str())).unwrap_or_else(|| otherwise.clone())
            }
        }
    }
}

/// Returns the run of this name, if it can be one.
fn named(name: Option<&str>) -> Option<RunId> {
    let name = name?;
    let fits = !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control);
    fits.then(|| RunId::new(name))
}

fn new_run() -> RunId {
    RunId::new(hitl_base::id::new_v7().to_string())
}

impl fmt::Debug for RunOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rule::Fixed(run) => write!(f, "RunOf({run})"),
            #[cfg(feature = "http")]
            Rule::Header(name, _) => write!(f, "RunOf(header {name})"),
            Rule::Meta(key, _) => write!(f, "RunOf(_meta {key})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_short_name_is_a_run() {
        assert_eq!(named(Some("nightly")), Some(RunId::new("nightly")));
        let long = "x".repeat(MAX_NAME + 1);
        for other in [None, Some(""), Some("a\nb"), Some(long.as_str())] {
            assert_eq!(named(other), None, "{other:?}");
        }
    }
}
