//! Reads the ancestor processes of this one, and the owner of its terminal. On Linux from `/proc`,
//! elsewhere from the system's `ps`.

use std::io::IsTerminal as _;

use super::surroundings::Observation;

/// Reads the surroundings of this process.
pub(super) fn observe() -> Observation {
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    let asks = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let (parents, complete) = system::parents();
    Observation {
        parents,
        complete,
        marks: names.collect(),
        own_terminal: asks && system::is_own_terminal(),
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    use super::super::surroundings::{MAX_PARENTS, Process};

    /// Reads the ancestor processes, the nearest first, and whether these are all, up to the first
    /// process of the system. The processes that were read count, even if the others cannot be read
    /// (`hidepid`).
    pub(super) fn parents() -> (Vec<Process>, bool) {
        let (mut parents, mut complete) = (Vec::new(), is_the_machines(user_namespace()));
        let Some(own) = stat("self") else { return (parents, false) };
        let mut id = own.parent;
        // One more than the limit, to detect that there are more.
        while id > 0 && parents.len() <= MAX_PARENTS {
            let folder = id.to_string();
            // A process that has ended meanwhile has left its children to another one.
            let Some(stat) = stat(&folder) else { return (parents, false) };
            let arguments = fs::read(format!("/proc/{folder}/cmdline"));
            complete &= arguments.is_ok();
            parents.push(Process {
                name: stat.name,
                path: fs::read_link(format!("/proc/{folder}/exe"))
                    .ok()
                    .map(|path| path.to_string_lossy().trim_end_matches(" (deleted)").to_owned()),
                arguments: arguments.map(|bytes| words(&bytes)).unwrap_or_default(),
                command: None,
                // The environment of another user's process cannot be read.
                marks: fs::read(format!("/proc/{folder}/environ"))
                    .map(|bytes| names(&bytes))
                    .unwrap_or_default(),
            });
            id = stat.parent;
        }
        (parents, complete)
    }

    /// Returns the user namespace of this process. A process in a user namespace of its own may be
    /// in a process namespace of its own as well, or have another `/proc` in place of the system's:
    /// then its ancestors are not visible.
    fn user_namespace() -> Option<String> {
        let link = fs::read_link("/proc/self/ns/user").ok()?;
        Some(link.to_string_lossy().into_owned())
    }

    /// Returns whether it is the user namespace of the machine, identified by the kernel's fixed
    /// number.
    fn is_the_machines(namespace: Option<String>) -> bool {
        const MACHINE: u32 = 0xEFFF_FFFD;
        namespace.is_some_and(|link| link == format!("user:[{MACHINE}]"))
    }

    /// `/dev/tty`: the controlling terminal of a session.
    const OWN: u64 = 5 << 8;

    /// Returns whether the input is the controlling terminal of this session.
    pub(super) fn is_own_terminal() -> bool {
        let terminal = stat("self").map_or(0, |stat| stat.terminal);
        let read = fs::metadata("/proc/self/fd/0").map_or(0, |file| file.rdev());
        terminal != 0 && (read == terminal || read == OWN)
    }

    struct Stat {
        name: String,
        parent: u32,
        /// The device of its terminal; 0 without one.
        terminal: u64,
    }

    fn stat(folder: &str) -> Option<Stat> {
        let text = fs::read(format!("/proc/{folder}/stat")).ok()?;
        parse(&String::from_utf8_lossy(&text))
    }

    /// Parses `PID (NAME) STATE PARENT GROUP SESSION TERMINAL ..`; the name may contain anything.
    fn parse(text: &str) -> Option<Stat> {
        let (head, rest) = text.rsplit_once(')')?;
        let name = head.split_once('(')?.1.to_owned();
        let mut fields = rest.split_ascii_whitespace().skip(1);
        let parent = fields.next()?.parse().ok()?;
        let terminal: i64 = fields.nth(2)?.parse().ok()?;
        Some(Stat { name, parent, terminal: u64::try_from(terminal & 0xFFFF_FFFF).ok()? })
    }

    fn words(bytes: &[u8]) -> Vec<String> {
        let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
        words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    fn names(bytes: &[u8]) -> Vec<String> {
        let pairs = words(bytes).into_iter();
        pairs.filter_map(|pair| pair.split_once('=').map(|(name, _)| name.to_owned())).collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_name_with_brackets_does_not_move_the_fields() {
            let stat = parse("7 (a) R 1 (x) S 42 7 7 34816 7 0\n").unwrap();
            assert_eq!((stat.name.as_str(), stat.parent, stat.terminal), ("a) R 1 (x", 42, 34816));
            for wrong in ["", "7 a S 1 1 1 0", "7 (a) S", "7 (a) S x 1 1 0"] {
                assert!(parse(wrong).is_none(), "{wrong}");
            }
            assert_eq!(names(b"A=1\0B=x=y\0\0noise\0"), ["A", "B"]);
        }

        #[test]
        fn invariant_5_in_a_user_namespace_of_ones_own_not_all_processes_are_seen() {
            let is = |link: &str| is_the_machines(Some(link.to_owned()));
            assert!(is("user:[4026531837]"));
            for other in ["user:[4026532345]", "user:[4026531836]", "pid:[4026531837]", ""] {
                assert!(!is(other), "{other}");
            }
            assert!(!is_the_machines(None), "what cannot be read is not the machine's");
        }

        #[test]
        fn the_processes_above_this_one_are_read_up_to_the_first() {
            let (parents, complete) = parents();
            assert_eq!(complete, is_the_machines(user_namespace()), "/proc is there");
            assert!(!parents.is_empty() && parents.iter().all(|process| !process.name.is_empty()));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::collections::HashMap;
    use std::process::{Command, id};

    use super::super::surroundings::{MAX_PARENTS, Process};

    /// Reads the ancestor processes, the nearest first, and whether these are all, with the
    /// system's own `ps`: one in `PATH` may be anybody's.
    pub(super) fn parents() -> (Vec<Process>, bool) {
        let mut parents = Vec::new();
        let listed = Command::new("/bin/ps").args(["-axo", "pid=,ppid=,command="]).output();
        let Ok(listed) = listed else { return (parents, false) };
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        let lines = text.lines().filter_map(|line| {
            let (own, rest) = line.trim_start().split_once(' ')?;
            let (parent, command) = rest.trim_start().split_once(' ')?;
            Some((own.parse::<u32>().ok()?, (parent.parse::<u32>().ok()?, command)))
        });
        let all: HashMap<u32, (u32, &str)> = lines.collect();
        let Some((mut at, _)) = all.get(&id()).copied() else { return (parents, false) };
        // One more than the limit, to detect that there are more.
        while at > 0 && parents.len() <= MAX_PARENTS {
            let Some((parent, command)) = all.get(&at) else { return (parents, false) };
            parents.push(Process::of_command(command));
            at = *parent;
        }
        (parents, true)
    }

    /// Returns whether this process has a terminal of its session.
    pub(super) fn is_own_terminal() -> bool {
        let id = id().to_string();
        let said = Command::new("/bin/ps").args(["-o", "tty=", "-p", &id]).output();
        said.is_ok_and(|said| {
            let name = String::from_utf8_lossy(&said.stdout);
            !matches!(name.trim(), "" | "?" | "??" | "-")
        })
    }
}
