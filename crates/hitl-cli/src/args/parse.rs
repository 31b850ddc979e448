//! From words to a command. A flag beats the environment: a variable that does not fit the place
//! that the flags name is not read.

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, FromArgMatches as _};

use super::{Cli, command_line};
use crate::view::Width;

/// The variables that apply to a store, and not to a console.
const OF_STORES: [&str; 5] =
    ["HITL_DB", "HITL_SCHEMA", "HITL_KEY_FILE", "HITL_AUDIT", "HITL_APPROVER"];
/// The variables that apply to a console.
const OF_CONSOLES: [&str; 2] = ["HITL_URL", "HITL_TOKEN_FILE"];
/// The variable that applies to a PostgreSQL store.
const OF_POSTGRES: &str = "HITL_SCHEMA";

/// Parses the words of the command line. Help is laid out for this room.
pub(crate) fn parse(words: &[OsString], width: Width) -> Result<Cli, clap::Error> {
    let found = command_line(width).try_get_matches_from(words)?;
    let unread = unread(&found);
    if unread.is_empty() {
        return Cli::from_arg_matches(&found);
    }
    let found = without_variables(command_line(width), &unread).try_get_matches_from(words)?;
    Cli::from_arg_matches(&found)
}

/// Returns the variables that do not fit the place that the flags name.
fn unread(found: &ArgMatches) -> Vec<&'static str> {
    let flag = |id: &str| {
        let is_flag = found.value_source(id) == Some(ValueSource::CommandLine);
        found.get_one::<String>(id).filter(|_| is_flag)
    };
    match (flag("db"), flag("url")) {
        (Some(db), None) if db.contains("://") => OF_CONSOLES.to_vec(),
        (Some(_), None) => OF_CONSOLES.into_iter().chain([OF_POSTGRES]).collect(),
        (None, Some(_)) => OF_STORES.to_vec(),
        _ => Vec::new(),
    }
}

fn without_variables(command: Command, names: &[&str]) -> Command {
    let command = command.mut_args(|argument| {
        let is_unread = argument.get_env().is_some_and(|name| names.iter().any(|it| name == *it));
        if is_unread { argument.env(Resettable::Reset) } else { argument }
    });
    command.mut_subcommands(|sub| without_variables(sub, names))
}
