//! What was last accepted of a rule file: kept in a small file of its own, so that a file that
//! somebody else rewrote does not decide by itself, not even after a restart.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::text_file::read_text;
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
/// **When there is no such file**, what is loaded first is accepted ("trust on first use"), unless
/// it lies beside a store that was there already: then every call is denied until somebody accepts
/// the rule file, because it cannot be told from one whose acceptance was removed. **When it is
/// damaged or its code is wrong**, every call is denied too.
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
    /// Later than that of what was accepted before, at any reading of the clock.
    pub(super) at: Timestamp,
    /// The highest number of a signed text that was accepted so far; 0 when none was.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) number: u64,
    /// What was accepted before was not known, and no signed text was accepted since: nobody knows
    /// which number was the highest, so no signature counts.
    #[serde(default, skip_serializing_if = "is_no")]
    pub(super) number_unknown: bool,
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
    /// Beside the rule file itself, as `<policy>.accepted`: what a [`RuleFile`](super::RuleFile)
    /// has unless it is given another. A person looks after both.
    pub fn beside_policy(policy: impl AsRef<Path>) -> Self {
        Self { path: beside(policy.as_ref(), ".accepted"), keys: None, first_use: true }
    }

    /// Beside a store, as `<store>.<policy's name>.accepted`. Ask for it before the store is
    /// opened: whether the store is there decides whether a first load is accepted by itself.
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

    /// Vouches with the current key for what a previous one vouches for.
    ///
    /// If somebody accepts another text meanwhile, that stays.
    pub(super) fn renew(&self, accepted: &Accepted) {
        let Some(keys) = self.keys.as_ref().filter(|keys| !keys.previous().is_empty()) else {
            return;
        };
        let mac = accepted.mac_under(keys.current(), &self.path);
        if accepted.mac.as_ref() == Some(&mac) {
            return;
        }
        // It counts as long as the previous key is given, written or not.
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

    /// What is to be written when `by` accepts this text. `number` is that of its signature, 0
    /// without one; `before` is what was accepted last, as far as it is known.
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

    /// What is to be written when a person accepts this text. A number that was signed with what
    /// they accept is the one that later ones are compared with; without one, and without what was
    /// accepted before, nobody knows it.
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

    /// What is to be written when the text that a person accepted turns out to be signed under
    /// `number`.
    pub(super) fn numbered(&self, accepted: &Accepted, number: u64) -> Accepted {
        let said = (accepted.text.as_str(), accepted.by.as_str());
        self.next_by_person(said, Some(number), Some(accepted))
    }

    fn vouch(&self, accepted: &mut Accepted) {
        let key = self.keys.as_ref().map(HostKeys::current);
        accepted.mac = key.map(|key| accepted.mac_under(key, &self.path));
    }

    /// Writes what was accepted, whole or not at all.
    pub(super) fn write(&self, accepted: &Accepted) -> io::Result<()> {
        self.write_if(accepted, || Ok(true))
    }

    /// The same, if this still holds immediately before the file is replaced.
    fn write_if(
        &self,
        accepted: &Accepted,
        holds: impl FnOnce() -> io::Result<bool>,
    ) -> io::Result<()> {
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
        if !holds()? {
            return fs::remove_file(&unfinished);
        }
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
        let Self { schema, at, digest, by, number, number_unknown, .. } = self;
        // What was written before there were numbers has the first form.
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

    /// Why it is not the next after `known`, which this process has accepted or read; nothing when
    /// it may be. An older acceptance that is put back is no acceptance.
    pub(super) fn fault_after(&self, known: &Self) -> Option<&'static str> {
        let older = self.at < known.at || self.number < known.number;
        older.then_some("is older than what was accepted last: it was put back")
    }
}

/// SHA-256 of a rule file's text, in hexadecimal: the digest of its
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

/// A file beside another one.
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
        // A person accepts another text between the look and the write.
        let second = after.next(("second", "bob"), 0, Some(&first));
        after.write(&second).unwrap();
        after.renew(&first);
        let Baseline::Accepted(kept) = after.read() else { panic!("it is readable") };
        assert_eq!(*kept, second);
        assert!(!beside(after.path(), ".new").exists());
        // Unchanged, it is vouched for with the current key.
        before.write(&first).unwrap();
        let read = fs::read_to_string(after.path()).unwrap();
        after.renew(&first);
        assert!(matches!(after.read(), Baseline::Accepted(_)));
        assert_ne!(fs::read_to_string(after.path()).unwrap(), read);
    }
}
