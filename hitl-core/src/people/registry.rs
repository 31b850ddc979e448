//! The storage of enrolments: a mark of the store, changed by compare-and-set, so that if two
//! callers use the same code, one is refused.

use std::fmt;
use std::sync::Arc;

use super::deed::CodeDemand;
use super::enrolment::{CODE_BYTES, Checked, Enrolments, MAX_CODES, NotEnrolled, Person, Proof};
use super::error::PeopleError;
use crate::approval::KnownBy;
use crate::call::Principal;
use crate::seal::HostKeys;
use crate::store::Store;

/// The name of the mark.
const MARK: &str = "person.v1";
/// The number of attempts at a change that other changes overtake.
const ATTEMPTS: u32 = 16;
const MILLIS: i64 = 1000;

/// The people who have enrolled a credential in a store; see [`Gate::people`](crate::Gate::people).
/// Cheap to clone; clones share the same people.
#[derive(Clone)]
pub struct People {
    store: Arc<dyn Store>,
}

/// The enrolment of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnrolledPerson {
    /// The name as identities are compared: without spaces, and in lower case.
    pub name: String,
    /// True if they have a device that shows codes.
    pub has_device: bool,
    /// The number of unused printed codes.
    pub codes: usize,
}

impl People {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Returns the actions for which a code is demanded; `None` if nobody has enrolled.
    ///
    /// # Errors
    ///
    /// [`PeopleError::Unreadable`] and [`PeopleError::Store`]: then nothing may be done that needs
    /// a person.
    pub async fn demand(&self) -> Result<Option<CodeDemand>, PeopleError> {
        let (_, enrolments) = self.read().await?;
        Ok((!enrolments.is_empty()).then_some(enrolments.demand))
    }

    /// Checks a person's code, uses it up, and returns the means by which it proves their identity.
    ///
    /// # Errors
    ///
    /// [`PeopleError::WrongCode`], [`PeopleError::Closed`], [`PeopleError::NotEnrolled`]; or if the
    /// enrolments cannot be read or stored. After each of them the person's identity is unproven.
    ///
    /// Cancel safe: if the future is dropped, the code may have been used up, and nobody's identity
    /// is proven by it.
    pub async fn check(&self, who: &Principal, code: &str) -> Result<KnownBy, PeopleError> {
        let keys = self.keys()?;
        let now = self.store.now().await?.as_millis() / MILLIS;
        let seconds = u64::try_from(now).unwrap_or(0);
        match self.change(|all| all.check(who, code, &keys, seconds)).await? {
            Checked::Right(Proof::Totp) => Ok(KnownBy::Totp),
            Checked::Right(Proof::Code) => Ok(KnownBy::Code),
            Checked::Wrong => Err(PeopleError::WrongCode),
            Checked::Closed(seconds) => Err(PeopleError::Closed { seconds }),
            Checked::Nobody => Err(PeopleError::NotEnrolled),
        }
    }

    /// Enrols a device for a person, and returns the text for its app (`otpauth://`): show it once,
    /// and store it nowhere. `by` is the person who does it.
    ///
    /// # Errors
    ///
    /// [`PeopleError::Taken`] if somebody else has enrolled under that name,
    /// [`PeopleError::NoRoom`], [`PeopleError::NoKey`]; or if it cannot be stored.
    pub async fn enrol_device(
        &self,
        name: &Principal,
        by: &Principal,
    ) -> Result<String, PeopleError> {
        let (keys, salt) = (self.keys()?, random::<16>()?);
        let uri = self.change(|all| all.enrol_device(name, by, keys.current(), salt)).await?;
        Ok(uri?)
    }

    /// Creates codes for a person, each for one use: print them once, and store them nowhere. `by`
    /// is the person who does it.
    ///
    /// # Errors
    ///
    /// [`PeopleError::Count`] if it is not 1 to 50, [`PeopleError::Taken`] if somebody else has
    /// enrolled under that name, [`PeopleError::NoRoom`]; or if it cannot be stored.
    pub async fn enrol_codes(
        &self,
        name: &Principal,
        by: &Principal,
        count: usize,
    ) -> Result<Vec<String>, PeopleError> {
        if !(1..=MAX_CODES).contains(&count) {
            return Err(PeopleError::Count { most: MAX_CODES });
        }
        let bytes: Vec<[u8; CODE_BYTES]> =
            (0..count).map(|_| random()).collect::<Result<_, _>>()?;
        let codes = self.change(|all| all.enrol_codes(name, by, &bytes)).await?;
        Ok(codes?)
    }

    /// Removes everything that a person has enrolled. Returns `false` if there is nothing.
    ///
    /// # Errors
    ///
    /// If the enrolments cannot be read or stored.
    pub async fn remove(&self, name: &Principal) -> Result<bool, PeopleError> {
        self.change(|all| all.remove(name)).await
    }

    /// Sets the actions for which a code is demanded once somebody has enrolled.
    ///
    /// # Errors
    ///
    /// If the setting cannot be read or stored.
    pub async fn set_demand(&self, demand: CodeDemand) -> Result<(), PeopleError> {
        self.change(|all| all.demand = demand).await
    }

    /// Returns the actions for which a code is demanded once somebody has enrolled, and the
    /// enrolments.
    ///
    /// # Errors
    ///
    /// If the enrolments cannot be read.
    pub async fn list(&self) -> Result<(CodeDemand, Vec<EnrolledPerson>), PeopleError> {
        let (_, all) = self.read().await?;
        let line = |(name, person): (String, Person)| EnrolledPerson {
            name,
            has_device: person.device.is_some(),
            codes: person.codes.len(),
        };
        Ok((all.demand, all.people.into_iter().map(line).collect()))
    }

    /// Returns the people whose device was enrolled under a former host key, or under an unknown
    /// one: once that key is forgotten, the device shows no valid code.
    ///
    /// # Errors
    ///
    /// [`PeopleError::NoKey`]; or if the enrolments cannot be read.
    pub async fn devices_of_former_keys(&self) -> Result<Vec<String>, PeopleError> {
        let (_, all) = self.read().await?;
        if all.is_empty() {
            return Ok(Vec::new());
        }
        Ok(all.devices_of_other_keys(self.keys()?.current()))
    }

    fn keys(&self) -> Result<HostKeys, PeopleError> {
        self.store.host_keys().ok_or(PeopleError::NoKey)
    }

    async fn read(&self) -> Result<(Option<String>, Enrolments), PeopleError> {
        let kept = self.store.metadata(MARK).await?;
        let enrolments = match &kept {
            None => Enrolments::default(),
            Some(text) => serde_json::from_str(text).map_err(|_| PeopleError::Unreadable)?,
        };
        Ok((kept, enrolments))
    }

    /// Changes the enrolments, and stores them before the answer is used.
    async fn change<T>(
        &self,
        mut change: impl FnMut(&mut Enrolments) -> T,
    ) -> Result<T, PeopleError> {
        for _ in 0..ATTEMPTS {
            let (kept, mut enrolments) = self.read().await?;
            let before = enrolments.clone();
            let answer = change(&mut enrolments);
            if enrolments == before {
                return Ok(answer);
            }
            let to = serde_json::to_string(&enrolments).map_err(|_| PeopleError::Unreadable)?;
            if self.store.compare_and_set_metadata(MARK, kept.as_deref(), &to).await? {
                return Ok(answer);
            }
        }
        Err(PeopleError::Overtaken)
    }
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("People(..)")
    }
}

impl From<NotEnrolled> for PeopleError {
    fn from(why: NotEnrolled) -> Self {
        match why {
            NotEnrolled::NoRoom => Self::NoRoom,
            NotEnrolled::Theirs => Self::Taken,
        }
    }
}

fn random<const N: usize>() -> Result<[u8; N], PeopleError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| PeopleError::NoRandomness)?;
    Ok(bytes)
}
