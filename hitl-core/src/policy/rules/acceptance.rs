//! The last accepted text of a rule file: kept in a small file of its own, so that a rewritten rule
//! file does not take effect by itself, not even after a restart.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hitl_base::{Timestamp, owner_only};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::text_file::read_text;
use crate::hex::hex;
use crate::seal::{HostKey, HostKeys};

/// The schema of the file.
const SCHEMA: u16 = 1;
/// The most bytes of the file: a policy as JSON.
const MAX_BYTES: u64 = 32 << 20;

/// The file that stores the last accepted text of a rule file.
///
/// The file contains the text, its SHA-256, who accepted it and when; with a [key](Self::keyed)
/// also a MAC over all of it, without which nobody can forge one. Only its owner can read it.
///
/// **If there is no such file**, the text that is loaded first is accepted ("trust on first use"),
/// unless it is beside a store that existed already: then every call is denied until somebody
/// accepts the rule file, because it cannot be told from one whose acceptance was removed. **If it
/// is damaged or its MAC is wrong**, every call is denied too.
#[derive(Clone, Debug)]
#[cfg(feature = "policy-files")]
pub struct AcceptanceFile {
    path: PathBuf,
    keys: Option<HostKeys>,
    first_use: bool,
}

/// An accepted text and its circumstances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Accepted {
    schema: u16,
    /// The text of the rule file.
    pub(super) text: String,
    /// SHA-256 of the text, in hexadecimal.
    pub(super) digest: String,
    /// The person who accepted it, or the reason why it needed nobody.
    pub(super) by: String,
    /// The time of acceptance, always later than that of the previous acceptance, even if the clock
    /// went back.
    pub(super) at: Timestamp,
    /// The highest number of a signed text accepted so far; 0 if there was none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) number: u64,
    /// True if the previous acceptance was unknown, and no signed text was accepted since: the
    /// highest number is unknown, so no signature counts.
    #[serde(default, skip_serializing_if = "is_no")]
    pub(super) number_unknown: bool,
    /// HMAC-SHA-256 over all of it under the host's key, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mac: Option<String>,
}

/// The state of an acceptance file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Baseline {
    /// This text was accepted.
    Accepted(Box<Accepted>),
    /// Nothing was ever accepted: the text loaded now is.
    FirstUse,
    /// The file cannot be trusted, for this reason.
    Untrusted(String),
}

impl AcceptanceFile {
    /// Returns the file beside the rule file itself, `<policy>.accepted`: the default of a
    /// [`RuleFile`](super::RuleFile). Protect both.
    pub fn beside_policy(policy: impl AsRef<Path>) -> Self {
        Self { path: beside(policy.as_ref(), ".accepted"), keys: None, first_use: true }
    }

    /// Returns the file beside a store, `<store>.<policy's name>.accepted`. Call this before the
    /// store is opened: whether the store exists decides whether a first load is accepted by
    /// itself.
    pub fn beside_store(store: impl AsRef<Path>, policy: impl AsRef<Path>) -> Self {
        let name = policy.as_ref().file_name().unwrap_or_default().to_string_lossy();
        let path = beside(store.as_ref(), &format!(".{name}.accepted"));
        // A store that cannot be checked may exist.
        let first_use = matches!(store.as_ref().try_exists(), Ok(false));
        Self { path, keys: None, first_use }
    }

    /// Authenticates the file with the host's key, and trusts nothing without it. A text accepted
    /// under a [previous](HostKeys::with_previous) key still counts, and is authenticated with the
    /// current one when it is read.
    #[must_use]
    pub fn keyed(mut self, keys: impl Into<HostKeys>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the accepted text.
    pub(super) fn read(&self) -> Baseline {
        let untrusted = |why: String| Baseline::Untrusted(format!("{} {why}", self.path.display()));
        let text = match read_text(&self.path, MAX_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.first_use => {
                return Baseline::FirstUse;
            }
            Err(error) => return untrusted(format!("cannot be read: {error}")),
        };
        match serde_json::from_str::<Accepted>(&text) {
            Ok(accepted) => match self.fault_of(&accepted) {
                None => Baseline::Accepted(Box::new(accepted)),
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

    /// Authenticates with the current key a file that was authenticated with a previous one.
    ///
    /// If another text is accepted meanwhile, that one stays.
    pub(super) fn renew(&self, accepted: &Accepted) {
        let Some(keys) = self.keys.as_ref().filter(|keys| !keys.previous().is_empty()) else {
            return;
        };
        let mac = accepted.mac_under(keys.current(), &self.path);
        if accepted.mac.as_ref() == Some(&mac) {
            return;
        }
        // It counts as long as the previous key is given, even if this write fails.
        let renewed = Accepted { mac: Some(mac), ..accepted.clone() };
        let is_same = || {
            let now = read_text(&self.path, MAX_BYTES)?;
            Ok(serde_json::from_str::<Accepted>(&now).is_ok_and(|now| now == *accepted))
        };
        if let Err(error) = self.write_if(&renewed, is_same) {
            tracing::warn!(
                file = %self.path.display(), %error,
                "what was accepted is still vouched for with a previous host key only"
            );
        }
    }

    /// Returns the record to write when `by` accepts this text. `number` is that of its signature,
    /// 0 without one; `before` is the last accepted text, if it is known.
    pub(super) fn next(
        &self,
        (text, by): (&str, &str),
        number: u64,
        before: Option<&Accepted>,
    ) -> Accepted {
        let now = Timestamp::now();
        let later = before.map(|it| it.at.saturating_add(Duration::from_millis(1)));
        let mut accepted = Accepted {
            schema: SCHEMA,
            text: text.to_owned(),
            digest: digest_of(text),
            by: by.to_owned(),
            at: later.map_or(now, |later| later.max(now)),
            number: before.map_or(number, |it| it.number.max(number)),
            number_unknown: before.is_some_and(|it| it.number_unknown),
            mac: None,
        };
        self.vouch(&mut accepted);
        accepted
    }

    /// Returns the record to write when a person accepts this text. If the text is signed, later
    /// numbers are compared with its number; without a signature, and without the previous
    /// acceptance, the highest number is unknown.
    pub(super) fn next_by_person(
        &self,
        said: (&str, &str),
        number: Option<u64>,
        before: Option<&Accepted>,
    ) -> Accepted {
        let mut accepted = self.next(said, number.unwrap_or(0), before);
        accepted.number_unknown = number.is_none() && before.is_none_or(|it| it.number_unknown);
        self.vouch(&mut accepted);
        accepted
    }

    /// Returns the record to write when the text that a person accepted turns out to be signed
    /// under `number`.
    pub(super) fn numbered(&self, accepted: &Accepted, number: u64) -> Accepted {
        let said = (accepted.text.as_str(), accepted.by.as_str());
        self.next_by_person(said, Some(number), Some(accepted))
    }

    fn vouch(&self, accepted: &mut Accepted) {
        let key = self.keys.as_ref().map(HostKeys::current);
        accepted.mac = key.map(|key| accepted.mac_under(key, &self.path));
    }

    /// Writes the acceptance atomically.
    pub(super) fn write(&self, accepted: &Accepted) -> io::Result<()> {
        self.write_if(accepted, || Ok(true))
    }

    /// Does the same, if `holds` returns `true` immediately before the file is replaced.
    fn write_if(
        &self,
        accepted: &Accepted,
        holds: impl FnOnce() -> io::Result<bool>,
    ) -> io::Result<()> {
        let json = serde_json::to_string(accepted).map_err(io::Error::other)?;
        // Written to another name first: a crash leaves no partial file.
        let unfinished = beside(&self.path, ".new");
        let _absent = fs::remove_file(&unfinished);
        let mut options = OpenOptions::new();
        let mut file = owner_only(options.write(true).create_new(true)).open(&unfinished)?;
        file.write_all(json.as_bytes())?;
        file.sync_all()?;
        if !holds()? {
            return fs::remove_file(&unfinished);
        }
        fs::rename(&unfinished, &self.path)?;
        // On other systems a folder cannot be opened as a file.
        if cfg!(unix)
            && let Some(folder) = self.path.parent().filter(|it| !it.as_os_str().is_empty())
        {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Accepted {
    /// Returns the MAC. It covers the file's name, so that an acceptance of one policy does not
    /// count for another.
    fn mac_under(&self, key: &HostKey, path: &Path) -> String {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Self { schema, at, digest, by, number, number_unknown, .. } = self;
        // Files from before there were numbers have the first form.
        let (purpose, said) = match number {
            number if *number_unknown => (
                "hitl.policy.accepted.v3",
                format!("{schema}\n{name}\n{at}\n{digest}\n{number} at least\n{by}"),
            ),
            0 => ("hitl.policy.accepted.v1", format!("{schema}\n{name}\n{at}\n{digest}\n{by}")),
            number => (
                "hitl.policy.accepted.v2",
                format!("{schema}\n{name}\n{at}\n{digest}\n{number}\n{by}"),
            ),
        };
        hex(&key.mac(purpose, said.as_bytes()))
    }

    /// Returns the reason why this cannot follow `known`, which this process has accepted or read;
    /// `None` if it can. An older acceptance that was put back does not count.
    pub(super) fn fault_after(&self, known: &Self) -> Option<&'static str> {
        let older = self.at < known.at || self.number < known.number;
        older.then_some("is older than what was accepted last: it was put back")
    }
}

/// Returns the SHA-256 of a rule file's text, in hexadecimal: the digest of its
/// [`PolicyVersion`](crate::PolicyVersion).
pub(super) fn digest_of(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_no(yes: &bool) -> bool {
    !*yes
}

/// Returns the path of a file beside another one.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_5_what_is_accepted_while_a_key_is_renewed_stays() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy.toml");
        let (one, two) = (HostKey::from_bytes([1; 32]), HostKey::from_bytes([2; 32]));
        let both = HostKeys::new(two).with_previous(one.clone());
        let before = AcceptanceFile::beside_policy(&policy).keyed(one);
        let after = AcceptanceFile::beside_policy(&policy).keyed(both);
        let first = before.next(("first", "ann"), 0, None);
        before.write(&first).unwrap();
        // A person accepts another text between the check and the write.
        let second = after.next(("second", "bob"), 0, Some(&first));
        after.write(&second).unwrap();
        after.renew(&first);
        let Baseline::Accepted(kept) = after.read() else { panic!("it is readable") };
        assert_eq!(*kept, second);
        assert!(!beside(after.path(), ".new").exists());
        // If unchanged, it is authenticated with the current key.
        before.write(&first).unwrap();
        let read = fs::read_to_string(after.path()).unwrap();
        after.renew(&first);
        assert!(matches!(after.read(), Baseline::Accepted(_)));
        assert_ne!(fs::read_to_string(after.path()).unwrap(), read);
    }
}
