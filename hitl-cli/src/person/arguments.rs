//! What the command line says of people.

use clap::{Subcommand, ValueEnum};

use super::Demand;
use crate::arguments::Who;

#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// Enrol a person's authenticator app, or codes to be printed. From then on what loosens or
    /// destroys (a grant, a policy, another person, erasure, the host key) needs a one-time code.
    /// Who has enrolled already replaces it themselves. Needs --audit.
    Enroll {
        /// The person's name, as they decide under it.
        person: String,
        /// Number of single-use printed codes, instead of an app: nobody can compute them from what
        /// the store keeps.
        #[arg(long, value_name = "N")]
        codes: Option<usize>,
        #[command(flatten)]
        who: Who,
    },
    /// List who has enrolled what.
    List,
    /// Take away what a person has enrolled. Needs --audit.
    Remove {
        /// The person's name.
        person: String,
        #[command(flatten)]
        who: Who,
    },
    /// Set which actions require a one-time code, once somebody has enrolled. Needs --audit.
    Demand {
        /// Which actions.
        what: Demanded,
        #[command(flatten)]
        who: Who,
    },
}

impl PersonCommand {
    /// Who does it.
    pub(crate) fn who(&self) -> Option<&Who> {
        match self {
            Self::Enroll { who, .. } | Self::Remove { who, .. } | Self::Demand { who, .. } => {
                Some(who)
            }
            Self::List => None,
        }
    }
}

/// What a one-time code is demanded for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Demanded {
    /// Those that loosen or destroy: grants, policies, people, erasure, the host key.
    Loosening,
    /// Each answer too: approve, edit, respond, resolve.
    Answers,
}

impl Demanded {
    /// For what, in words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Loosening => "what loosens or destroys",
            Self::Answers => "each answer",
        }
    }
}

impl From<Demanded> for Demand {
    fn from(demanded: Demanded) -> Self {
        match demanded {
            Demanded::Loosening => Self::Loosening,
            Demanded::Answers => Self::Answers,
        }
    }
}
