//! The surroundings of the program: the processes above it, and its terminal. Pure.

use super::agents;

/// The maximum depth of ancestor processes of a person: a longer chain hides its origin.
pub(super) const MAX_PARENTS: usize = 128;

/// The readable data of an ancestor process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Process {
    /// The name that the system records.
    pub(super) name: String,
    /// The path of its program, if it is readable.
    pub(super) path: Option<String>,
    /// Its arguments, the program first.
    pub(super) arguments: Vec<String>,
    /// Its whole command line, if the system does not report the arguments separately.
    pub(super) command: Option<String>,
    /// The names of its environment variables, if they are readable.
    pub(super) marks: Vec<String>,
}

#[cfg(any(test, not(target_os = "linux")))]
impl Process {
    /// Creates a process of which only the command line is known, in one text.
    pub(super) fn of_command(command: &str) -> Self {
        let arguments: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        Self {
            name: arguments.first().cloned().unwrap_or_default(),
            arguments,
            command: Some(command.to_owned()),
            ..Self::default()
        }
    }
}

/// The surroundings as they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Observation {
    /// The ancestor processes, the nearest first, as far as they are readable.
    pub(super) parents: Vec<Process>,
    /// True if these are all, up to the first process of the system.
    pub(super) complete: bool,
    /// The names of this process's own variables.
    pub(super) marks: Vec<String>,
    /// True if questions and answers go through the terminal of this session.
    pub(super) own_terminal: bool,
}

/// A classification of the surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Surroundings {
    /// An agent is among the ancestors, or has left its mark: with its name and the evidence.
    Agent(String),
    /// The session has its own terminal, and there is no agent above.
    Terminal,
    /// There is no terminal to ask at, and no agent above: a script.
    Script,
    /// Not all ancestors are readable, and no agent is among those that are.
    Unknown,
}

/// Classifies an observation. A visible agent counts, even if not all ancestors are visible.
pub(super) fn classify(seen: &Observation) -> Surroundings {
    let own = agents::mark(seen.marks.iter().map(String::as_str));
    if let Some(mark) = own {
        return Surroundings::Agent(format!("the variable {mark} is set, as an agent sets it"));
    }
    for process in &seen.parents {
        if let Some(agent) = agents::agent(process) {
            return Surroundings::Agent(format!("`{agent}` is among the processes above this one"));
        }
        if let Some(mark) = agents::mark(process.marks.iter().map(String::as_str)) {
            return Surroundings::Agent(format!(
                "a process above this one was started with {mark}, as an agent starts it"
            ));
        }
    }
    if seen.parents.len() > MAX_PARENTS {
        return Surroundings::Agent(format!(
            "more than {MAX_PARENTS} processes are above this one"
        ));
    }
    match (seen.complete, seen.own_terminal) {
        (false, _) => Surroundings::Unknown,
        (true, true) => Surroundings::Terminal,
        (true, false) => Surroundings::Script,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(names: &[&str]) -> Vec<Process> {
        let process = |name: &&str| Process { name: (*name).to_owned(), ..Process::default() };
        names.iter().map(process).collect()
    }

    fn classified(parents: Vec<Process>, marks: &[&str], own_terminal: bool) -> Surroundings {
        let marks = marks.iter().map(|&mark| mark.to_owned()).collect();
        classify(&Observation { parents, complete: true, marks, own_terminal })
    }

    /// Classifies a tree that ends before the first process of the system, as under `hidepid`.
    fn classified_in_part(
        parents: Vec<Process>,
        marks: &[&str],
        own_terminal: bool,
    ) -> Surroundings {
        let marks = marks.iter().map(|&mark| mark.to_owned()).collect();
        classify(&Observation { parents, complete: false, marks, own_terminal })
    }

    fn is_agent(found: &Surroundings) -> bool {
        matches!(found, Surroundings::Agent(_))
    }

    #[test]
    fn invariant_7_an_agent_anywhere_above_is_seen_at_a_terminal_too() {
        let person = tree(&["bash", "tmux: server", "systemd"]);
        assert_eq!(classified(person.clone(), &["TERM"], true), Surroundings::Terminal);
        assert_eq!(classified(person.clone(), &["TERM"], false), Surroundings::Script);
        for own_terminal in [true, false] {
            for names in [
                &["claude"][..],
                &["sh", "bash", "claude", "zsh", "systemd"],
                &["timeout", "env", "script", "sh", "codex"],
            ] {
                assert!(is_agent(&classified(tree(names), &[], own_terminal)), "{names:?}");
            }
            assert!(is_agent(&classified(person.clone(), &["CLAUDECODE"], own_terminal)));
        }
        // A mark that was removed is still in the process that started the shell.
        let mut parents = person;
        parents[0].marks.push("GEMINI_CLI".to_owned());
        assert!(is_agent(&classified(parents, &[], true)));
    }

    #[test]
    fn invariant_5_what_cannot_be_read_is_no_person() {
        for own_terminal in [true, false] {
            for names in [&[][..], &["bash"], &["sh", "sudo", "bash"]] {
                let found = classified_in_part(tree(names), &[], own_terminal);
                assert_eq!(found, Surroundings::Unknown, "{names:?}");
            }
            assert!(is_agent(&classified_in_part(Vec::new(), &["CLAUDECODE"], own_terminal)));
        }
        assert_eq!(classified(tree(&[]), &[], true), Surroundings::Terminal);
    }

    #[test]
    fn invariant_7_an_agent_counts_also_where_the_tree_cannot_be_read_above_it() {
        for own_terminal in [true, false] {
            for names in [&["claude"][..], &["sh", "codex"], &["bash", "timeout", "gemini"]] {
                assert!(is_agent(&classified_in_part(tree(names), &[], own_terminal)), "{names:?}");
            }
            let mut parents = tree(&["sh", "node"]);
            parents[1].marks.push("CLAUDECODE".to_owned());
            assert!(
                is_agent(&classified_in_part(parents, &[], own_terminal)),
                "its mark counts too"
            );
        }
    }

    #[test]
    fn invariant_7_a_tree_that_is_too_high_is_an_agents() {
        let high = |count: usize| tree(&vec!["sh"; count]);
        assert_eq!(classified(high(MAX_PARENTS), &[], true), Surroundings::Terminal);
        for found in [
            classified(high(MAX_PARENTS + 1), &[], true),
            classified_in_part(high(MAX_PARENTS + 1), &[], true),
        ] {
            let Surroundings::Agent(why) = found else { panic!("{found:?}") };
            assert!(why.contains("more than 128 processes"), "{why}");
        }
    }
}
