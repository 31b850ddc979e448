//! The list of commands in the program's own help, in groups. Pure.

use std::fmt::Write as _;

use clap::Command;

use crate::view::{Width, wrap};

/// The groups of commands, in the order in which they are listed.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "Review",
        &[
            "queue",
            "next",
            "show",
            "approve",
            "edit",
            "reject",
            "respond",
            "abort",
            "take-back",
            "resolve",
            "watch",
        ],
    ),
    ("Grants", &["allow", "grants", "revoke", "break-glass"]),
    ("Records", &["stats", "audit", "hold", "erase"]),
    (
        "Operate",
        &[
            "tasks", "policy", "person", "key", "doctor", "verify", "console", "mcp", "freeze",
            "thaw",
        ],
    ),
];
/// The heading of the commands that are in no group, like `help`.
const OTHERS: &str = "More";
/// The columns before what a command does.
const INDENT: usize = 15;

/// Gives the program's help a list of its commands in groups, and the room of the terminal.
pub(super) fn with_groups(command: Command, width: Width) -> Command {
    let columns = match width {
        // Nothing is wrapped.
        Width::Unlimited => 0,
        Width::Columns(columns) => columns,
    };
    let list = groups(&command, width);
    // What a group lists is not listed again.
    command
        .mut_subcommands(|sub| if is_grouped(&sub) { sub.hide(true) } else { sub })
        .subcommand_help_heading(OTHERS)
        .override_usage("hitl [OPTIONS] <COMMAND>")
        .help_template(format!(
            "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}{{all-args}}{{after-help}}"
        ))
        .term_width(columns)
}

fn is_grouped(command: &Command) -> bool {
    GROUPS.iter().any(|(_, names)| names.contains(&command.get_name()))
}

fn groups(command: &Command, width: Width) -> String {
    let known = |name: &str| command.get_subcommands().find(|sub| sub.get_name() == name);
    let mut out = String::new();
    for (heading, names) in GROUPS {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{heading}:");
        for command in names.iter().filter_map(|name| known(name)) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let line = " ".repeat(INDENT) + first_sentence(&about);
            let lines = wrap(&line, width.columns(), "").join("\n");
            let rest = lines.get(INDENT..).unwrap_or_default();
            let _ = writeln!(out, "  {:<width$}{rest}", command.get_name(), width = INDENT - 2);
        }
        out.push('\n');
    }
    // A template takes what is in braces for a name.
    out.replace(['{', '}'], "")
}

/// Returns a text up to the end of its first sentence.
fn first_sentence(about: &str) -> &str {
    about.split_once(". ").map_or(about, |(first, _)| first).trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::super::command_line;
    use super::*;

    fn help(width: Width) -> String {
        command_line(width).render_long_help().to_string()
    }

    #[test]
    fn every_command_is_listed_once() {
        let help = help(Width::Unlimited);
        for sub in command_line(Width::Unlimited).get_subcommands() {
            let begin = format!("\n  {} ", sub.get_name());
            assert_eq!(help.matches(&begin).count(), 1, "{begin}: {help}");
        }
        let headings = GROUPS.iter().map(|(heading, _)| *heading).chain([OTHERS]);
        for heading in headings {
            assert!(help.contains(&format!("\n{heading}:\n")), "{help}");
        }
        assert!(help.contains("<COMMAND>") && help.contains("--db"), "{help}");
    }

    #[test]
    fn a_group_names_only_commands() {
        let line = command_line(Width::Unlimited);
        for name in GROUPS.iter().flat_map(|(_, names)| *names) {
            assert!(line.find_subcommand(name).is_some(), "{name}");
        }
    }

    #[test]
    fn help_fits_the_terminal_and_no_word_is_broken() {
        let whole = words(&help(Width::Unlimited));
        for columns in [60, 80, 132, 200] {
            let help = help(Width::Columns(columns));
            let too_wide = help.lines().find(|line| line.chars().count() > columns);
            assert_eq!(too_wide, None, "{columns}");
            assert_eq!(words(&help), whole, "{columns}");
            // The lists below are broken by hand.
            if columns >= 80 {
                assert!(help.contains(crate::exit::EXIT_CODES), "{columns}: {help}");
            }
        }
    }

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }
}
