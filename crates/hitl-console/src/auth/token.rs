//! A secret that identifies a reviewer.

use std::fmt;

use hitl_base::{RandomnessError, hex, random_bytes};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A secret that identifies a reviewer. Never shown by `Debug`; kept as its hash.
pub struct Token(String);

impl Token {
    /// Generates a token of 256 bits from the system's random source.
    pub fn generate() -> Result<Self, RandomnessError> {
        let bytes: [u8; 32] = random_bytes()?;
        Ok(Self(format!("hitl_{}", hex::encode(&bytes))))
    }

    /// Uses a secret that the host has generated elsewhere. Anybody who guesses it can decide: 256
    /// random bits are enough, a password is not.
    pub fn from_secret(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// Returns the secret itself, to be given to its reviewer.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn hash(&self) -> Hash {
        Hash::new(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The hash of a token. A fast hash is enough for a secret that cannot be guessed.
#[derive(Clone, Copy)]
pub(super) struct Hash([u8; 32]);

impl Hash {
    pub(super) fn new(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Returns whether both are equal. Compares in constant time.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_token_has_256_bits_and_is_not_shown() {
        let (one, other) = (Token::generate().unwrap(), Token::generate().unwrap());
        assert_eq!(one.reveal().strip_prefix("hitl_").unwrap().len(), 64);
        assert_ne!(one.reveal(), other.reveal());
        assert!(!format!("{one:?}").contains(&one.reveal()[5..]));
        assert!(one.hash().is(&Hash::new(one.reveal())) && !one.hash().is(&other.hash()));
    }
}
