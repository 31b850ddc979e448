//! Where people have enrolled: a mark of the store, changed by compare-and-set, so that of two who use
//! one code one is told that it was used.

use hitl_core::approval::KnownBy;
use hitl_core::{HostKeys, Principal};

use super::enrolment::{
    CODE_BYTES, Checked, Demand, Enrolments, MAX_CODES, NotEnrolled, Person, Proof,
};
use super::surroundings::Surroundings;
use crate::commands::terminal;
use crate::exit::{Exit, Failure};
use crate::source::StoreSource;

/// The name of the mark.
const MARK: &str = "person.v1";
/// How often a change that another one overtook is tried.
const ATTEMPTS: u32 = 16;
const MILLIS: i64 = 1000;

/// The people of a store, as far as they have enrolled.
pub(crate) struct Desk<'s>(&'s StoreSource);

impl<'s> Desk<'s> {
    /// Those of this store.
    pub(crate) fn of(source: &'s StoreSource) -> Self {
        Self(source)
    }

    /// What a credential is demanded for; nothing when nobody has enrolled.
    pub(super) async fn demands(&self) -> Result<Option<Demand>, Failure> {
        let (_, enrolments) = self.read().await?;
        Ok((!enrolments.is_empty()).then_some(enrolments.demand))
    }

    /// Checks a code, and uses it up.
    pub(super) async fn check(&self, name: &Principal, code: &str) -> Result<KnownBy, Failure> {
        let keys = self.keys()?;
        let now = self.0.gate.now().await?.as_millis() / MILLIS;
        let seconds = u64::try_from(now).unwrap_or(0);
        let checked = self.change(|all| all.check(name, code, &keys, seconds)).await?;
        let refused = |why: &str| Err(Failure::new(Exit::Refused, why));
        match checked {
            Checked::Right(Proof::Totp) => Ok(KnownBy::Totp),
            Checked::Right(Proof::Code) => Ok(KnownBy::Code),
            Checked::Wrong => {
                refused("the one-time code is not right, or was used; nothing was done")
            }
            Checked::Closed(seconds) => refused(&format!(
                "too many codes were wrong: a device's codes count again in {seconds} s, printed codes \
                 always; nothing was done"
            )),
            Checked::Nobody => refused(
                "a one-time code is needed, and nothing is enrolled under this name; nothing was done",
            ),
        }
    }

    /// Asks for a code at the terminal.
    pub(super) async fn ask(
        &self,
        name: &Principal,
        surroundings: &Surroundings,
    ) -> Result<KnownBy, Failure> {
        if *surroundings != Surroundings::Terminal {
            let why = "a one-time code is needed: --code CODE, or HITL_CODE; nothing was done";
            return Err(Failure::new(Exit::Refused, why));
        }
        let shown = hitl_base::display::visible(name.as_str());
        let typed = terminal::ask("", &format!("One-time code of {shown}:"))?;
        self.check(name, typed.trim()).await
    }

    /// Enrols a device for somebody; gives what their app reads. `by` is who does it.
    pub(crate) async fn enrol_device(
        &self,
        name: &Principal,
        by: &Principal,
    ) -> Result<String, Failure> {
        let (keys, salt) = (self.keys()?, random::<16>()?);
        let uri = self.change(|all| all.enrol_device(name, by, keys.current(), salt)).await?;
        uri.map_err(not_enrolled)
    }

    /// Makes codes for somebody, to be printed. `by` is who does it.
    pub(crate) async fn enrol_codes(
        &self,
        name: &Principal,
        by: &Principal,
        count: usize,
    ) -> Result<Vec<String>, Failure> {
        if !(1..=MAX_CODES).contains(&count) {
            return Err(Failure::usage(format!("--codes takes 1 to {MAX_CODES}")));
        }
        let bytes: Vec<[u8; CODE_BYTES]> =
            (0..count).map(|_| random()).collect::<Result<_, _>>()?;
        self.change(|all| all.enrol_codes(name, by, &bytes)).await?.map_err(not_enrolled)
    }

    /// Takes away all that somebody has enrolled. False when there is nothing.
    pub(crate) async fn remove(&self, name: &Principal) -> Result<bool, Failure> {
        self.change(|all| all.people.remove(name.folded().as_str()).is_some()).await
    }

    /// Sets what a credential is demanded for.
    pub(crate) async fn demand(&self, demand: Demand) -> Result<(), Failure> {
        self.change(|all| all.demand = demand).await
    }

    /// What a credential is demanded for, and who has enrolled what: a device, and so many codes.
    pub(crate) async fn people(&self) -> Result<(Demand, Vec<(String, bool, usize)>), Failure> {
        let (_, all) = self.read().await?;
        let line =
            |(name, person): (String, Person)| (name, person.device.is_some(), person.codes.len());
        Ok((all.demand, all.people.into_iter().map(line).collect()))
    }

    /// Who enrolled a device under a former host key, or under one that is not known: once that is
    /// forgotten, it shows no right code.
    pub(crate) async fn devices_of_former_keys(&self) -> Result<Vec<String>, Failure> {
        let (_, all) = self.read().await?;
        if all.is_empty() {
            return Ok(Vec::new());
        }
        Ok(all.devices_of_other_keys(self.keys()?.current()))
    }

    fn keys(&self) -> Result<HostKeys, Failure> {
        self.0.store.host_keys().ok_or_else(|| {
            Failure::new(Exit::Failed, "this store gives no host key, so no device can be enrolled")
        })
    }

    async fn read(&self) -> Result<(Option<String>, Enrolments), Failure> {
        let kept = self.0.store.mark(MARK).await?;
        let enrolments = match &kept {
            None => Enrolments::default(),
            Some(text) => serde_json::from_str(text).map_err(|_| {
                let why = "what people have enrolled cannot be read, so nothing is done that needs a \
                           person";
                Failure::new(Exit::Failed, why)
            })?,
        };
        Ok((kept, enrolments))
    }

    /// Changes what is kept, and keeps it before anything is made of the answer.
    async fn change<T>(&self, mut change: impl FnMut(&mut Enrolments) -> T) -> Result<T, Failure> {
        for _ in 0..ATTEMPTS {
            let (kept, mut enrolments) = self.read().await?;
            let before = enrolments.clone();
            let answer = change(&mut enrolments);
            if enrolments == before {
                return Ok(answer);
            }
            let to = serde_json::to_string(&enrolments)?;
            if self.0.store.swap_mark(MARK, kept.as_deref(), &to).await? {
                return Ok(answer);
            }
        }
        Err(Failure::new(Exit::Changed, "others were faster each time; try again"))
    }
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| Failure::new(Exit::Failed, "the system has no random numbers to give"))?;
    Ok(bytes)
}

fn not_enrolled(why: NotEnrolled) -> Failure {
    let why = match why {
        NotEnrolled::NoRoom => "the name is empty, or too many people have enrolled",
        NotEnrolled::Theirs => {
            "they have enrolled already, and only they replace it; nothing was changed: who has lost it is \
             removed first (`hitl person remove`)"
        }
    };
    Failure::new(Exit::Refused, why)
}
