//! What was last accepted of a rule file: kept in a small file of its own, so that a file that somebody
//! else rewrote does not decide by itself, not even after a restart.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::seal::{HostKey, HostKeys};

/// The schema of the file.
const SCHEMA: u16 = 1;
/// The most bytes of the file: a policy, written as JSON.
const MAX_BYTES: u64 = 32 << 20;

/// Where it is kept which text of a rule file was last accepted.
///
/// The file holds the text, its SHA-256, who accepted it and when; with a [key](Self::keyed) also a
/// code over all of it, without which nobody can write another. It can be read by its owner alone.
///
/// **When there is no such file**, what is loaded first is accepted ("trust on first use"), unless it
/// lies beside a store that was there already: then every call is denied until somebody accepts the
/// rule file, because it cannot be told from one whose acceptance was removed. **When it is damaged or
/// its code is wrong**, every call is denied too.
#[derive(Clone, Debug)]
pub struct AcceptanceFile {
    path: PathBuf,
    keys: Option<HostKeys>,
    first_use: bool,
}

/// What was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Accepted {
    schema: u16,
    /// The text of the rule file.
    pub(super) text: String,
    /// SHA-256 of the text, in hexadecimal.
    pub(super) digest: String,
    /// Who accepted it, or why it needed nobody.
    pub(super) by: String,
    pub(super) at: Timestamp,
    /// HMAC-SHA-256 over all of it under a key of the host's, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mac: Option<String>,
}

/// What an acceptance file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Baseline {
    /// This was accepted.
    Accepted(Box<Accepted>),
    /// Nothing was ever accepted: what is loaded now is.
    FirstUse,
    /// It cannot be relied upon; the text says why.
    Untrusted(String),
}

impl AcceptanceFile {
    /// Beside the rule file itself, as `<policy>.accepted`: what a [`RuleFile`](super::RuleFile) has
    /// unless it is given another. A person looks after both.
    pub fn beside_policy(policy: impl AsRef<Path>) -> Self {
        Self { path: beside(policy.as_ref(), ".accepted"), keys: None, first_use: true }
    }

    /// Beside a store, as `<store>.<policy's name>.accepted`. Ask for it before the store is opened:
    /// whether the store is there decides whether a first load is accepted by itself.
    pub fn beside_store(store: impl AsRef<Path>, policy: impl AsRef<Path>) -> Self {
        let name = policy.as_ref().file_name().unwrap_or_default().to_string_lossy();
        let path = beside(store.as_ref(), &format!(".{name}.accepted"));
        // What cannot be looked at may be there.
        let first_use = matches!(store.as_ref().try_exists(), Ok(false));
        Self { path, keys: None, first_use }
    }

    /// Vouches for what is accepted with the host's key, and takes nothing without it. What was
    /// accepted under a [previous](HostKeys::with_previous) key still counts, and is vouched for
    /// with the current one when it is read.
    #[must_use]
    pub fn keyed(mut self, keys: impl Into<HostKeys>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what was accepted.
    pub(super) fn read(&self) -> Baseline {
        let untrusted = |why: String| Baseline::Untrusted(format!("{} {why}", self.path.display()));
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.first_use => {
                return Baseline::FirstUse;
            }
            Err(error) => return untrusted(format!("cannot be read: {error}")),
        };
        let mut text = String::new();
        match file.take(MAX_BYTES + 1).read_to_string(&mut text) {
            Ok(_) if text.len() as u64 <= MAX_BYTES => {}
            Ok(_) => return untrusted("is too large".to_owned()),
            Err(error) => return untrusted(format!("cannot be read: {error}")),
        }
        match serde_json::from_str::<Accepted>(&text) {
            Ok(accepted) => match self.fault_of(&accepted) {
                None => {
                    self.renew(&accepted);
                    Baseline::Accepted(Box::new(accepted))
                }
                Some(why) => untrusted(why.to_owned()),
            },
            Err(_) => untrusted("is damaged".to_owned()),
        }
    }

    fn fault_of(&self, accepted: &Accepted) -> Option<&'static str> {
        if accepted.schema != SCHEMA {
            return Some("is of another version of hitl");
        }
        if digest_of(&accepted.text) != accepted.digest {
            return Some("was changed: its text has another digest");
        }
        match (&self.keys, &accepted.mac) {
            (None, _) => None,
            (Some(_), None) => Some("has no code of the host's key"),
            (Some(keys), Some(mac)) => {
                (!keys.all().any(|key| accepted.mac_under(key, &self.path) == *mac))
                    .then_some("was changed, or is of another host key: its code is wrong")
            }
        }
    }

    /// Vouches with the current key for what a previous one vouches for.
    fn renew(&self, accepted: &Accepted) {
        let Some(keys) = self.keys.as_ref().filter(|keys| !keys.previous().is_empty()) else {
            return;
        };
        let mac = accepted.mac_under(keys.current(), &self.path);
        if accepted.mac.as_ref() == Some(&mac) {
            return;
        }
        // It counts as long as the previous key is given, written or not.
        if let Err(error) = self.put(&Accepted { mac: Some(mac), ..accepted.clone() }) {
            tracing::warn!(
                file = %self.path.display(), %error,
                "what was accepted is still vouched for with a previous host key only"
            );
        }
    }

    /// Writes what was accepted, whole or not at all.
    pub(super) fn write(&self, text: &str, by: &str, at: Timestamp) -> io::Result<()> {
        let mut accepted = Accepted {
            schema: SCHEMA,
            text: text.to_owned(),
            digest: digest_of(text),
            by: by.to_owned(),
            at,
            mac: None,
        };
        let key = self.keys.as_ref().map(HostKeys::current);
        accepted.mac = key.map(|key| accepted.mac_under(key, &self.path));
        self.put(&accepted)
    }

    fn put(&self, accepted: &Accepted) -> io::Result<()> {
        let json = serde_json::to_string(accepted).map_err(io::Error::other)?;
        // Written whole under another name first: a crash leaves no half of it.
        let unfinished = beside(&self.path, ".new");
        let _absent = fs::remove_file(&unfinished);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&unfinished)?;
        file.write_all(json.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.path)?;
        // Elsewhere a folder cannot be opened as a file.
        if cfg!(unix)
            && let Some(folder) = self.path.parent().filter(|it| !it.as_os_str().is_empty())
        {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Accepted {
    /// The file's name is in it, so that what was accepted for one policy says nothing of another.
    fn mac_under(&self, key: &HostKey, path: &Path) -> String {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Self { schema, at, digest, by, .. } = self;
        let said = format!("{schema}\n{name}\n{at}\n{digest}\n{by}");
        hex(&key.mac("hitl.policy.accepted.v1", said.as_bytes()))
    }
}

/// SHA-256 of a rule file's text, in hexadecimal: the digest of its [`PolicyVersion`](crate::PolicyVersion).
pub(super) fn digest_of(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// A file beside another one.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
