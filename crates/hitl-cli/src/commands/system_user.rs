//! The operating system's user.

use std::process::{Command, Stdio};

/// The variables in which systems name the user.
const VARIABLES: [&str; 3] = ["USER", "LOGNAME", "USERNAME"];

/// Returns the name of the operating system's user: that of the environment, or, where it names
/// none, as in many containers and services, that of the system's database of users. `None` if the
/// user has no name.
pub(crate) fn system_user() -> Option<String> {
    user(|name| std::env::var(name).ok(), ask_system)
}

fn user(
    variable: impl Fn(&str) -> Option<String>,
    system: impl FnOnce() -> Option<String>,
) -> Option<String> {
    let has_text = |name: &String| !name.trim().is_empty();
    let named = VARIABLES.into_iter().filter_map(variable).find(has_text);
    named.or_else(|| system().map(|name| name.trim().to_owned()).filter(has_text))
}

/// Asks the system's own program, which also knows the users of a directory service.
#[cfg(unix)]
fn ask_system() -> Option<String> {
    // By its path, so that a program of that name elsewhere does not answer.
    ["/usr/bin/id", "/bin/id", "id"].into_iter().find_map(|id| run(id, &["-un"]))
}

/// Asks the system's own program. It writes `DOMAIN\\user`.
#[cfg(windows)]
fn ask_system() -> Option<String> {
    let root = std::env::var("SystemRoot").unwrap_or_else(|_| r"C:\Windows".to_owned());
    let name = run(&format!(r"{root}\System32\whoami.exe"), &[])?;
    Some(without_domain(&name).to_owned())
}

#[cfg(not(any(unix, windows)))]
fn ask_system() -> Option<String> {
    None
}

/// Returns the user of a name like `DOMAIN\\user`.
#[cfg(any(windows, test))]
fn without_domain(name: &str) -> &str {
    name.rsplit('\\').next().unwrap_or(name)
}

/// Returns what a program writes, if it succeeds.
#[cfg(any(unix, windows))]
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let ran = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    String::from_utf8(ran.stdout).ok().filter(|_| ran.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], system: Option<&str>) -> Option<String> {
        let value = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        user(value, || system.map(str::to_owned))
    }

    #[test]
    fn the_environment_names_the_user_and_the_system_where_it_does_not() {
        let known = Some("ann".to_owned());
        assert_eq!(of(&[("USER", "ann"), ("LOGNAME", "bob")], Some("root\n")), known);
        assert_eq!(of(&[("USER", " "), ("LOGNAME", "ann")], Some("root\n")), known);
        assert_eq!(of(&[("USER", "")], Some("ann\n")), known);
        assert_eq!(of(&[], Some("ann\r\n")), known);
        for nobody in [None, Some(""), Some("\n")] {
            assert_eq!(of(&[("USER", "")], nobody), None);
        }
    }

    #[test]
    fn a_domain_is_no_part_of_the_name() {
        assert_eq!(without_domain(r"CORP\ann"), "ann");
        assert_eq!(without_domain("ann"), "ann");
    }

    #[test]
    #[cfg(unix)]
    fn this_system_knows_its_user() {
        let id = Command::new("id").arg("-un").output().unwrap();
        let expected = id.status.success().then(|| String::from_utf8(id.stdout).unwrap());
        assert_eq!(ask_system(), expected);
    }
}
