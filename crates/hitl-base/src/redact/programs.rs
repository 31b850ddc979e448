//! Programs that take a password in an option of one letter, and those options.

/// The options of a program that are followed by its password, and those that have it attached. For
/// other programs the same letter means a port, a path or a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Program {
    separate: &'static [&'static str],
    attached: &'static [&'static str],
    /// True if another program's command follows its own options.
    runs_another: bool,
}

impl Program {
    const fn new(separate: &'static [&'static str], attached: &'static [&'static str]) -> Self {
        Self { separate, attached, runs_another: false }
    }

    /// Returns the program that a list of arguments begins with, if it is one of these.
    pub(super) fn named(first: &str) -> Option<Self> {
        let name = first.rsplit(['/', '\\']).next()?;
        if name.len() > MAX_NAME {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".exe").unwrap_or(&name);
        PROGRAMS.iter().find(|(names, _)| names.contains(&name)).map(|(_, program)| *program)
    }

    /// Returns the number of these arguments that may be options of the program itself.
    pub(super) fn own<'a>(self, arguments: impl Iterator<Item = Option<&'a str>>) -> usize {
        if !self.runs_another {
            return usize::MAX;
        }
        let (mut own, mut value) = (1, false);
        for argument in arguments.skip(1) {
            let option = argument.is_some_and(|argument| argument.starts_with('-'));
            if !option && !value {
                break;
            }
            own += 1;
            // `-p`, `-f`, `-d` and `-P` take a value; `-e` and `-v` do not.
            let takes_one = |option: &str| ["-p", "-f", "-d", "-P"].contains(&option);
            value = !value && argument.is_some_and(takes_one);
        }
        own
    }

    /// Returns whether the password follows this option.
    pub(super) fn takes_a_password(self, option: &str) -> bool {
        self.separate.contains(&option)
    }

    /// Returns the start of the password in an option that has it attached: `-phunter2`.
    pub(super) fn attached_password(self, option: &str) -> Option<usize> {
        /// The shortest attached password: a shorter one is a few options of one letter together.
        const SHORTEST: usize = 2;
        self.attached.iter().find_map(|start| {
            let password = option.strip_prefix(start)?;
            (password.len() >= SHORTEST && !password.starts_with('=')).then_some(start.len())
        })
    }
}

/// The longest name of a program, in bytes.
const MAX_NAME: usize = 32;

const PROGRAMS: &[(&[&str], Program)] = &[
    (
        // `-p` alone asks for the password: a database name follows.
        &[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mysqlimport",
            "mysqlshow",
            "mysqlcheck",
            "mariadb",
            "mariadb-dump",
            "mariadb-admin",
        ],
        Program::new(&[], &["-p"]),
    ),
    (&["sshpass"], Program { separate: &["-p"], attached: &["-p"], runs_another: true }),
    (&["7z", "7za", "7zz"], Program::new(&[], &["-p"])),
    (&["rar", "unrar"], Program::new(&[], &["-p", "-hp"])),
    (&["redis-cli"], Program::new(&["-a"], &[])),
    (
        &["mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport"],
        Program::new(&["-p"], &["-p"]),
    ),
    (
        &[
            "psexec",
            "psexec64",
            "cqlsh",
            "rabbitmqadmin",
            "rdesktop",
            "evil-winrm",
            "smbmap",
            "crackmapexec",
            "nxc",
        ],
        Program::new(&["-p"], &[]),
    ),
    (
        &[
            "zip",
            "unzip",
            "mosquitto_pub",
            "mosquitto_sub",
            "sqlcmd",
            "bcp",
            "isql",
            "tsql",
            "ipmitool",
        ],
        Program::new(&["-P"], &["-P"]),
    ),
    (
        &[
            "ldapsearch",
            "ldapadd",
            "ldapmodify",
            "ldapdelete",
            "ldappasswd",
            "ldapwhoami",
            "ldapcompare",
            "ldapmodrdn",
        ],
        Program::new(&["-w"], &["-w"]),
    ),
];

#[cfg(test)]
mod tests {
    use crate::json::parse_json;
    use crate::redact::Redactor;

    #[test]
    fn invariant_8_only_the_option_for_the_password_is_masked() {
        for (given, clean) in [
            (r#"["redis-cli","-h","db","-p","6379"]"#, None),
            (r#"["mysql","-p","proddb"]"#, None),
            (r#"["mysql","-P","3306"]"#, None),
            (r#"["sshpass","-e","ssh","-p2222","h"]"#, None),
            (r#"["sshpass","-f","file","ssh","-p","2222","h"]"#, None),
            (r#"["zip","-p","path"]"#, None),
            (r#"["mosquitto_sub","-p","1883"]"#, None),
            (r#"["ldapsearch","-p","3890"]"#, None),
            (r#"["ssh","-p","2222","h"]"#, None),
            (r#"["mysql","-p[redacted]"]"#, None),
            (r#"["redis-cli","-a","[redacted:0123456789]"]"#, None),
            (r#"["mysql.exe","-phunter2"]"#, Some(r#"["mysql.exe","-p[redacted]"]"#)),
            (
                r#"["C:\\bin\\MySQLDump.EXE","-phunter2"]"#,
                Some(r#"["C:\\bin\\MySQLDump.EXE","-p[redacted]"]"#),
            ),
            (
                r#"["redis-cli","-p","6379","-a","hunter2"]"#,
                Some(r#"["redis-cli","-p","6379","-a","[redacted]"]"#),
            ),
            (
                r#"["sshpass","-p","hunter2","ssh","-p","2222"]"#,
                Some(r#"["sshpass","-p","[redacted]","ssh","-p","2222"]"#),
            ),
            (
                r#"["sshpass","-v","-phunter2","ssh","-p2222"]"#,
                Some(r#"["sshpass","-v","-p[redacted]","ssh","-p2222"]"#),
            ),
            (r#"["sshpass","-p","-x-","ssh"]"#, Some(r#"["sshpass","-p","[redacted]","ssh"]"#)),
            (r#"["sshpass","-p",4711,"ssh"]"#, Some(r#"["sshpass","-p","[redacted]","ssh"]"#)),
            (r#"["unrar","x","-hphunter2"]"#, Some(r#"["unrar","x","-hp[redacted]"]"#)),
            (r#"["zip","-P","hunter2"]"#, Some(r#"["zip","-P","[redacted]"]"#)),
            (r#"["ldapsearch","-whunter2"]"#, Some(r#"["ldapsearch","-w[redacted]"]"#)),
        ] {
            let tree = parse_json(given).unwrap();
            let shown = Redactor::standard().json(&tree).to_text();
            assert_eq!(shown, clean.unwrap_or(given));
            let marked = Redactor::standard().redact_with_places(&tree);
            assert_eq!(marked.as_ref().map(|marked| marked.tree.to_text()).as_deref(), clean);
            let by_name = |marked: crate::redact::RedactedJson| {
                marked.places.iter().all(|place| place.reason == crate::redact::MaskReason::Name)
            };
            assert!(marked.is_none_or(by_name), "{given}");
        }
    }
}
