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
pub(super) struct SignIns {
    tokens: TokenSource,
    desk: Option<Arc<SignInDesk>>,
}

/// The tokens that are believed.
pub(super) enum TokenSource {
    None,
    /// The one that was printed.
    Printed(Tokens),
    File(TokenList),
}

impl SignIns {
    pub(super) fn new(tokens: TokenSource, desk: Option<Arc<SignInDesk>>) -> Self {
        Self { tokens, desk }
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
        let activity =
            if request.uri.path() == "/api/events" { Activity::Page } else { Activity::Person };
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
