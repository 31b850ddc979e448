//! Verifies that a request comes from a person where a token is not enough. Programs can read a
//! token, so this asks for the person's enrolled credential, as the command line does.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use hitl_core::approval::KnownBy;
use hitl_core::people::{Deed, PeopleError, PeopleErrorKind};

use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::{Shared, State};

/// The header with a one-time code.
pub(super) const CODE_HEADER: &str = "hitl-code";
/// The most characters of a code.
const MAX_CODE_CHARS: usize = 64;

/// The sender of a request, before it is known whether their token is enough.
pub(super) struct Requester {
    reviewer: Reviewer,
    code: Option<String>,
}

impl Requester {
    /// Returns the reviewer according to the request's own credentials.
    pub(super) fn reviewer(&self) -> &Reviewer {
        &self.reviewer
    }

    /// Verifies that a person does this, and returns them with the proof of it. A code that was
    /// sent is checked and used up, even if a later step fails; for an action that only stops
    /// something it is not checked. Call it before anything is done or shown.
    ///
    /// Fails closed: data that cannot be read or stored refuses the action.
    pub(super) async fn verify_for(self, deed: Deed, state: &State) -> Result<Reviewer, Problem> {
        let Self { reviewer, code } = self;
        if deed == Deed::Stop {
            return Ok(reviewer);
        }
        let people = state.gate.people();
        if let Some(code) = code {
            let known = people.check(&reviewer.principal, &code).await?;
            return Ok(reviewer.known_by(known));
        }
        if is_vouched(reviewer.known_by) {
            return Ok(reviewer);
        }
        match people.demand().await? {
            Some(demand) if demand.covers(deed) => Err(Problem::forbidden(
                "codeNeeded",
                "this needs a one-time code of yours beside the token: send it in the header `Hitl-Code`; \
                 nothing was done",
            )),
            _ => Ok(reviewer),
        }
    }
}

/// Returns whether the host, or a credential of the person's own, vouches for them. Any other proof
/// may be readable by a program.
pub(super) fn is_vouched(known: KnownBy) -> bool {
    matches!(known, KnownBy::Host | KnownBy::Totp | KnownBy::Code | KnownBy::Key)
}

impl FromRequestParts<Shared> for Requester {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        // Routes that use this are behind `signed_in`.
        let reviewer = parts.extensions.get::<Reviewer>().cloned();
        let reviewer = reviewer.ok_or(crate::auth::AuthError::Nobody)?;
        Ok(Self { reviewer, code: parse_code(&parts.headers)? })
    }
}

/// Returns the code that was sent. One that cannot be read is refused and not ignored.
fn parse_code(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut all = headers.get_all(CODE_HEADER).iter();
    let (first, second) = (all.next(), all.next());
    let Some(sent) = first else { return Ok(None) };
    let text = sent.to_str().ok().map(str::trim).filter(|text| text.len() <= MAX_CODE_CHARS);
    match (text, second) {
        (Some(text), None) => Ok(Some(text.to_owned())),
        _ => Err(Problem::bad("the header `Hitl-Code` is one code of letters and digits")),
    }
}

impl From<PeopleError> for Problem {
    fn from(error: PeopleError) -> Self {
        let why = error.to_string();
        match error.kind() {
            PeopleErrorKind::WrongCode => Self::forbidden("codeWrong", &why),
            PeopleErrorKind::NotEnrolled => Self::forbidden("codeNotEnrolled", &why),
            PeopleErrorKind::Closed => {
                let seconds = if let PeopleError::Closed { seconds } = error { seconds } else { 1 };
                Self::later("codesClosed", why, seconds)
            }
            _ => Self::new(StatusCode::SERVICE_UNAVAILABLE, "codes", why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn invariant_5_a_code_is_read_once_and_whole_or_refused() {
        let of = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CODE_HEADER, HeaderValue::from_bytes(value).unwrap());
            }
            parse_code(&headers).map_err(|problem| problem.kind().to_owned())
        };
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[b" 123456 "]), Ok(Some("123456".to_owned())));
        // An empty code counts as sent, and is wrong.
        assert_eq!(of(&[b""]), Ok(Some(String::new())));
        for wrong in [&[&b"1"[..], b"2"][..], &[b"\xff"], &[&[b'1'; 65]]] {
            assert_eq!(of(wrong), Err("badRequest".to_owned()));
        }
    }

    #[test]
    fn only_the_host_and_credentials_of_a_persons_own_vouch() {
        for known in
            [KnownBy::Token, KnownBy::Name, KnownBy::Script, KnownBy::Terminal, KnownBy::Other]
        {
            assert!(!is_vouched(known), "{known:?}");
        }
        assert!(is_vouched(KnownBy::Host) && is_vouched(KnownBy::Key));
    }
}
