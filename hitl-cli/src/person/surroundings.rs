//! What surrounds the program: the processes above it, and its terminal. Pure.

use super::agents;

/// A process above this one, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Process {
    /// The name that the system keeps of it.
    pub(super) name: String,
    /// Its program's file, when it may be read.
    pub(super) path: Option<String>,
    /// Its arguments, the program first.
    pub(super) arguments: Vec<String>,
    /// The names of the variables that it was started with, when they may be read.
    pub(super) marks: Vec<String>,
}

/// What was read of the surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The processes above this one, the nearest first, up to the first of the system. Nothing when they
    /// cannot be read, or not all of them.
    pub(super) parents: Option<Vec<Process>>,
    /// The names of this process's own variables.
    pub(super) marks: Vec<String>,
    /// Questions and answers go through the terminal of this session.
    pub(super) own_terminal: bool,
}

/// What the surroundings come down to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Surroundings {
    /// An agent is among the processes above, or has left its mark: which, and by what it is known.
    Agent(String),
    /// A terminal that is the session's own, and no agent above.
    Terminal,
    /// No terminal to ask at, and no agent above: a script.
    Script,
    /// The processes above cannot be read.
    Unknown,
}

/// Classifies what was seen. An agent that is seen counts, whatever could not be.
pub(super) fn classify(seen: &Seen) -> Surroundings {
    let own = agents::mark(seen.marks.iter().map(String::as_str));
    if let Some(mark) = own {
        return Surroundings::Agent(format!("the variable {mark} is set, as an agent sets it"));
    }
    let parents = seen.parents.as_deref().unwrap_or_default();
    for process in parents {
        if let Some(agent) = agents::agent(process) {
            return Surroundings::Agent(format!("`{agent}` is among the processes above this one"));
        }
        if let Some(mark) = agents::mark(process.marks.iter().map(String::as_str)) {
            return Surroundings::Agent(format!(
                "a process above this one was started with {mark}, as an agent starts it"
            ));
        }
    }
    match seen.parents {
        None => Surroundings::Unknown,
        Some(_) if seen.own_terminal => Surroundings::Terminal,
        Some(_) => Surroundings::Script,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "a tree may not be readable")]
    fn tree(names: &[&str]) -> Option<Vec<Process>> {
        let process = |name: &&str| Process { name: (*name).to_owned(), ..Process::default() };
        Some(names.iter().map(process).collect())
    }

    fn of(parents: Option<Vec<Process>>, marks: &[&str], own_terminal: bool) -> Surroundings {
        let marks = marks.iter().map(|&mark| mark.to_owned()).collect();
        classify(&Seen { parents, marks, own_terminal })
    }

    fn is_agent(found: &Surroundings) -> bool {
        matches!(found, Surroundings::Agent(_))
    }

    #[test]
    fn invariant_7_an_agent_anywhere_above_is_seen_at_a_terminal_too() {
        let person = tree(&["bash", "tmux: server", "systemd"]);
        assert_eq!(of(person.clone(), &["TERM"], true), Surroundings::Terminal);
        assert_eq!(of(person.clone(), &["TERM"], false), Surroundings::Script);
        for own_terminal in [true, false] {
            for names in [
                &["claude"][..],
                &["sh", "bash", "claude", "zsh", "systemd"],
                &["timeout", "env", "script", "sh", "codex"],
            ] {
                assert!(is_agent(&of(tree(names), &[], own_terminal)), "{names:?}");
            }
            assert!(is_agent(&of(person.clone(), &["CLAUDECODE"], own_terminal)));
        }
        // A mark that was taken away still stands with who started the shell.
        let mut parents = person.unwrap();
        parents[0].marks.push("GEMINI_CLI".to_owned());
        assert!(is_agent(&of(Some(parents), &[], true)));
    }

    #[test]
    fn invariant_5_what_cannot_be_read_is_no_person() {
        assert_eq!(of(None, &[], true), Surroundings::Unknown);
        assert_eq!(of(None, &[], false), Surroundings::Unknown);
        assert!(is_agent(&of(None, &["CLAUDECODE"], true)), "what is seen counts");
        assert_eq!(of(tree(&[]), &[], true), Surroundings::Terminal);
    }
}
