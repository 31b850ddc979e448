//! The results as `JUnit` XML, which pipelines read. Pure.
//!
//! A document of three elements needs no dependency. What is written is escaped here: the five
//! characters of XML, and every character that XML 1.0 cannot hold, even escaped.

use std::fmt::Write as _;

use super::report::Report;
use super::trial::{Ended, TrialResult};

/// Renders a report as one test suite.
pub(super) fn xml(report: &Report) -> String {
    let millis: u64 = report.trials.iter().map(|trial| trial.milliseconds).sum();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "  <testsuite name=\"hitl verify\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\">",
        report.trials.len(),
        report.failed,
        report.not_applicable,
        seconds(millis),
    );
    for trial in &report.trials {
        let _ = writeln!(out, "    {}", test_case(trial, &report.store));
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn test_case(trial: &TrialResult, store: &str) -> String {
    let TrialResult { name, guarantee, ended, milliseconds } = trial;
    let open = format!(
        "<testcase classname=\"hitl.verify\" name=\"{}\" time=\"{}\"",
        escaped(name),
        seconds(*milliseconds)
    );
    let said = |text: &str| escaped(&format!("{guarantee} (on {store}): {text}"));
    match ended {
        Ended::Passed { control, guard } => {
            let text = said(&format!("without: {control}; with: {guard}"));
            format!("{open}><system-out>{text}</system-out></testcase>")
        }
        Ended::Failed { why } => {
            format!(
                "{open}><failure message=\"{}\">{}</failure></testcase>",
                escaped(why),
                said(why)
            )
        }
        Ended::NotApplicable { why } => {
            format!("{open}><skipped message=\"{}\"/></testcase>", said(why))
        }
    }
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// Escapes a text for an attribute or an element.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // In an attribute a parser would turn these into spaces.
            '\n' | '\r' | '\t' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c if is_xml(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

/// Returns whether XML 1.0 can hold a character.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::super::report::fixture::{failed, passed, result, skipped};
    use super::*;

    #[test]
    fn a_pipeline_sees_what_passed_failed_and_was_not_tried() {
        let trials = vec![
            result("at-most-once", passed()),
            result("deny", failed("a < b && \"c\"\n\u{0}\u{1b}[31m'd' ]]> é \u{1f600}")),
            result("policy-file", skipped("no --policy")),
        ];
        let xml = xml(&Report::new("<scratch>".to_owned(), trials));
        assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), "{xml}");
        assert!(
            xml.contains("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"3.702\"")
        );
        let message = "message=\"a &lt; b &amp;&amp; &quot;c&quot;&#10;\u{fffd}\u{fffd}[31m&apos;d&apos; ]]&gt; é \u{1f600}\"";
        assert!(xml.contains(message), "{xml}");
        assert!(xml.contains("<skipped message=\"it holds (on &lt;scratch&gt;): no --policy\"/>"));
        assert!(xml.contains("name=\"at-most-once\" time=\"1.234\""), "{xml}");
        assert_eq!(xml.matches("<testcase").count(), 3);
        assert_eq!(xml.matches("</testcase>").count(), 3);
    }

    #[test]
    fn every_character_is_one_that_xml_can_hold() {
        for code in (0..=0x11_0000_u32).filter_map(char::from_u32) {
            let out = escaped(&code.to_string());
            assert!(out.chars().all(is_xml), "{code:?}");
            let bare = out.trim_start_matches("&amp;").trim_start_matches("&lt;");
            assert!(!bare.contains(['<', '"']) || bare.is_empty(), "{code:?}: {out}");
        }
    }
}
