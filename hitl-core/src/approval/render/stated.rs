//! Why the model says that it calls, line by line: pure.

use hitl_base::Json;
use hitl_base::display::{text_hazards, visible};

use super::alike;
use super::view::Line;

/// The most lines that are shown one by one.
const MAX_LINES: usize = 60;

/// Returns the words of the model, line by line. Each line follows a bar, so that it cannot be
/// mistaken for one of ours. Beyond the first lines, line breaks are shown as they are escaped.
pub(super) fn lines(words: &str) -> Vec<Line> {
    let mut lines: Vec<&str> = words.splitn(MAX_LINES, '\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) && lines.len() > 1 {
        lines.pop();
    }
    let line = |text: &str| Line { value: format!("| {}", visible(text)), ..Line::default() };
    lines.into_iter().map(line).collect()
}

/// Returns warnings about the words of the model.
pub(super) fn warnings(words: &str) -> Vec<String> {
    let plain: String = words.chars().filter(|c| !matches!(c, '\n' | '\r' | '\t')).collect();
    let odd = text_hazards(&plain).into_iter();
    let mut warnings: Vec<String> =
        odd.map(|oddity| format!("the stated reason has {}", oddity.says())).collect();
    let read = alike::readings(&Json::String(words.to_owned())).into_iter();
    warnings.extend(read.map(|warning| format!("in the stated reason, {warning}")));
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_9_no_word_of_the_model_hides_or_looks_like_a_line_of_ours() {
        let words = "asked\nbeware      nothing\u{202e}\n".to_owned() + &"x\n".repeat(400);
        let lines = lines(&words);
        assert!(lines.len() <= MAX_LINES);
        for line in &lines {
            assert!(line.value.starts_with("| ") && !line.value.contains(['\n', '\u{202e}']));
        }
        let shown: String = lines.iter().map(|line| line.value.as_str()).collect();
        assert_eq!(shown.matches('x').count(), 400, "nothing is left out");
        assert!(warnings(&words)[0].starts_with("the stated reason has "));
        assert_eq!(warnings("asked twice"), [""; 0]);
    }
}
