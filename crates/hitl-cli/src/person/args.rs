//! The command line of `hitl person`.

use clap::{Subcommand, ValueEnum};

use super::CodeDemand;
use crate::args::DeciderArgs;

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
        who: DeciderArgs,
    },
    /// List who has enrolled what.
    List,
    /// Take away what a person has enrolled. Needs --audit.
    Remove {
        /// The person's name.
        person: String,
        #[command(flatten)]
        who: DeciderArgs,
    },
    /// Set which actions require a one-time code, once somebody has enrolled. Needs --audit.
    Demand {
        /// Which actions.
        what: Demanded,
        #[command(flatten)]
        who: DeciderArgs,
    },
}

impl PersonCommand {
    /// Returns the options that name the acting person.
    pub(crate) fn who(&self) -> Option<&DeciderArgs> {
        match self {
            Self::Enroll { who, .. } | Self::Remove { who, .. } | Self::Demand { who, .. } => {
                Some(who)
            }
            Self::List => None,
        }
    }
}

/// The actions that require a one-time code.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Demanded {
    /// Those that loosen or destroy: grants, policies, people, erasure, the host key.
    Loosening,
    /// Each answer too: approve, edit, respond, resolve.
    Answers,
}

impl Demanded {
    /// Returns the actions in words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Loosening => "what loosens or destroys",
            Self::Answers => "each answer",
        }
    }
}

impl From<Demanded> for CodeDemand {
    fn from(demanded: Demanded) -> Self {
        match demanded {
            Demanded::Loosening => Self::Loosening,
            Demanded::Answers => Self::Answers,
        }
    }
}
