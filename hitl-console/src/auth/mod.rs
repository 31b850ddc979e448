//! Who somebody is.

mod identify;
mod throttle;
mod token;
mod tokens;

pub use hitl_base::RandomnessError;
pub use identify::{Auth, Reviewer, SignIn, Unidentified};
pub(crate) use throttle::Throttle;
pub use token::Token;
pub use tokens::Tokens;
pub(crate) use tokens::bearer;
