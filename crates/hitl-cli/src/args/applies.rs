//! Which of the options of all commands each command reads. The others work there, and its help
//! does not list them.

use clap::{Command, CommandFactory as _};

use super::Cli;
use super::help::with_groups;
use crate::view::Width;

/// The options that name a console.
const CONSOLE: [&str; 2] = ["url", "token_file"];
/// The options that name a store or a console.
const BACKEND: [&str; 6] = ["db", "schema", "url", "token_file", "key_file", "tenant"];

/// Returns the command line, in which each command lists the options that it reads. Help is laid
/// out for this room.
pub(crate) fn command_line(width: Width) -> Command {
    with_groups(commands(), width)
}

/// Returns the command line for programs, which list all commands alike.
pub(crate) fn commands() -> Command {
    let whole = Cli::command();
    let options = whole.clone();
    let without = |command: Command, ids: &[&str]| {
        let hidden = options
            .get_arguments()
            .filter(|argument| ids.iter().any(|id| *id == argument.get_id().as_str()));
        // An option of its own keeps clap from adding the one of all commands, and is read alike.
        hidden.fold(command, |command, argument| {
            command.arg(argument.clone().global(false).hide(true))
        })
    };
    let store_alone = |command: Command| without(command, &CONSOLE);
    let one_store = |command: Command| without(command, &["url", "token_file", "tenant"]);
    whole
        .mut_subcommand("demo", |demo| without(demo, &BACKEND))
        .mut_subcommand("completions", |completions| {
            without(without(completions, &BACKEND), &["json"])
        })
        .mut_subcommand("policy", |policy| {
            policy
                .mut_subcommand("test", |test| without(test, &BACKEND))
                .mut_subcommand("accept", one_store)
        })
        .mut_subcommand("audit", |audit| audit.mut_subcommand("verify", store_alone))
        .mut_subcommand("console", store_alone)
        .mut_subcommand("mcp", store_alone)
        .mut_subcommand("erase", store_alone)
        .mut_subcommand("verify", |verify| {
            without(verify, &["url", "token_file", "tenant", "schema", "key_file"])
        })
        .mut_subcommand("break-glass", store_alone)
        .mut_subcommand("hold", |hold| {
            ["place", "release", "list"]
                .into_iter()
                .fold(hold, |hold, name| hold.mut_subcommand(name, store_alone))
        })
        .mut_subcommand("person", |person| {
            ["enroll", "list", "remove", "demand"]
                .into_iter()
                .fold(person, |person, name| person.mut_subcommand(name, one_store))
        })
        .mut_subcommand("key", |key| {
            ["status", "rotate", "reseal", "retire"]
                .into_iter()
                .fold(key, |key, name| key.mut_subcommand(name, one_store))
        })
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;

    /// Returns the long options that the help of a command lists.
    fn listed(path: &[&str]) -> Vec<String> {
        let mut line = command_line(Width::Unlimited);
        line.build();
        let mut command = &mut line;
        for name in path {
            command = command.find_subcommand_mut(name).unwrap();
        }
        let help = command.render_long_help().to_string();
        let words = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        let options = words.flat_map(|line| line.split([' ', ',']));
        let options = options.filter_map(|word| word.strip_prefix("--"));
        options.filter(|word| *word != "help").map(str::to_owned).collect()
    }

    #[test]
    fn the_help_of_a_command_lists_what_it_reads() {
        assert_eq!(listed(&["demo"]), ["json"]);
        assert_eq!(listed(&["completions"]), [""; 0]);
        assert_eq!(listed(&["policy", "test"]), ["json"]);
        for path in [
            &["key", "rotate"][..],
            &["person", "enroll"],
            &["person", "demand"],
            &["policy", "accept"],
            &["hold", "list"],
            &["hold", "place"],
            &["erase"],
            &["audit", "verify"],
        ] {
            let options = listed(path);
            let has = |name: &str| options.iter().any(|option| option == name);
            assert!(has("db") && !has("url") && !has("token-file"), "{path:?}: {options:?}");
        }
        for path in [&["queue"][..], &["show"], &["approve"], &["grants"], &["tasks"], &["watch"]] {
            let options = listed(path);
            for name in ["db", "schema", "url", "token-file", "key-file", "tenant", "json"] {
                assert!(options.iter().any(|option| option == name), "{path:?}: {options:?}");
            }
        }
    }

    #[test]
    fn an_option_that_is_not_listed_is_read_wherever_it_stands() {
        for line in [
            &["hitl", "--db", "a.db", "--url", "http://x", "key", "status"][..],
            &["hitl", "key", "--db", "a.db", "--url", "http://x", "status"],
            &["hitl", "key", "status", "--db", "a.db", "--url", "http://x"],
        ] {
            let matches = command_line(Width::Unlimited).try_get_matches_from(line).unwrap();
            let cli = Cli::from_arg_matches(&matches).unwrap();
            assert_eq!(cli.backend.db.as_deref(), Some("a.db"), "{line:?}");
            assert_eq!(cli.backend.url.as_deref(), Some("http://x"), "{line:?}: it is refused");
        }
    }
}
