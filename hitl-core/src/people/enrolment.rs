//! The enrolments of people, as the store keeps them in one mark, and the check of a typed code.
//! Pure: time and random bytes are arguments.
//!
//! The mark holds no secret. A device's secret is derived from the host key and a salt, so nobody
//! who cannot read the host key can know a code. Only digests of printed codes are kept, and a code
//! has eighty random bits, so it cannot be found from its digest, with or without the host key.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::deed::CodeDemand;
use super::totp::{Secret, base32};
use crate::call::Principal;
use crate::seal::{HostKey, HostKeys};

/// The number of consecutive wrong codes after which a device's codes are ignored for a while.
const MAX_WRONG: u32 = 5;
/// The first of these waiting times, in seconds; each later one is twice as long, up to the
/// maximum.
const FIRST_WAIT: u64 = 60;
const MAX_WAIT: u64 = 24 * 3600;
/// The number of random bytes in a printed code.
pub(super) const CODE_BYTES: usize = 10;
/// The most codes that are printed at once.
pub(super) const MAX_CODES: usize = 50;
/// The most people who enrol.
const MAX_PEOPLE: usize = 200;

/// All enrolments in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Enrolments {
    #[serde(default)]
    pub(super) demand: CodeDemand,
    /// By the name that identities are compared by ([`Principal::spelling`]). Older versions used
    /// the folded name, which keeps spaces, full width and the case of letters beyond ASCII: such a
    /// key stays, since the secret of a device is derived from it.
    #[serde(default)]
    pub(super) people: BTreeMap<String, Person>,
}

/// The enrolment of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Person {
    /// A device that shows codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) device: Option<Device>,
    /// The digests of the unused printed codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) codes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Device {
    /// The input from which the secret is derived, beside the host key.
    salt: String,
    /// The id of that host key, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The step of the last code that was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<u64>,
    /// The number of consecutive wrong codes.
    #[serde(default)]
    wrong: u32,
    /// The time, in seconds since 1970, until which its codes are ignored.
    #[serde(default)]
    closed_until: u64,
}

/// The kind of code by which a person proved their identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Totp,
    Code,
}

/// The reason why nothing was enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotEnrolled {
    /// The name is empty, or too many people have enrolled.
    NoRoom,
    /// The person has enrolled already, and somebody else would replace it.
    Theirs,
}

/// The result of checking a typed code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    /// The code is theirs, and is used up.
    Right(Proof),
    /// The code is not theirs, or was used before.
    Wrong,
    /// Too many codes were wrong: a device's codes are ignored for this many seconds.
    Closed(u64),
    /// Nothing is enrolled under that name.
    Nobody,
}

impl Enrolments {
    pub(super) fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Checks a code that somebody typed, and counts the attempt: the changed enrolments must be
    /// stored before the result is acted on.
    pub(super) fn check(
        &mut self,
        name: &Principal,
        typed: &str,
        keys: &HostKeys,
        seconds: u64,
    ) -> Checked {
        let Some(name) = self.key_of(name) else { return Checked::Nobody };
        let Some(person) = self.people.get_mut(&name) else { return Checked::Nobody };
        // Nobody can guess eighty bits, so a printed code is checked regardless of earlier guesses.
        let digest = digest(typed);
        if let Some(at) = person.codes.iter().position(|kept| *kept == digest) {
            person.codes.remove(at);
            return Checked::Right(Proof::Code);
        }
        let Some(device) = &mut person.device else { return Checked::Wrong };
        if seconds < device.closed_until {
            return Checked::Closed(device.closed_until - seconds);
        }
        let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
        // A device that was enrolled under a former key is valid as long as the host has that key.
        // If its key is known, no other is tried: each would make a correct guess more likely.
        let is_its =
            |key: &&HostKey| device.key.as_ref().is_none_or(|known| *known == key.id().to_string());
        let of: Vec<&HostKey> = keys.all().filter(is_its).collect();
        for key in of {
            let secret = secret(key, &name, &device.salt);
            if let Some(step) = secret.step(&typed, seconds, device.last) {
                (device.last, device.wrong, device.closed_until) = (Some(step), 0, 0);
                device.key = Some(key.id().to_string());
                return Checked::Right(Proof::Totp);
            }
        }
        device.wrong = device.wrong.saturating_add(1);
        if let Some(rounds) = device.wrong.checked_sub(MAX_WRONG) {
            device.closed_until = seconds.saturating_add(wait(rounds));
        }
        Checked::Wrong
    }

    /// Enrols a device for a person, replacing an existing one; returns the text for their app.
    /// `by` is the person who does it: once a person has enrolled, only they themselves may.
    pub(super) fn enrol_device(
        &mut self,
        name: &Principal,
        by: &Principal,
        key: &HostKey,
        salt: [u8; 16],
    ) -> Result<String, NotEnrolled> {
        let (kept_by, person) = self.person(name, by)?;
        let device = Device {
            salt: base32(&salt),
            key: Some(key.id().to_string()),
            last: None,
            wrong: 0,
            closed_until: 0,
        };
        let uri = secret(key, &kept_by, &device.salt).uri(name.folded().as_str());
        person.device = Some(device);
        Ok(uri)
    }

    /// Returns the people whose device was enrolled under another host key, or under an unknown
    /// one.
    pub(super) fn devices_of_other_keys(&self, key: &HostKey) -> Vec<String> {
        let id = key.id().to_string();
        let other = |person: &Person| {
            person.device.as_ref().is_some_and(|device| device.key.as_ref() != Some(&id))
        };
        self.people.iter().filter(|(_, it)| other(it)).map(|(name, _)| name.clone()).collect()
    }

    /// Creates codes for a person, replacing existing ones. `by` is the person who does it: once a
    /// person has enrolled, only they themselves may.
    pub(super) fn enrol_codes(
        &mut self,
        name: &Principal,
        by: &Principal,
        random: &[[u8; CODE_BYTES]],
    ) -> Result<Vec<String>, NotEnrolled> {
        let (_, person) = self.person(name, by)?;
        let codes: Vec<String> = random.iter().map(printed).collect();
        person.codes = codes.iter().map(|code| digest(code)).collect();
        Ok(codes)
    }

    /// Returns the person for whom `by` may enrol something: a person who has nothing enrolled, if
    /// there is room for one more, or `by` themselves. Anyone who could replace another person's
    /// enrolment could answer as that person.
    fn person(
        &mut self,
        name: &Principal,
        by: &Principal,
    ) -> Result<(String, &mut Person), NotEnrolled> {
        let (spelling, kept) = (name.spelling(), self.key_of(name));
        if spelling.is_empty() || (kept.is_none() && self.people.len() >= MAX_PEOPLE) {
            return Err(NotEnrolled::NoRoom);
        }
        let is_theirs = |(key, it): (&String, &Person)| is_of(key, &spelling) && it.has_enrolled();
        if spelling != by.spelling() && self.people.iter().any(is_theirs) {
            return Err(NotEnrolled::Theirs);
        }
        let key = kept.unwrap_or_else(|| spelling.into_owned());
        Ok((key.clone(), self.people.entry(key).or_default()))
    }

    /// Removes everything that a person has enrolled, under each spelling of their name. Returns
    /// `false` if there is nothing.
    pub(super) fn remove(&mut self, name: &Principal) -> bool {
        let (spelling, before) = (name.spelling(), self.people.len());
        self.people.retain(|key, _| !is_of(key, &spelling));
        self.people.len() < before
    }

    /// Returns the key under which a person's enrolment is stored. If older versions stored several
    /// for one person, returns the one for exactly this name.
    fn key_of(&self, name: &Principal) -> Option<String> {
        let (folded, spelling) = (name.folded(), name.spelling());
        [folded.as_str(), &*spelling]
            .into_iter()
            .find(|key| self.people.contains_key(*key))
            .or_else(|| self.people.keys().map(String::as_str).find(|key| is_of(key, &spelling)))
            .map(str::to_owned)
    }
}

/// Returns whether the enrolment under this key belongs to the person with this spelling of the
/// name.
fn is_of(key: &str, spelling: &str) -> bool {
    *Principal::new(key).spelling() == *spelling
}

impl Person {
    /// Returns whether anything is left that proves their identity.
    fn has_enrolled(&self) -> bool {
        self.device.is_some() || !self.codes.is_empty()
    }
}

/// Returns how long a device is closed, in seconds, after this many earlier rounds of guesses.
fn wait(rounds: u32) -> u64 {
    // Eleven rounds exceed the longest wait; a larger shift would lose bits.
    FIRST_WAIT.saturating_mul(1 << rounds.min(11)).min(MAX_WAIT)
}

/// Returns the secret of a device: HMAC-SHA-256 under the host key, truncated to the length that
/// apps expect.
fn secret(key: &HostKey, name: &str, salt: &str) -> Secret {
    let mut bytes = Vec::new();
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose()) {
        for part in ["hitl.person.totp.v1", name, salt] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        bytes.extend_from_slice(&mac.finalize().into_bytes()[..20]);
    }
    Secret::new(bytes)
}

/// Returns a code as it is printed: in groups of four letters.
fn printed(bytes: &[u8; CODE_BYTES]) -> String {
    let text = base32(bytes);
    let groups: Vec<&str> =
        (0..text.len()).step_by(4).filter_map(|at| text.get(at..at + 4)).collect();
    groups.join("-")
}

/// Returns the digest of a code, regardless of the grouping and case of its letters.
fn digest(code: &str) -> String {
    let letters: String =
        code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    base32(&Sha256::digest(format!("hitl.person.code.v1 {letters}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> HostKey {
        HostKey::from_bytes([7; 32])
    }

    fn keys() -> HostKeys {
        key().into()
    }

    fn ann() -> Principal {
        Principal::new("ann")
    }

    /// Returns the code that a device shows, found by trial.
    fn shown(enrolments: &Enrolments, seconds: u64) -> String {
        let device = enrolments.people["ann"].device.as_ref().unwrap();
        let secret = secret(&key(), "ann", &device.salt);
        format!("{:06}", secret.code(seconds / 30).unwrap())
    }

    #[test]
    fn invariant_4_a_code_of_a_device_counts_once_whatever_the_spelling_of_the_name() {
        let mut enrolments = Enrolments::default();
        let uri =
            enrolments.enrol_device(&Principal::new(" Ann "), &ann(), &key(), [1; 16]).unwrap();
        assert!(uri.starts_with("otpauth://totp/hitl:ann?secret="), "{uri}");
        let code = shown(&enrolments, 3000);
        let mut check = |name: &str, code: &str, seconds| {
            enrolments.check(&Principal::new(name), code, &keys(), seconds)
        };
        assert_eq!(check("bob", &code, 3000), Checked::Nobody);
        assert_eq!(check("ANN", &code, 3000), Checked::Right(Proof::Totp));
        assert_eq!(check("ann", &code, 3000), Checked::Wrong, "it was used");
        assert_eq!(check("ann", &code, 3010), Checked::Wrong);
    }

    #[test]
    fn invariant_7_an_enrolment_is_of_one_person_in_every_spelling_of_the_name() {
        let bob = Principal::new("bob");
        for (kept, others) in [
            ("J\u{dc}RGEN", &["j\u{fc}rgen", "J\u{fc}rgen", " J\u{dc}RGEN"][..]),
            ("ann", &["\u{ff41}\u{ff2e}n", "a n n", "ANN"]),
            ("Ann Lee", &["ann\u{a0}lee", "annlee", "ANN  LEE"]),
        ] {
            let person = Principal::new(kept);
            let mut new = Enrolments::default();
            let codes = new.enrol_codes(&person, &person, &[[9; CODE_BYTES]; 1]).unwrap();
            // The form in which older versions stored it.
            let mut old = Enrolments::default();
            let one = new.people.values().next().unwrap().clone();
            old.people.insert(person.folded().to_string(), one);
            for all in [new, old] {
                for other in others.iter().copied().map(Principal::new) {
                    let mut all = all.clone();
                    let taken = all.enrol_codes(&other, &bob, &[[1; CODE_BYTES]]);
                    assert_eq!(taken, Err(NotEnrolled::Theirs), "{other}");
                    let taken = all.enrol_device(&other, &bob, &key(), [1; 16]);
                    assert_eq!(taken, Err(NotEnrolled::Theirs), "{other}");
                    let right = all.check(&other, &codes[0], &keys(), 0);
                    assert_eq!(right, Checked::Right(Proof::Code), "{other}");
                    // They replace it themselves, and it stays one entry.
                    all.enrol_codes(&other, &person, &[[2; CODE_BYTES]]).unwrap();
                    assert_eq!(all.people.len(), 1, "{other}");
                    assert!(all.remove(&other) && all.is_empty(), "{other}");
                }
                let mut all = all.clone();
                assert_eq!(all.check(&bob, &codes[0], &keys(), 0), Checked::Nobody);
                assert!(!all.remove(&bob));
            }
        }
    }

    /// The secret is derived from the name under which the device was stored.
    #[test]
    fn a_device_that_an_older_version_kept_under_a_folded_name_goes_on() {
        let (person, salt) = (Principal::new("J\u{dc}RGEN"), base32(&[1; 16]));
        let folded = person.folded();
        let id = Some(key().id().to_string());
        let device = Device { salt, key: id, last: None, wrong: 0, closed_until: 0 };
        let secret = secret(&key(), folded.as_str(), &device.salt);
        let shown = format!("{:06}", secret.code(100).unwrap());
        let mut all = Enrolments::default();
        let kept = Person { device: Some(device), codes: Vec::new() };
        all.people.insert(folded.to_string(), kept);
        let right = all.check(&Principal::new("j\u{fc}rgen"), &shown, &keys(), 3000);
        assert_eq!(right, Checked::Right(Proof::Totp));
    }

    #[test]
    fn invariant_7_what_somebody_has_enrolled_only_they_replace() {
        let (bob, codes) = (Principal::new("bob"), [[9; CODE_BYTES]]);
        let mut enrolments = Enrolments::default();
        let device = |all: &mut Enrolments, by: &Principal| {
            all.enrol_device(&ann(), by, &key(), [1; 16]).map(drop)
        };
        device(&mut enrolments, &bob).unwrap();
        let before = enrolments.clone();
        assert_eq!(device(&mut enrolments, &bob), Err(NotEnrolled::Theirs));
        // Codes in addition to their device would serve an impostor as well.
        let refused = enrolments.enrol_codes(&Principal::new("ANN "), &bob, &codes);
        assert_eq!(refused, Err(NotEnrolled::Theirs));
        assert_eq!(enrolments, before);
        device(&mut enrolments, &Principal::new(" Ann")).unwrap();
        // A person with nothing left can be enrolled by somebody else again.
        enrolments.people.insert("ann".to_owned(), Person::default());
        let codes = enrolments.enrol_codes(&ann(), &bob, &codes).unwrap();
        assert_eq!(enrolments.check(&ann(), &codes[0], &keys(), 0), Checked::Right(Proof::Code));
        device(&mut enrolments, &bob).unwrap();
        let empty = enrolments.enrol_device(&Principal::new(" "), &bob, &key(), [1; 16]);
        assert_eq!(empty, Err(NotEnrolled::NoRoom));
    }

    #[test]
    fn invariant_8_what_is_kept_holds_no_secret_and_other_keys_make_other_codes() {
        let mut enrolments = Enrolments::default();
        let uri = enrolments.enrol_device(&ann(), &ann(), &key(), [1; 16]).unwrap();
        let codes =
            enrolments.enrol_codes(&ann(), &ann(), &[[9; CODE_BYTES], [10; CODE_BYTES]]).unwrap();
        let kept = serde_json::to_string(&enrolments).unwrap();
        let secret = uri.split(['=', '&']).nth(1).unwrap();
        assert!(!kept.contains(secret) && codes.iter().all(|code| !kept.contains(code)));
        let code = shown(&enrolments, 3000);
        let other = HostKey::from_bytes([8; 32]);
        assert_eq!(
            enrolments.clone().check(&ann(), &code, &other.clone().into(), 3000),
            Checked::Wrong
        );
        assert_eq!(serde_json::from_str::<Enrolments>(&kept).unwrap(), enrolments);
    }

    #[test]
    fn a_device_of_a_former_key_counts_while_that_is_given_and_is_named_before_it_goes() {
        let mut enrolments = Enrolments::default();
        enrolments.enrol_device(&ann(), &ann(), &key(), [1; 16]).unwrap();
        let (code, new) = (shown(&enrolments, 3000), HostKey::from_bytes([8; 32]));
        assert_eq!(enrolments.devices_of_other_keys(&key()), [""; 0]);
        assert_eq!(enrolments.devices_of_other_keys(&new), ["ann"]);
        let both = HostKeys::new(new.clone()).with_previous(key());
        let right = Checked::Right(Proof::Totp);
        assert_eq!(enrolments.clone().check(&ann(), &code, &both, 3000), right);
        assert_eq!(enrolments.check(&ann(), &code, &new.clone().into(), 3000), Checked::Wrong);
        // A device that an older version enrolled does not name its key: a right code reveals it.
        enrolments.people.get_mut("ann").unwrap().device.as_mut().unwrap().key = None;
        assert_eq!(enrolments.devices_of_other_keys(&key()), ["ann"]);
        assert_eq!(enrolments.check(&ann(), &code, &both, 3000), right);
        assert_eq!(enrolments.devices_of_other_keys(&key()), [""; 0]);
        enrolments.enrol_device(&ann(), &ann(), &new, [2; 16]).unwrap();
        assert_eq!(enrolments.devices_of_other_keys(&new), [""; 0]);
    }

    #[test]
    fn invariant_4_a_printed_code_counts_once_also_when_guesses_closed_the_device() {
        let mut enrolments = Enrolments::default();
        enrolments.enrol_device(&ann(), &ann(), &key(), [1; 16]).unwrap();
        let codes =
            enrolments.enrol_codes(&ann(), &ann(), &[[9; CODE_BYTES], [10; CODE_BYTES]]).unwrap();
        assert_eq!((codes.len(), codes[0].len()), (2, 19));
        for wrong in ["", "-", "AAAA-AAAA-AAAA-AAAA", "000000", "x"] {
            assert_eq!(enrolments.check(&ann(), wrong, &keys(), 3000), Checked::Wrong, "{wrong}");
        }
        assert_eq!(enrolments.check(&ann(), "000000", &keys(), 3001), Checked::Closed(59));
        let typed = codes[0].to_lowercase().replace('-', " ");
        assert_eq!(enrolments.check(&ann(), &typed, &keys(), 3001), Checked::Right(Proof::Code));
        assert_eq!(enrolments.check(&ann(), &typed, &keys(), 3001), Checked::Closed(59), "used up");
    }

    #[test]
    fn invariant_5_guesses_close_a_device_for_longer_each_time() {
        let mut enrolments = Enrolments::default();
        enrolments.enrol_device(&ann(), &ann(), &key(), [1; 16]).unwrap();
        let (mut seconds, mut guesses) = (0, 0);
        while seconds < 30 * 24 * 3600 {
            match enrolments.check(&ann(), "0", &keys(), seconds) {
                Checked::Wrong => guesses += 1,
                Checked::Closed(wait) => seconds += wait,
                other => panic!("{other:?}"),
            }
        }
        assert!(guesses < 60, "{guesses} guesses in a month");
    }

    #[test]
    fn invariant_5_a_device_is_never_closed_for_a_shorter_time_than_before() {
        assert_eq!((0..4).map(wait).collect::<Vec<_>>(), [60, 120, 240, 480]);
        let mut before = 0;
        for rounds in (0..200).chain([u32::MAX - MAX_WRONG, u32::MAX]) {
            assert!(wait(rounds) >= before && wait(rounds) <= MAX_WAIT, "{rounds}");
            before = wait(rounds);
        }
        assert_eq!(before, MAX_WAIT);
    }
}
