//! The wording of a grant: the exact rule that is shown before it is saved.

use std::collections::BTreeSet;

use hitl_base::Json;
use hitl_base::display::{clip, quoted, visible};

use super::{ArgumentScope, ArgumentTest, Condition, Grant};

/// The most characters of a rule's text that are shown.
const SHOWN: usize = 200;

/// Returns the rule, line by line. `shown` are the arguments of the request, without secrets.
pub(super) fn rule(grant: &Grant, shown: &Json) -> Vec<String> {
    let mut lines = vec![format!(
        "Run {} without asking, when {} asks for it",
        text(&grant.tool),
        text(grant.principal.as_str()),
    )];
    lines.push(match &grant.run {
        Some(run) => format!("in the run {} and in what it delegates", text(run.as_str())),
        None => "in any run".to_owned(),
    });
    if grant.verified {
        lines.push("in a verified workspace".to_owned());
    }
    match &grant.arguments {
        ArgumentScope::Exact => {
            lines.push("with exactly the arguments of this request, secrets included".to_owned());
        }
        ArgumentScope::Any if names(shown).is_empty() => {
            lines.push("with any arguments".to_owned());
        }
        ArgumentScope::Any => lines.push(format!("with any arguments: {}", join(&names(shown)))),
        ArgumentScope::Matching(conditions) => {
            lines.extend(conditions.iter().map(|condition| format!("where {}", said(condition))));
            let paths: BTreeSet<&str> = conditions.iter().map(|one| one.path.as_str()).collect();
            let begun: BTreeSet<&str> = paths.iter().map(|path| root(path)).collect();
            let left = |partly: bool| -> Vec<&str> {
                let free = names(shown).into_iter().filter(|name| !paths.contains(name));
                free.filter(|name| begun.contains(name) == partly).collect()
            };
            for (said, free) in [("anything else", left(true)), ("anything", left(false))] {
                if !free.is_empty() {
                    lines.push(format!("and with {said} in {}", join(&free)));
                }
            }
        }
    }
    if let Some(uses) = grant.uses {
        let times = if uses == 1 { "once".to_owned() } else { format!("{uses} times") };
        lines.push(format!("at most {times}"));
    }
    if let Some(sum) = &grant.sum {
        let path = text(&sum.path);
        lines.push(format!("for at most {} in {path}, all calls together", sum.at_most));
        lines.extend(
            grant
                .currencies
                .iter()
                .map(|(at, is)| format!("in {}, as {} says", quote(is), text(at))),
        );
    }
    lines.push(match grant.until {
        Some(end) => format!("until {end}, or until it is revoked"),
        None => "until it is revoked".to_owned(),
    });
    lines.push("while the tool, its schema and its description stay as they are".to_owned());
    lines
}

fn said(condition: &Condition) -> String {
    let path = text(&condition.path);
    match &condition.test {
        ArgumentTest::Is(value) => format!("{path} is {}", quote(value)),
        ArgumentTest::OneOf(values) => {
            let values: Vec<String> = values.iter().map(|value| quote(value)).collect();
            format!("{path} is one of {}", values.join(", "))
        }
        ArgumentTest::Like(form) if condition.inert => format!(
            "{path} is like {} (`*` is any text, with the signs of shells and paths)",
            quote(form)
        ),
        ArgumentTest::Like(form) => {
            format!("{path} is like {} (`*` is any plain text)", quote(form))
        }
        ArgumentTest::Path(paths) => {
            let lists = [
                (" below ", &paths.inside),
                (" like ", &paths.any),
                (", but not like ", &paths.except),
            ];
            format!("{path} is a file{}", join_lists(&lists))
        }
        ArgumentTest::Url(urls) => {
            let schemes =
                if urls.scheme.is_empty() { vec!["https".to_owned()] } else { urls.scheme.clone() };
            let port = urls.port.map(|port| vec![port.to_string()]).unwrap_or_default();
            let lists = [
                (" over ", &schemes),
                (" of ", &urls.host),
                (" at the port ", &port),
                (" with a path like ", &urls.path),
                (", but not with a path like ", &urls.except),
            ];
            format!("{path} is a URL{}", join_lists(&lists))
        }
        ArgumentTest::Number(range) => {
            let (min, max) = (range.min.as_deref().unwrap_or("0"), range.max.as_deref());
            format!("{path} is a number from {} to {}", text(min), text(max.unwrap_or("any")))
        }
        ArgumentTest::AtMost(amount) => format!("{path} is at most {amount}"),
        ArgumentTest::AtLeast(amount) => format!("{path} is at least {amount}"),
        ArgumentTest::Bool(yes) => format!("{path} is {yes}"),
    }
}

fn join_lists(lists: &[(&str, &Vec<String>)]) -> String {
    let said = |(before, list): &(&str, &Vec<String>)| {
        let list: Vec<String> = list.iter().map(|one| quote(one)).collect();
        (!list.is_empty()).then(|| format!("{before}{}", list.join(" or ")))
    };
    lists.iter().filter_map(said).collect()
}

fn names(shown: &Json) -> Vec<&str> {
    shown.entries().iter().map(|(name, _)| name.as_str()).collect()
}

/// Returns the argument with which a path begins; empty if the path begins otherwise.
fn root(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or_default()
}

fn join(names: &[&str]) -> String {
    names.iter().map(|name| text(name)).collect::<Vec<_>>().join(", ")
}

pub(super) fn text(value: &str) -> String {
    format!("`{}`", visible(&clip(value, SHOWN)))
}

fn quote(value: &str) -> String {
    quoted(&clip(value, SHOWN))
}
