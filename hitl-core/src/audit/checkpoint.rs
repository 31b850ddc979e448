//! Checkpoints: the heads of the chains at one time, to be kept apart from the log.

use std::fmt::Write as _;

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::ChainHead;

/// The heads of the chains at one time. Kept elsewhere, it reveals later tampering with the log:
/// records that are cut off, replaced or rewritten.
///
/// Signed (feature `checkpoints`), it shows who vouches for it. The signed text is plain text, so
/// that any tool can check it:
///
/// ```text
/// hitl.checkpoint.v1
/// 2026-01-02T03:04:05.678Z
/// <stream> <seq> <hash>          one such line for each head, sorted
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Checkpoint {
    /// The schema version of this shape.
    pub schema: u16,
    /// The time of its creation, by the writer's clock.
    pub at: Timestamp,
    /// The heads, sorted.
    pub heads: Vec<ChainHead>,
    /// The public key of its signer: 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The Ed25519 signature over [`text`](Self::text): 128 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl Checkpoint {
    /// Creates an unsigned checkpoint.
    pub fn new(at: Timestamp, heads: impl IntoIterator<Item = ChainHead>) -> Self {
        let mut heads: Vec<ChainHead> = heads.into_iter().collect();
        heads.sort();
        Self { schema: 1, at, heads, key: None, signature: None }
    }

    /// Returns the text that a signature covers.
    pub fn text(&self) -> String {
        let mut text = format!("hitl.checkpoint.v1\n{}\n", self.at);
        for ChainHead { stream, seq, hash } in &self.heads {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{stream} {seq} {hash}");
        }
        text
    }
}

#[cfg(feature = "checkpoints")]
pub use signed::{PublicKey, SigningKey};

#[cfg(feature = "checkpoints")]
mod signed {
    use std::fmt;

    use ed25519_dalek::Signer as _;

    use super::Checkpoint;
    use crate::hex::{hex, unhex};
    use crate::seal::RandomnessError;

    /// The secret key that signs checkpoints (Ed25519). Keep it apart from the log, ideally where
    /// the process can use but not read it.
    #[derive(Clone)]
    #[cfg(feature = "checkpoints")]
    pub struct SigningKey(ed25519_dalek::SigningKey);

    impl SigningKey {
        /// Creates a key that the host keeps, from the 32 bytes of an Ed25519 seed.
        pub fn from_bytes(seed: [u8; 32]) -> Self {
            Self(ed25519_dalek::SigningKey::from_bytes(&seed))
        }

        /// Generates a random key.
        pub fn generate() -> Result<Self, RandomnessError> {
            Ok(Self::from_bytes(*crate::HostKey::generate()?.expose()))
        }

        /// Returns the seed, for storage. It is a secret.
        pub fn expose(&self) -> &[u8; 32] {
            self.0.as_bytes()
        }

        /// Signs a text. Returns 128 hexadecimal digits.
        #[cfg(feature = "policy-files")]
        pub(crate) fn sign_text(&self, text: &str) -> String {
            hex(&self.0.sign(text.as_bytes()).to_bytes())
        }

        /// Returns the public key, which an auditor needs.
        pub fn public(&self) -> PublicKey {
            PublicKey(self.0.verifying_key())
        }
    }

    impl fmt::Debug for SigningKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("SigningKey([redacted])")
        }
    }

    /// The key by which an auditor recognizes the signer of a checkpoint.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[cfg(feature = "checkpoints")]
    pub struct PublicKey(ed25519_dalek::VerifyingKey);

    impl PublicKey {
        /// Parses 64 hexadecimal digits; returns `None` if they are not such a key.
        pub fn from_hex(text: &str) -> Option<Self> {
            ed25519_dalek::VerifyingKey::from_bytes(&unhex(text)?).ok().map(Self)
        }

        /// Returns whether the key has signed exactly this text. `signature` is 128 hexadecimal
        /// digits.
        pub(crate) fn has_signed(&self, text: &str, signature: &str) -> bool {
            unhex::<64>(signature).is_some_and(|bytes| {
                let signature = ed25519_dalek::Signature::from_bytes(&bytes);
                self.0.verify_strict(text.as_bytes(), &signature).is_ok()
            })
        }

        /// Returns the key as 64 hexadecimal digits.
        pub fn to_hex(self) -> String {
            hex(self.0.as_bytes())
        }
    }

    impl Checkpoint {
        /// Signs the checkpoint.
        #[must_use]
        pub fn sign(mut self, key: &SigningKey) -> Self {
            self.signature = Some(hex(&key.0.sign(self.text().as_bytes()).to_bytes()));
            self.key = Some(key.public().to_hex());
            self
        }

        /// Returns whether this key has signed the checkpoint in its present form.
        pub fn is_signed_by(&self, key: PublicKey) -> bool {
            let signature = self.signature.as_deref();
            self.key == Some(key.to_hex())
                && signature.is_some_and(|signature| key.has_signed(&self.text(), signature))
        }
    }
}
