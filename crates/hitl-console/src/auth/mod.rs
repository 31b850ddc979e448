//! Authentication of reviewers.

mod authenticate;
mod throttle;
mod token;
mod tokens;

pub use hitl_base::RandomnessError;

pub use authenticate::{Auth, AuthError, Reviewer, SignIn};
pub(crate) use throttle::Throttle;
pub use token::{ParseTokenHashError, Token, TokenHash};
pub use tokens::Tokens;
pub(crate) use tokens::bearer;
