use hitl_base::display::is_unseen;
use hitl_base::{Json, JsonText};
use proptest::prelude::*;

use super::*;
use crate::approval::fixture::{NOW, request};

const NASTY: &str = r#"{"to": "<script>alert(1)</script> [x](http://evil) @everyone `a` *b* & \u202e\u200b",
    "amount": 1234567.0, "on": "2026-01-02T03:04:00Z", "p\u0430y": 1}"#;

fn render(arguments: &str, extent: DetailLevel) -> ReviewCard {
    request(arguments).render(NOW, extent)
}

fn section(rendered: &ReviewCard, name: SectionName) -> &Section {
    rendered.sections.iter().find(|section| section.name == name).unwrap()
}

#[test]
fn one_view_says_what_is_exact_what_it_reads_as_and_whose_words_it_is() {
    let rendered = render(NASTY, DetailLevel::Brief);
    let arguments = section(&rendered, SectionName::Arguments);
    assert_eq!(arguments.origin, Origin::Model);
    let line = |label: &str| {
        let found = arguments.lines.iter().find(|line| line.label.as_deref() == Some(label));
        found.unwrap().clone()
    };
    assert_eq!(
        (&*line("amount").value, line("amount").reads.as_deref()),
        ("1234567.0", Some("1,234,567.00"))
    );
    assert_eq!(line("on").reads.as_deref(), Some("Fri 2 January 2026, 03:04 UTC"));
    assert!(line("to").value.ends_with("\\u{202e}\\u{200b}\""), "{:?}", line("to"));
    assert_eq!(
        rendered.warnings,
        [
            "`to` has characters that change the direction of writing",
            "`to` has characters that cannot be seen",
            "`pаy` has words that mix letters of different alphabets",
        ]
    );
    assert_eq!(rendered.title.origin, Origin::Mixed);
    let json = serde_json::to_value(&rendered).unwrap();
    assert_eq!(json["sections"][0]["name"], "tool");
    assert_eq!(json["actions"][1]["needsText"], true);
    assert_eq!(json["title"]["origin"], "mixed");
    assert_eq!(serde_json::from_value::<ReviewCard>(json).unwrap(), rendered);
}

#[test]
fn what_is_left_out_says_how_much_and_has_a_digest() {
    let ids: Vec<String> = (0..30).map(|id| format!("\"user-{id}\"")).collect();
    let long = format!(r#"{{"ids":[{}],"text":"{}end"}}"#, ids.join(","), "x".repeat(1_000));
    let rendered = render(&long, DetailLevel::Brief);
    let lines = &section(&rendered, SectionName::Arguments).lines;
    let withheld: Vec<_> = lines.iter().filter_map(|line| line.withheld.clone()).collect();
    assert_eq!(withheld.iter().map(|w| w.total).collect::<Vec<_>>(), [30, 1003]);
    assert_eq!(withheld[1].sha256, hitl_base::display::fingerprint(&("x".repeat(1_000) + "end")));
    assert_eq!(lines[0].reads.as_deref(), Some("30 items"));
    let whole = render(&long, DetailLevel::Full);
    assert!(
        section(&whole, SectionName::Arguments).lines.iter().all(|line| line.withheld.is_none())
    );
}

#[test]
fn invariant_9_no_markup_of_the_model_survives() {
    let mut request = request(NASTY);
    request.title = "Pay <img src=x onerror=alert(1)> [click](http://evil) `x`".to_owned();
    request.reasons = vec!["<b>\"'&".to_owned()];
    let rendered = request.render(NOW, DetailLevel::Full);
    let html = rendered.to_html();
    for markup in ["<script", "<img", "<b>\"", "onerror=alert(1)>"] {
        assert!(!html.contains(markup), "{markup}: {html}");
    }
    assert!(html.contains("&lt;script&gt;") && html.contains("hitl-origin-model"), "{html}");
    let markdown = rendered.to_markdown();
    // With every escaped character removed, the rest is ours.
    let mut bare = markdown.chars().fold((String::new(), false), |(mut bare, escaped), c| {
        if !escaped && c != '\\' {
            bare.push(c);
        }
        (bare, !escaped && c == '\\')
    });
    bare.0.retain(|c| "<>[]`@&!".contains(c));
    assert!(
        bare.0.chars().all(|c| c == '>') && bare.0.len() == rendered.warnings.len(),
        "{markdown}"
    );
    assert!(markdown.contains("\\<script\\>") && !markdown.contains("@everyone"), "{markdown}");
    let chat = rendered.to_chat();
    assert_eq!(chat.matches("```").count(), 2, "{chat}");
    assert!(!chat.contains('<') && !chat.contains('&'), "{chat}");
    for text in [html, markdown, chat, rendered.to_text()] {
        assert!(!text.chars().any(|c| !matches!(c, '\n' | '\u{a0}') && is_unseen(c)), "{text}");
    }
}

#[test]
fn arguments_that_cannot_be_read_say_so() {
    let rendered = render(r#"{"a":1,"a":2}"#, DetailLevel::Brief);
    assert_eq!(rendered.warnings, ["the arguments cannot be shown; do not approve"]);
    assert_eq!(section(&rendered, SectionName::Arguments).lines[0].tone, TextStyle::Bad);
}

#[test]
fn invariant_9_words_of_the_model_in_a_title_are_labelled_on_every_surface() {
    let mut request = request("{}");
    request.title = "Verified safe. Approved.".to_owned();
    let rendered = request.render(NOW, DetailLevel::Brief);
    let label = "with words of the model";
    for text in [
        rendered.to_text(),
        rendered.to_html(),
        rendered.to_markdown().replace('\\', ""),
        rendered.to_chat(),
    ] {
        assert!(text.contains(label), "{text}");
    }
    request.title = format!("Run {}", request.tool);
    let ours = request.render(NOW, DetailLevel::Brief);
    assert!(!ours.to_text().contains(label) && !ours.to_html().contains(label));
}

/// Returns lists of twelve items, nested `depth` deep, with long names and values.
fn huge(depth: usize) -> Json {
    if depth == 0 {
        return Json::String("v".repeat(250));
    }
    let entry = |at: usize| (format!("{at:02}{}", "k".repeat(150)), huge(depth - 1));
    Json::Object((0..if depth > 3 { 2 } else { 12 }).map(entry).collect())
}

#[test]
fn invariant_9_every_surface_has_a_budget_and_says_what_does_not_fit() {
    let mut request = request("{}");
    request.arguments = JsonText::from(&huge(6));
    request.reasons = vec!["r".repeat(10_000); 10_000];
    request.description = "d".repeat(300) + "\n" + &"line\n".repeat(10_000);
    let length = |text: &str| text.chars().count();
    for extent in [DetailLevel::Brief, DetailLevel::Full] {
        let rendered = request.render(NOW, extent);
        let chat = rendered.to_chat();
        assert!(length(&chat) <= 3_500 && length(&rendered.to_markdown()) <= 60_000);
        assert!(length(&rendered.to_html()) <= 100_000);
        let most = if extent == DetailLevel::Brief { 30_000 } else { 400_000 };
        assert!(length(&rendered.to_text()) <= most, "{}", length(&rendered.to_text()));
        assert!(chat.contains("see the whole request in the console"), "{chat}");
        assert!(chat.contains("characters in all do not fit here"), "{chat}");
    }
    // A difference in a part that is not shown still gives another card.
    let one = request.render(NOW, DetailLevel::Brief);
    let text = request.arguments.as_str();
    let end = text.rfind('v').unwrap();
    let other = format!("{}w{}", &text[..end], &text[end + 1..]);
    request.arguments = JsonText::from(&hitl_base::json::parse_json(&other).unwrap());
    let two = request.render(NOW, DetailLevel::Brief);
    assert_ne!(one.to_text(), two.to_text());
    assert_ne!(one.to_chat(), two.to_chat());
}

#[test]
fn invariant_9_one_long_text_fits_into_every_surface_too() {
    let of = |arguments: &str, description: &str, title: &str| {
        let mut request = request(arguments);
        (request.description, request.title) = (description.to_owned(), title.to_owned());
        request.reasons = vec!["&".repeat(400)];
        request
    };
    let length = |text: &str| text.chars().count();
    // Each is a single line, and longer once it is escaped.
    for text in
        ["x y".repeat(1_300), "<".repeat(3_999), "\u{202e}".repeat(3_999), "@".repeat(3_999)]
    {
        let arguments =
            Json::Object(vec![("note".to_owned(), Json::String(text.clone()))]).to_text();
        for request in [of(&arguments, "d", "t"), of("{}", &text, "t"), of("{}", "d", &text)] {
            for extent in [DetailLevel::Brief, DetailLevel::Full] {
                let rendered = request.render(NOW, extent);
                assert!(length(&rendered.to_chat()) <= 3_500, "{}", rendered.to_chat());
                assert!(length(&rendered.to_markdown()) <= 60_000);
                assert!(length(&rendered.to_html()) <= 100_000);
            }
        }
    }
    // The part left out is identified by its digest, so that another text gives another message.
    let long = |last: &str| {
        let text = "x y".repeat(1_300) + last;
        let arguments = Json::Object(vec![("note".to_owned(), Json::String(text))]).to_text();
        of(&arguments, "d", "t").render(NOW, DetailLevel::Full).to_chat()
    };
    assert!(long("a").contains("characters in all do not fit here"), "{}", long("a"));
    assert_ne!(long("a"), long("b"));
}

#[test]
fn invariant_9_what_is_not_compared_for_look_alikes_is_said() {
    let has =
        |rendered: &ReviewCard, what: &str| rendered.warnings.iter().any(|w| w.contains(what));
    let many = |count: usize| {
        let entry = |at: usize| (format!("key-{at:05}"), Json::String(format!("val-{at:05}")));
        let mut entries: Vec<_> = (0..count).map(entry).collect();
        let texts = ["ACC-1O01", "ACC-1001"].into_iter().enumerate();
        entries.extend(texts.map(|(at, text)| (format!("z{at}"), Json::String(text.to_owned()))));
        Json::Object(entries).to_text()
    };
    let few = render(&many(900), DetailLevel::Brief);
    assert!(has(&few, "look alike and differ") && !has(&few, "only the first"), "{few:?}");
    let flooded = render(&many(1_100), DetailLevel::Brief);
    assert!(has(&flooded, "only the first 2000 names and values"), "{:?}", flooded.warnings);
    // A pair beyond the limit is reported, too.
    let pair = |at: usize| format!(r#""p{at:02}":"aaaa{at:02}O","q{at:02}":"aaaa{at:02}0""#);
    let pairs: Vec<_> = (10..19).map(pair).collect();
    let rendered = render(&format!("{{{}}}", pairs.join(",")), DetailLevel::Brief);
    assert!(has(&rendered, "and 3 more that look alike"), "{:?}", rendered.warnings);
}

#[test]
fn invariant_9_a_text_for_a_forge_notifies_nobody() {
    let rendered = render(r#"{"to": "@everyone, (@bob) ann@x"}"#, DetailLevel::Brief);
    let markdown = rendered.to_markdown();
    // A forge looks for names in the rendered text, where backslashes are gone.
    let read = markdown.replace('\\', "");
    assert!(!read.contains("@everyone") && !read.contains("@bob"), "{markdown}");
    assert!(read.contains("u{40}everyone") && read.contains("ann@x"), "{markdown}");
}

#[test]
fn invariant_9_what_looks_like_something_else_is_marked() {
    let says = |arguments: &str, what: &str| {
        let rendered = render(arguments, DetailLevel::Brief);
        let said = rendered.warnings.iter().any(|warning| warning.contains(what));
        assert!(said, "{arguments}: {:?}", rendered.warnings);
    };
    // A whole word of Cyrillic, full-width letters, a character that only looks like a slash.
    says(r#"{"to":"\u0440\u0430\u0443\u0440\u0430"}"#, r#"read as "paypa""#);
    says(r#"{"to":"\uff21\uff23\uff2d\uff25"}"#, r#"read as "ACME""#);
    says(r#"{"path":"etc\u2215passwd"}"#, r#"read as "etc/passwd""#);
    // Two keys and two values that look alike.
    says(r#"{"amount":1,"\u0430mount":2}"#, "look alike and differ");
    says(r#"{"from":"ACC-1O01","to":"ACC-1001"}"#, r#""ACC-1O01" and "ACC-1001" look alike"#);
    // Canonical equivalents, in names as well.
    says(r#"{"unit":"\u212a"}"#, "look the same");
    says(r#"{"cafe\u0301":1}"#, "look the same");
    let plain = render(
        r#"{"to":"M\u00fcller","note":"\u041f\u0440\u0438\u0432\u0435\u0442","id":"A-1"}"#,
        DetailLevel::Brief,
    );
    assert_eq!(plain.warnings, [""; 0]);
}

#[test]
fn invariant_9_a_host_in_the_form_of_idna_is_read_out() {
    let rendered = render(r#"{"url":"https://xn--80ak6aa92e.com/login"}"#, DetailLevel::Brief);
    let line = &section(&rendered, SectionName::Arguments).lines[0];
    let reads = line.reads.as_deref().unwrap();
    assert!(reads.starts_with("host reads \"https://\u{430}"), "{reads}");
    assert!(rendered.warnings.iter().any(|w| w.contains("apple.com")), "{:?}", rendered.warnings);
    // In any position: in a list, in an object on one line, in a name, behind percent-encoding.
    for arguments in [
        r#"{"hosts":["xn--mnchen-3ya.de","b"]}"#,
        r#"{"to":{"url":"https://XN--MNCHEN-3YA.de"}}"#,
        r#"{"l":[{"url":"a@xn--mnchen-3ya.de"}]}"#,
        r#"{"xn--mnchen-3ya.de":1}"#,
        r#"{"next":"https%3A%2F%2Fxn--mnchen-3ya.de"}"#,
    ] {
        let rendered = render(arguments, DetailLevel::Brief);
        let lines = &section(&rendered, SectionName::Arguments).lines;
        let read = |line: &Line| {
            line.reads.as_deref().is_some_and(|r| r.to_lowercase().contains("m\u{fc}nchen.de"))
        };
        assert!(lines.iter().any(read), "{arguments}: {lines:?}");
    }
}

fn leaf() -> impl Strategy<Value = Json> {
    let text = prop_oneof![
        "[a-z \"\\\\:\u{200b}-]{0,6}",
        Just(" ".repeat(12)),
        Just("[… 5 of 9 items left out]".to_owned()),
        "[ab]{160,170}",
    ];
    prop_oneof![
        Just(Json::Null),
        "[1-9][0-9]{0,2}([.]0)?".prop_map(|n| Json::Number(n.into())),
        text.prop_map(Json::String),
    ]
}

fn tree() -> impl Strategy<Value = Json> {
    leaf().prop_recursive(3, 40, 20, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..16).prop_map(Json::Array),
            proptest::collection::btree_map("[a-c \":-]{0,3}", inner, 0..16)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Json> {
    proptest::collection::btree_map("[a-c \":-]{0,3}", tree(), 0..16)
        .prop_map(|entries| Json::Object(entries.into_iter().collect()))
}

/// Makes one small change at a position in the tree.
fn changed(tree: &Json, at: &mut usize, how: u8) -> Json {
    let here = *at == 0;
    *at = at.wrapping_sub(1);
    match tree {
        Json::Array(items) if here && how.is_multiple_of(3) => {
            Json::Array(items.iter().skip(1).cloned().collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(|i| changed(i, at, how)).collect()),
        Json::Object(entries) => {
            Json::Object(entries.iter().map(|(k, v)| (k.clone(), changed(v, at, how))).collect())
        }
        Json::String(text) if here => match how % 3 {
            0 => Json::String(format!("{text} ")),
            1 => Json::Number("1".into()),
            _ => Json::String(text.replacen('a', "b", 1)),
        },
        Json::Number(number) if here => Json::String(number.to_string()),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn invariant_9_different_arguments_never_render_the_same(
        a in object(), b in object(), at in 0_usize..30, how: u8, full: bool,
    ) {
        let extent = if full { DetailLevel::Full } else { DetailLevel::Brief };
        let original = request("{}");
        let show = |tree: &Json| {
            let mut request = original.clone();
            request.arguments = JsonText::from(tree);
            let rendered = request.render(NOW, extent);
            [rendered.to_text(), rendered.to_html(), rendered.to_markdown(), rendered.to_chat(),
                serde_json::to_string(&rendered).unwrap()]
        };
        for other in [b, changed(&a, &mut at.clone(), how)] {
            for (one, two) in show(&a).iter().zip(show(&other)) {
                prop_assert_eq!(a == other, *one == two, "{:?}\n{:?}\n{}\n{}", a, other, one, two);
            }
        }
    }
}

#[test]
fn the_lines_of_a_section_are_those_of_the_whole_text() {
    let rendered = render(r#"{"to":{"name":"ann"},"ids":[1,2]}"#, DetailLevel::Full);
    let text = rendered.to_text();
    for section in &rendered.sections {
        let lines = section.to_lines();
        assert_eq!(lines.len(), section.lines.len());
        for line in lines {
            assert!(text.lines().any(|shown| shown.ends_with(&line)), "{line:?} {text}");
        }
    }
    let arguments = section(&rendered, SectionName::Arguments).to_lines();
    assert_eq!(arguments, [r#"to: {"name":"ann"}"#, "ids: [1,2]"]);
}
