//! The arguments that a reviewer reads first.

use hitl_base::Json;
use hitl_base::display::{date, is_amount_name, is_party_name, is_time_name};

use super::ApprovalRequest;
use super::render::in_a_sentence;

/// The most characters of a value that is looked for in the title.
const IN_TITLE: usize = 80;

impl ApprovalRequest {
    /// Returns the names of the arguments that a reviewer reads first, in the order in which the
    /// arguments are shown: amounts of money, whom the call reaches or who pays, times, and what
    /// the title names. A surface that shows them before the others leaves no argument out.
    ///
    /// It goes by names and by the look of values, so it is a help for the eye and no promise.
    pub fn leading_arguments(&self) -> Vec<String> {
        let Ok(tree) = self.arguments.tree() else { return Vec::new() };
        let leads = |(name, value): &&(String, Json)| is_leading(name, value, &self.title);
        tree.entries().iter().filter(leads).map(|(name, _)| name.clone()).collect()
    }
}

fn is_leading(name: &str, value: &Json, title: &str) -> bool {
    let is_date = value.as_str().is_some_and(|text| date(text).is_some());
    is_amount_name(name)
        || is_party_name(name)
        || is_time_name(name)
        || is_date
        || is_in_title(name, value, title)
}

/// Returns whether the title has this value as a word of its own. A single character is not looked
/// for: it would be found anywhere.
fn is_in_title(name: &str, value: &Json, title: &str) -> bool {
    let has = |money: bool| {
        let text = in_a_sentence(name, money, value, IN_TITLE);
        let text = text.trim_matches('"');
        let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        text.chars().nth(1).is_some()
            && title.match_indices(text).any(|(at, found)| {
                let before = title.get(..at).and_then(|before| before.chars().next_back());
                let after = title.get(at + found.len()..).and_then(|after| after.chars().next());
                is_edge(before) && is_edge(after)
            })
    };
    match value {
        Json::String(_) | Json::Array(_) => has(false),
        Json::Number(_) => has(false) || has(true),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::request;

    #[test]
    fn money_parties_times_and_what_the_title_names_lead_in_the_order_shown() {
        let mut asked = request(
            r#"{"cabin":"business","origin":"JFK","flights":["HAT101"],"price":20,"insurance":"no",
                "payment_id":"credit_card_1","passengers":[{"name":"Mo"}],"on":"2026-01-02","n":7,
                "departs_at":1767323045,"code":"HAT-9","bags":2}"#,
        );
        asked.title = "Book JFK with HAT-9 for 7 and HAT1012".to_owned();
        let leading = ["origin", "price", "payment_id", "passengers", "on", "departs_at", "code"];
        assert_eq!(asked.leading_arguments(), leading);
    }

    #[test]
    fn arguments_that_cannot_be_read_lead_nowhere_and_a_name_is_read_by_its_words() {
        let asked = request(r#"{"toolkit":"x","totally":1,"accountant":true,"user_id":"u"}"#);
        assert_eq!(asked.leading_arguments(), ["user_id"]);
        assert_eq!(request("[1]").leading_arguments(), [""; 0]);
    }
}
