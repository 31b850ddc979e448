//! Ids on the command line: whole, or enough of their beginning or end. Pure.

use std::fmt::{Display, Write as _};
use std::str::FromStr;

use hitl_base::display::{clip, visible};

use crate::exit::{Exit, Failure};

/// The minimum number of characters of a part of an id.
const LEAST: usize = 4;
/// The number of characters of an id in a table: its last group, which is random. An id begins with
/// the time, so that all ids of an hour begin alike.
const SHORT: usize = 12;
/// The number of ids that are listed if a part fits several.
const LISTED: usize = 10;
/// The number of characters of a name beside a listed id.
const NAME: usize = 50;

/// An id, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IdArg<T> {
    /// The whole id.
    Whole(T),
    /// The beginning or the end of an id, in lower case.
    Part(String),
}

impl<T: FromStr> FromStr for IdArg<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Whole(id));
        }
        let part = text.to_ascii_lowercase();
        let is_part = part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if is_part && part.len() >= LEAST {
            return Ok(Self::Part(part));
        }
        Err(format!(
            "give the id, or at least {LEAST} digits of its beginning or its end, as the lists print it"
        ))
    }
}

/// Returns the end of an id, as tables show it. [`IdArg`] takes it.
pub(crate) fn short_id(id: &impl Display) -> String {
    let id = id.to_string();
    let from = id.len().saturating_sub(SHORT);
    id.get(from..).unwrap_or(&id).to_owned()
}

/// The ids that a part fits, so far.
pub(crate) struct IdSearch<'p, T> {
    part: &'p str,
    kind: &'static str,
    found: Vec<(T, String)>,
    more: usize,
}

impl<'p, T: Display + PartialEq> IdSearch<'p, T> {
    /// Begins a search for the id of a `kind` of thing, like `call`.
    pub(crate) fn new(part: &'p str, kind: &'static str) -> Self {
        Self { part, kind, found: Vec::new(), more: 0 }
    }

    /// Adds an id and what people know it by.
    pub(crate) fn add(&mut self, id: T, name: impl FnOnce() -> String) {
        let text = id.to_string();
        if !text.starts_with(self.part) && !text.ends_with(self.part) {
            return;
        }
        if self.found.iter().any(|(known, _)| *known == id) {
            return;
        }
        if self.found.len() == LISTED {
            self.more += 1;
            return;
        }
        self.found.push((id, name()));
    }

    /// Returns the one id that the part fits.
    pub(crate) fn finish(mut self) -> Result<T, Failure> {
        let (part, kind) = (self.part, self.kind);
        match self.found.len() {
            0 => {
                let why = format!("there is no {kind} whose id begins or ends with `{part}`");
                Err(Failure::new(Exit::NotFound, why))
            }
            1 => Ok(self.found.remove(0).0),
            _ => {
                let mut why =
                    format!("several {kind}s have an id that begins or ends with `{part}`:");
                for (id, name) in &self.found {
                    let _ = write!(why, "\n  {id}  {}", visible(&clip(name, NAME)));
                }
                if self.more > 0 {
                    let _ = write!(why, "\n  and {} more", self.more);
                }
                Err(Failure::usage(why))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_core::RequestId;

    const ONE: &str = "01a22eb1-490d-7000-819f-72e1f84a37cd";
    const TWO: &str = "01a22eb1-490d-7001-819f-aaaaf84a37cd";

    fn search(part: &str) -> Result<String, Failure> {
        let part: IdArg<RequestId> = part.parse().unwrap();
        let IdArg::Part(part) = part else { panic!("a part") };
        let mut search = IdSearch::new(&part, "call");
        for id in [ONE, TWO, ONE] {
            search.add(id.parse::<RequestId>().unwrap(), || "Pay\u{202e}".to_owned());
        }
        search.finish().map(|id| id.to_string())
    }

    #[test]
    fn a_part_is_a_beginning_or_an_end_and_a_whole_id_is_itself() {
        assert_eq!(ONE.parse(), Ok(IdArg::Whole(ONE.parse::<RequestId>().unwrap())));
        for part in ["01a22eb1-490d-7000", "72e1f84a37cd", "72E1F84A37CD", "819f-72e1f84a37cd"] {
            assert_eq!(search(part).unwrap(), ONE, "{part}");
        }
        let short = short_id(&TWO);
        assert_eq!((short.as_str(), search(&short).unwrap().as_str()), ("aaaaf84a37cd", TWO));
        for wrong in ["", "abc", "72e1f84a37cx", "run-1", "..", "%%%%"] {
            assert!(wrong.parse::<IdArg<RequestId>>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_fits_several_or_none_chooses_nothing() {
        for part in ["01a2", "f84a37cd", "37cd"] {
            let failure = search(part).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.message.contains(ONE) && failure.message.contains(TWO), "{failure:?}");
            assert!(!failure.message.contains('\u{202e}'), "{failure:?}");
            assert_eq!(failure.message.lines().count(), 3, "{failure:?}");
        }
        // The middle of an id is neither.
        for none in ["490d", "819f", "0000"] {
            assert_eq!(search(none).unwrap_err().exit, Exit::NotFound, "{none}");
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let mut search = IdSearch::new("01a2", "call");
        for _ in 0..30 {
            search.add(format!("01a2{}", search.found.len() + search.more), String::new);
        }
        let failure = search.finish().unwrap_err();
        assert_eq!(failure.message.lines().count(), 12, "{failure:?}");
        assert!(failure.message.ends_with("and 20 more"), "{failure:?}");
    }
}
