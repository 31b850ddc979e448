//! The parsing of the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
Serves the reviewers' web console over an airline's agent that proposes calls.

Usage: cargo run --example console -- [OPTIONS]

  --listen ADDRESS:PORT  where to listen [default: 127.0.0.1:7171]; port 0 takes any free one
  --token NAME=SECRET    a reviewer and the token they sign in with; as often as wanted. Without
                         one, a token is made for `reviewer` and printed
  --db FILE              where the queue is kept [default: hitl-data/console.db]
  --host NAME            also answer to this host name; loopback names are always answered
  --help                 print this
";

/// The command to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Serve(Options),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    pub(crate) tokens: Vec<(String, String)>,
    pub(crate) db: PathBuf,
    pub(crate) hosts: Vec<String>,
}

/// Reads the arguments after the program's name; the error is for the user.
pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 7171)),
        tokens: Vec::new(),
        db: PathBuf::from("hitl-data/console.db"),
        hosts: Vec::new(),
    };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        let mut value = || {
            let value = inline.clone().or_else(|| arguments.next());
            value.filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} needs a value"))
        };
        match name {
            "--listen" => {
                options.listen = value()?
                    .parse()
                    .map_err(|_| "--listen needs an address and a port: 127.0.0.1:7171")?;
            }
            "--token" => {
                let token = value()?;
                // The message must not repeat a text that may be a secret.
                let parts = token.split_once('=').filter(|(n, s)| !n.is_empty() && !s.is_empty());
                let (name, secret) = parts.ok_or("--token needs NAME=SECRET")?;
                options.tokens.push((name.to_owned(), secret.to_owned()));
            }
            "--db" => options.db = value()?.into(),
            "--host" => options.hosts.push(value()?),
            "--help" | "-h" if inline.is_none() => return Ok(Command::Help),
            other => return Err(format!("unknown option: {other}")),
        }
    }
    Ok(Command::Serve(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read() {
        let Ok(Command::Serve(options)) =
            read("--listen 127.0.0.1:0 --token ann=a=b --token=bob=c --db x.db --host h.example")
        else {
            panic!("it is read")
        };
        assert_eq!(options.listen.port(), 0);
        let tokens = [("ann", "a=b"), ("bob", "c")];
        assert_eq!(options.tokens, tokens.map(|(n, s)| (n.to_owned(), s.to_owned())));
        assert_eq!((options.db, options.hosts), ("x.db".into(), vec!["h.example".to_owned()]));
        assert_eq!(read("--help"), Ok(Command::Help));
    }

    #[test]
    fn nobody_else_is_listened_to_unless_somebody_says_so() {
        let Ok(Command::Serve(options)) = read("") else { panic!("it is read") };
        assert!(options.listen.ip().is_loopback() && options.hosts.is_empty());
    }

    #[test]
    fn what_is_not_understood_is_said_without_the_secret() {
        for line in ["--listen here", "--token secret", "--token =x", "--db", "--verbose", "x"] {
            let why = read(line).unwrap_err();
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
