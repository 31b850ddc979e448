//! Why somebody is not signed in.

use axum::http::StatusCode;

/// The reason why a sign-in failed. Its text quotes no token, no code and no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignInError {
    /// The provider or its keys cannot be reached.
    ProviderDown,
    /// The browser has no sign-in under way, or it is over.
    NoSignIn,
    /// The answer does not belong to the browser's sign-in.
    WrongState,
    /// The answer was used before.
    Replayed,
    /// The provider did not sign the person in.
    Declined,
    /// The provider does not take the code.
    CodeRefused,
    /// The ID token is not one for this console and this sign-in.
    TokenRefused,
    /// The claims name no reviewer.
    NotEntitled,
    /// There are too many sign-ins or sessions.
    Busy,
}

impl SignInError {
    /// Returns the name of the reason, for the log.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::ProviderDown => "providerDown",
            Self::NoSignIn => "noSignIn",
            Self::WrongState => "wrongState",
            Self::Replayed => "replayed",
            Self::Declined => "declined",
            Self::CodeRefused => "codeRefused",
            Self::TokenRefused => "tokenRefused",
            Self::NotEntitled => "notEntitled",
            Self::Busy => "busy",
        }
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::ProviderDown | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoSignIn | Self::WrongState | Self::Replayed => StatusCode::BAD_REQUEST,
            Self::Declined | Self::CodeRefused | Self::TokenRefused | Self::NotEntitled => {
                StatusCode::FORBIDDEN
            }
        }
    }

    /// Returns what a person reads: what happened, and what to do.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::ProviderDown => {
                "The identity provider cannot be reached. Try again later; who is signed in stays so."
            }
            Self::NoSignIn | Self::WrongState | Self::Replayed => {
                "This answer of the identity provider belongs to no sign-in of this browser, or the sign-in \
                 took too long. Sign in again."
            }
            Self::Declined => "The identity provider did not sign you in. Sign in again.",
            Self::CodeRefused | Self::TokenRefused => {
                "The identity provider's answer is not valid here. Sign in again; if that does not help, tell \
                 those who run this console."
            }
            Self::NotEntitled => {
                "You are known to the identity provider, and are in no group that may review here. Ask those \
                 who run this console."
            }
            Self::Busy => "Too many people sign in at this moment. Try again in a minute.",
        }
    }
}
