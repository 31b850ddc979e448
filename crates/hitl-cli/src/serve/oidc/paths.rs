//! The paths of a sign-in.

/// Sends a browser to the provider.
pub(in crate::serve) const SIGN_IN: &str = "/sign-in";
/// Where the provider sends it back to.
pub(super) const CALLBACK: &str = "/sign-in/callback";
/// Ends a session.
pub(in crate::serve) const SIGN_OUT: &str = "/sign-out";
