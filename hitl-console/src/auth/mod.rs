//! Who somebody is.

mod authenticate;
mod throttle;
mod token;
mod tokens;

pub use authenticate::{Auth, AuthError, Reviewer, SignIn};
pub(crate) use throttle::Throttle;
pub use token::{RandomnessError, Token};
pub use tokens::Tokens;
pub(crate) use tokens::bearer;
