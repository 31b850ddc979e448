//! Tokens in a file, as their hashes.

mod make;
mod token_file;
mod token_list;

pub(super) use make::make;
pub(crate) use token_list::TokenList;
