//! The parsing of the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) const HELP: &str = "\
Replays tool calls of an airline agent through the gate of hitl.

Usage: cargo run --example quickstart -- [OPTIONS]

  --data FILE     the calls to replay, one JSON object a line: recorded calls (`task`, `trial`,
                  `seq`, `tool`, `arguments`) or whole runs in the OpenAI messages format
                  (`task_id`, `trial`, `messages`). Without it: a few runs that come along
  --db FILE       where the queue is kept [default: hitl-data/quickstart.db]. The audit log lies
                  beside it, in FILE.audit.jsonl
  --decide HOW    answer for the reviewer: approve, reject or leave. Without it you are asked in
                  the terminal; without a terminal everything is left in the queue
  --pace MS       how long the airline takes for each call, in milliseconds [default: 0]
  --json          print one JSON object with the counts as the last line of standard output, and
                  everything else on standard error
  --help          print this

Stop it whenever you like (Ctrl-C, even kill -9) and start it again with the same --db: it goes on
where it was and starts nothing twice.

It ends with 0 when the replay is complete, 1 when something failed, 2 when these options were not
understood, and 130 after Ctrl-C.
";

/// The command to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Replay(Options),
}

/// The answer for every call when nobody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decide {
    Approve,
    Reject,
    Leave,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) data: Option<PathBuf>,
    pub(crate) db: PathBuf,
    pub(crate) decide: Option<Decide>,
    pub(crate) pace: Duration,
    pub(crate) json: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data: None,
            db: PathBuf::from("hitl-data/quickstart.db"),
            decide: None,
            pace: Duration::ZERO,
            json: false,
        }
    }
}

/// Reads the arguments after the program's name; the error is for the user.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut options = Options::default();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let Some(text) = argument.to_str() else {
            return Err(format!("not an option: {}", argument.display()));
        };
        let (name, inline) = match text.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(OsString::from(value))),
            _ => (text, None),
        };
        let has_value = inline.is_some();
        let mut value = || {
            let value = inline.clone().or_else(|| arguments.next());
            value.filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} needs a value"))
        };
        match name {
            "--data" => options.data = Some(value()?.into()),
            "--db" => options.db = value()?.into(),
            "--decide" => options.decide = Some(decide(&value()?)?),
            "--pace" => options.pace = pace(&value()?)?,
            "--json" | "--help" | "-h" if has_value => {
                return Err(format!("{name} takes no value"));
            }
            "--json" => options.json = true,
            "--help" | "-h" => return Ok(Command::Help),
            other => return Err(format!("unknown option: {other}")),
        }
    }
    Ok(Command::Replay(options))
}

fn decide(how: &OsString) -> Result<Decide, String> {
    match how.to_str() {
        Some("approve") => Ok(Decide::Approve),
        Some("reject") => Ok(Decide::Reject),
        Some("leave") => Ok(Decide::Leave),
        _ => Err("--decide is approve, reject or leave".to_owned()),
    }
}

fn pace(millis: &OsString) -> Result<Duration, String> {
    let millis = millis.to_str().and_then(|text| text.parse().ok());
    millis.map(Duration::from_millis).ok_or_else(|| "--pace is a number of milliseconds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn options_are_read_either_way() {
        let expected = Options {
            data: Some("a.jsonl".into()),
            db: "b.db".into(),
            decide: Some(Decide::Approve),
            pace: Duration::from_millis(5),
            json: true,
        };
        let apart = "--data a.jsonl --db b.db --decide approve --pace 5 --json";
        let joined = "--json --data=a.jsonl --db=b.db --decide=approve --pace=5";
        assert_eq!(read(apart), read(joined));
        assert_eq!(read(apart), Ok(Command::Replay(expected)));
        assert_eq!(read(""), Ok(Command::Replay(Options::default())));
        assert_eq!(read("--json --help"), Ok(Command::Help));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, expected) in [
            ("--dat x", "unknown option: --dat"),
            ("x", "unknown option: x"),
            ("--data", "--data needs a value"),
            ("--db=", "--db needs a value"),
            ("--json=yes", "--json takes no value"),
            ("--decide maybe", "--decide is approve, reject or leave"),
            ("--pace soon", "--pace is a number of milliseconds"),
        ] {
            assert_eq!(read(line), Err(expected.to_owned()), "{line}");
        }
    }
}
