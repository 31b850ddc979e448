//! The known word that somebody may have meant.

/// The most words that a message lists.
const MAX_LISTED: usize = 30;
/// The most characters of a word that are compared.
const MAX_LETTERS: usize = 64;

/// Returns the known word that is at most two letters away from `given`, if there is one,
/// regardless of letter case and of the signs between words: `Refund-Payment` is `refund_payment`,
/// and so is `functions.refund_payment`.
pub(crate) fn nearest<'w>(
    given: &str,
    known: impl IntoIterator<Item = &'w str>,
) -> Option<&'w str> {
    let whole = letters(given);
    let last = given.rsplit(['.', ':', '/']).next().unwrap_or(given);
    let last = letters(last.rsplit("__").next().unwrap_or(last));
    let far = |word: &str| {
        let word = letters(word);
        let far = distance(&whole, &word).min(distance(&last, &word));
        (far <= 2 && far < word.len()).then_some(far)
    };
    let near = known.into_iter().filter_map(|word| Some((far(word)?, word)));
    near.min().map(|(_, word)| word)
}

/// Returns what stands for a word that is not known: the nearest one, or all of them.
pub(crate) fn known_instead<'w>(
    given: &str,
    known: impl IntoIterator<Item = &'w str> + Clone,
) -> String {
    match nearest(given, known.clone()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("known are {}", listed(known.into_iter().map(|word| format!("`{word}`")))),
    }
}

/// Joins words; of very many, the first.
pub(crate) fn listed(words: impl IntoIterator<Item = String>) -> String {
    let mut words = words.into_iter();
    let first: Vec<String> = words.by_ref().take(MAX_LISTED).collect();
    let listed = first.join(", ");
    match words.count() {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}

/// Returns a word without letter case and without signs between its parts.
fn letters(word: &str) -> Vec<char> {
    let letters = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    letters.take(MAX_LETTERS).collect()
}

/// Returns the number of letters that must be changed, added, left out or swapped with their
/// neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_near() {
        let far = |a, b| distance(&letters(a), &letters(b));
        assert_eq!(far("pricnipal", "principal"), 1);
        assert_eq!(far("", "tool"), 4);
        assert_eq!(known_instead("tols", ["tool", "risk"]), "did you mean `tool`?");
        assert_eq!(known_instead("xyz", ["tool", "risk"]), "known are `tool`, `risk`");
    }

    #[test]
    fn a_respelled_name_is_recognised_and_a_strange_one_is_not() {
        let known = ["refund", "refund_payment", "look_up", "é"];
        for (given, meant) in [
            ("refnud", Some("refund")),
            ("REFUND", Some("refund")),
            ("refundPayment", Some("refund_payment")),
            ("Refund-Payment", Some("refund_payment")),
            ("functions.refund_payment", Some("refund_payment")),
            ("mcp/shop:lookup", Some("look_up")),
            ("mcp__shop__look_up", Some("look_up")),
            ("rf", None),
            ("", None),
            ("delete_everything", None),
        ] {
            assert_eq!(nearest(given, known), meant, "{given}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), known), None);
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let words: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        assert!(listed(words).ends_with("28, 29 and 10 more"));
    }
}
