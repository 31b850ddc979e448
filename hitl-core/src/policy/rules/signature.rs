//! Signed texts of a rule file: the signer, and the number that keeps an older text from coming
//! back.

use std::fmt;
use std::path::PathBuf;

/// A signed text of a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
// Exhaustive: ignoring a new part would accept what was not signed.
#[cfg(feature = "policy-files")]
pub struct SignedPolicy {
    /// The signer's name in the audit and the acceptance file: a key, or a name that the host
    /// knows.
    pub by: String,
    /// The number that is signed with the text. A text that may relax counts only if its number is
    /// higher than every number that was accepted before.
    pub number: u64,
}

/// A verifier of signed rule files: a host sets one so that a signature accepts a policy instead of
/// a person. `SignatureFile` is one with Ed25519 (feature `checkpoints`); a host with another
/// scheme implements its own.
///
/// Called whenever the file is read, on the thread that reads. It may block.
#[cfg(feature = "policy-files")]
pub trait PolicySignatures: fmt::Debug + Send + Sync + 'static {
    /// Returns the signer of this text, byte for byte, and the number.
    ///
    /// # Errors
    ///
    /// The reason, in words, why the text does not count as signed: there is no signature, it is of
    /// another text or another policy, or its key is not one that the host named.
    fn signed(&self, text: &str) -> Result<SignedPolicy, String>;

    /// Returns the files that it reads, so that no call can rewrite them unreviewed.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

#[cfg(feature = "checkpoints")]
pub use ed25519::{PolicySignature, SignatureFile};

#[cfg(feature = "checkpoints")]
mod ed25519 {
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Serialize};

    use super::{PolicySignatures, SignedPolicy};
    use crate::audit::{PublicKey, SigningKey};
    use crate::policy::rules::acceptance::{beside, digest_of};
    use crate::policy::rules::text_file::read_text;

    /// The most bytes of a signature file.
    const LARGEST: u64 = 64 << 10;

    /// An Ed25519 signature over a text of a rule file. It is stored in a file of its own as JSON.
    ///
    /// The signed message is plain text, so that any tool can make and check it:
    ///
    /// ```text
    /// hitl.policy.v1
    /// <name of the policy, as the host calls it>
    /// <number>
    /// <SHA-256 of the file's bytes, in hexadecimal>
    /// ```
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[non_exhaustive]
    #[cfg(all(feature = "policy-files", feature = "checkpoints"))]
    pub struct PolicySignature {
        /// The schema of this format; 1.
        pub schema: u16,
        /// The policy that it is for, by the host's name for it. A text signed for another one does
        /// not count.
        pub policy: String,
        /// The number: higher with every text signed for this policy.
        pub number: u64,
        /// SHA-256 of the text, in hexadecimal.
        pub digest: String,
        /// The public key: 64 hexadecimal digits.
        pub key: String,
        /// The signature: 128 hexadecimal digits.
        pub signature: String,
    }

    impl PolicySignature {
        /// Signs a text for the policy with the host's name `policy`.
        pub fn sign(policy: &str, number: u64, text: &str, key: &SigningKey) -> Self {
            let digest = digest_of(text);
            let signature = key.sign_text(&said(policy, number, &digest));
            let key = key.public().to_hex();
            Self { schema: 1, policy: policy.to_owned(), number, digest, key, signature }
        }

        /// Returns the reason why it is invalid for this text, policy and keys; `None` if it is
        /// valid.
        fn fault(&self, policy: &str, text: &str, keys: &[PublicKey]) -> Option<&'static str> {
            let Self { schema, number, digest, .. } = self;
            if *schema != 1 {
                return Some("is of another version of hitl");
            }
            if self.policy != policy {
                return Some("is for another policy");
            }
            if *digest != digest_of(text) {
                return Some("is of another text");
            }
            let Some(key) = keys.iter().find(|key| key.to_hex() == self.key) else {
                return Some("is by a key that the host does not name");
            };
            let said = said(policy, *number, digest);
            (!key.has_signed(&said, &self.signature)).then_some("is wrong")
        }
    }

    /// Returns the signed message. `SignatureFile::beside` refuses a name with a line break in it.
    fn said(policy: &str, number: u64, digest: &str) -> String {
        format!("hitl.policy.v1\n{policy}\n{number}\n{digest}\n")
    }

    /// The signature of a rule file in a file beside it (`<policy>.sig`), by one of the keys that
    /// the host names.
    ///
    /// ```no_run
    /// use hitl::policy::RuleFile;
    /// use hitl::audit::PublicKey;
    /// use hitl::policy::SignatureFile;
    ///
    /// # fn open(text: &str) -> Option<()> {
    /// let key = PublicKey::from_hex(text)?;
    /// let signed = SignatureFile::beside("policy.toml", "payments").key(key);
    /// let rules = RuleFile::options("policy.toml").signatures(signed).open();
    /// # Some(()) }
    /// ```
    #[derive(Clone, Debug)]
    #[cfg(all(feature = "policy-files", feature = "checkpoints"))]
    pub struct SignatureFile {
        path: PathBuf,
        policy: String,
        keys: Vec<PublicKey>,
        at_least: u64,
    }

    impl SignatureFile {
        /// Returns the file `<policy file>.sig`. `policy` is the host's name for this policy: the
        /// same text signed for another name (a test system's) does not count. No key is set yet,
        /// so nothing counts as signed.
        pub fn beside(policy_file: impl AsRef<Path>, policy: impl Into<String>) -> Self {
            let path = beside(policy_file.as_ref(), ".sig");
            Self { path, policy: policy.into(), keys: Vec::new(), at_least: 0 }
        }

        /// Accepts signatures by this key.
        #[must_use]
        pub fn key(mut self, key: PublicKey) -> Self {
            self.keys.push(key);
            self
        }

        /// Refuses signatures with a lower number: for a first start, before anything was accepted.
        #[must_use]
        pub fn at_least(mut self, number: u64) -> Self {
            self.at_least = number;
            self
        }

        /// Returns the path of the file.
        pub fn path(&self) -> &Path {
            &self.path
        }
    }

    impl PolicySignatures for SignatureFile {
        fn signed(&self, text: &str) -> Result<SignedPolicy, String> {
            let told = |why: &str| format!("the signature {} {why}", self.path.display());
            if self.policy.contains('\n') {
                return Err(told("cannot be checked: the policy's name has a line break"));
            }
            let json = read_text(&self.path, LARGEST)
                .map_err(|error| told(&format!("cannot be read: {error}")))?;
            let signature: PolicySignature =
                serde_json::from_str(&json).map_err(|_| told("is damaged"))?;
            if let Some(fault) = signature.fault(&self.policy, text, &self.keys) {
                return Err(told(fault));
            }
            if signature.number < self.at_least {
                return Err(told("has a lower number than the host takes"));
            }
            let by = format!("key {}", signature.key);
            Ok(SignedPolicy { by, number: signature.number })
        }

        fn files(&self) -> Vec<PathBuf> {
            vec![self.path.clone()]
        }
    }
}
