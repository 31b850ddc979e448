//! Who a request is from: the owner of a token, or of a session.

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use hitl_console::{Auth, AuthError, Reviewer, SignIn, Tokens};

use super::oidc::{SIGN_IN, SIGN_OUT, SignInDesk};
use super::sessions::Activity;
use super::tokens::TokenList;

/// Every way to sign in.
pub(crate) struct SignIns {
    tokens: TokenSource,
    desk: Option<Arc<SignInDesk>>,
}

/// The tokens that are believed.
pub(crate) enum TokenSource {
    None,
    /// The one that was printed.
    Printed(Tokens),
    File(TokenList),
}

impl SignIns {
    /// Creates sign-ins by tokens alone.
    #[cfg(feature = "mcp")]
    pub(crate) fn of_tokens(tokens: TokenSource) -> Self {
        Self::new(tokens, None)
    }

    pub(super) fn new(tokens: TokenSource, desk: Option<Arc<SignInDesk>>) -> Self {
        Self { tokens, desk }
    }
}

/// Returns whose doing a request is. The page says when nobody has touched it for a minute, and an
/// event stream is asked about again and again. Pure.
fn activity(request: &Parts) -> Activity {
    if request.uri.path() == "/api/events" || request.headers.contains_key("x-hitl-idle") {
        Activity::Page
    } else {
        Activity::Person
    }
}

impl Auth for SignIns {
    /// A token counts before a session: a program that sends one means it.
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
    ) -> BoxFuture<'a, Result<Reviewer, AuthError>> {
        if request.headers.contains_key(AUTHORIZATION) {
            return match &self.tokens {
                TokenSource::None => ready(Err(AuthError::Wrong)).boxed(),
                TokenSource::Printed(tokens) => tokens.authenticate(request),
                TokenSource::File(tokens) => tokens.authenticate(request),
            };
        }
        let activity = activity(request);
        let desk = self.desk.as_ref();
        let found = desk.and_then(|desk| desk.reviewer(&request.headers, activity));
        ready(found.ok_or(AuthError::Nobody)).boxed()
    }

    fn sign_in(&self) -> SignIn {
        match &self.desk {
            Some(_) => SignIn::Page(SIGN_IN.to_owned()),
            None => SignIn::Token,
        }
    }

    fn sign_out(&self) -> Option<String> {
        self.desk.as_ref().map(|_| SIGN_OUT.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    #[test]
    fn what_the_page_does_by_itself_is_not_the_persons_doing() {
        let of = |path: &str, header: Option<&str>| {
            let request = Request::builder().uri(path);
            let request = header.into_iter().fold(request, |it, name| it.header(name, "1"));
            activity(&request.body(()).unwrap().into_parts().0)
        };
        assert_eq!(of("/api/calls", None), Activity::Person);
        assert_eq!(of("/api/calls", Some("x-hitl-idle")), Activity::Page);
        assert_eq!(of("/api/presence", Some("x-hitl-idle")), Activity::Page);
        assert_eq!(of("/api/events", None), Activity::Page);
        assert_eq!(of("/api/events?x", None), Activity::Page);
    }

    #[tokio::test]
    async fn invariant_5_without_tokens_or_a_provider_nobody_is_known() {
        let nobody = SignIns::new(TokenSource::None, None);
        let request = |header: Option<(&str, &str)>| {
            let request = Request::builder().uri("/api/me");
            let request =
                header.into_iter().fold(request, |it, (name, value)| it.header(name, value));
            request.body(()).unwrap().into_parts().0
        };
        assert_eq!(nobody.authenticate(&request(None)).await, Err(AuthError::Nobody));
        let bearer = request(Some(("authorization", "Bearer x")));
        assert_eq!(nobody.authenticate(&bearer).await, Err(AuthError::Wrong));
        let cookie = request(Some(("cookie", "__Host-hitl-session=x; hitl-session=x")));
        assert_eq!(nobody.authenticate(&cookie).await, Err(AuthError::Nobody));
    }
}
