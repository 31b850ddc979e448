//! A secret that identifies a reviewer.

use std::fmt;
use std::str::FromStr;

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

    /// Returns the hash by which the token is recognised, to be kept in its place.
    pub fn hash(&self) -> TokenHash {
        TokenHash::new(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The SHA-256 of a token, written as 64 hexadecimal digits. A fast hash is enough for a secret
/// that cannot be guessed, and reveals nothing of it.
///
/// ```
/// use hitl_console::{Token, TokenHash};
///
/// let hash = Token::generate()?.hash();
/// assert_eq!(hash.to_string().parse(), Ok(hash));
/// # Ok::<(), hitl_console::RandomnessError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

/// The error for a text that is not the hash of a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hash of a token is 64 hexadecimal digits")]
pub struct ParseTokenHashError(());

impl TokenHash {
    pub(super) fn new(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Returns whether both are equal. Compares in constant time.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl FromStr for TokenHash {
    type Err = ParseTokenHashError;

    fn from_str(text: &str) -> Result<Self, ParseTokenHashError> {
        let mut bytes = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(ParseTokenHashError(()));
        }
        let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let both = nibble(pair[0]).zip(nibble(pair[1]));
            let (high, low) = both.ok_or(ParseTokenHashError(()))?;
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
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
        assert!(one.hash().is(&TokenHash::new(one.reveal())) && !one.hash().is(&other.hash()));
    }
}
