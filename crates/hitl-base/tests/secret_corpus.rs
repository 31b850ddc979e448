//! Measures how many unnamed secrets are caught, and how often harmless text is masked.

#![expect(clippy::unwrap_used, reason = "a failed expectation fails the test")]

mod made_up;

use std::collections::BTreeMap;

use hitl_base::Redactor;
use hitl_base::json::parse_json;
use made_up::dice::LOWER;
use made_up::{Dice, harmless, named, placed, token};

const ROUNDS: usize = 3_000;

#[test]
fn invariant_8_of_secrets_that_nobody_named_95_of_100_are_caught() {
    let redactor = Redactor::standard();
    let mut dice = Dice(42);
    let mut missed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut all, mut lost) = (0, 0);
    let mut check = |kind: String, text: &str, secret: &str| {
        all += 1;
        let clean = redactor.text(text);
        // Also as an argument of a call.
        let json = hitl_base::Json::Object(vec![(
            "note".into(),
            hitl_base::Json::String(text.to_owned()),
        )]);
        let shown = redactor.json(&json).to_text();
        assert!(parse_json(&shown).is_ok());
        if clean.contains(secret) || shown.contains(secret) {
            lost += 1;
            missed.entry(kind).or_default().push(text.to_owned());
        }
    };
    for _ in 0..ROUNDS {
        let (kind, token) = token(&mut dice);
        let secret = match kind {
            "url" | "amqp" => {
                token.split(['@']).next().unwrap().rsplit(':').next().unwrap().to_owned()
            }
            "azure storage" => token.split("AccountKey=").nth(1).unwrap()[..80].to_owned(),
            "pem" => token.lines().nth(1).unwrap().to_owned(),
            _ => token.clone(),
        };
        let text = match dice.below(3) {
            0 => token.clone(),
            1 => format!("use {token} for the call"),
            _ => format!("x = \"{token}\";"),
        };
        check(format!("token: {kind}"), &text, &secret);
        let (form, text, secret) = named(&mut dice);
        check(format!("named: {form}"), &text, &secret);
        let (kind, text, secret) = placed(&mut dice);
        check(format!("placed: {kind}"), &text, &secret);
    }
    let counts: BTreeMap<_, _> =
        missed.iter().map(|(kind, texts)| (kind, (texts.len(), &texts[0]))).collect();
    println!(
        "caught {} of {all}: {:?}",
        all - lost,
        missed.iter().map(|(kind, texts)| (kind, texts.len(), &texts[0])).collect::<Vec<_>>()
    );
    assert!((all - lost) * 100 >= all * 95, "caught {} of {all}: {counts:#?}", all - lost);
}

#[test]
fn invariant_8_of_what_is_harmless_at_most_one_of_100_is_masked() {
    let redactor = Redactor::standard();
    let mut dice = Dice(43);
    let mut alarms: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for _ in 0..ROUNDS * 2 {
        let (kind, text) = harmless(&mut dice);
        let clean = redactor.text(&text);
        if clean != text {
            alarms.entry(kind).or_default().push(format!("{text} -> {clean}"));
        }
    }
    let lost: usize = alarms.values().map(Vec::len).sum();
    let counts: BTreeMap<_, _> =
        alarms.iter().map(|(kind, texts)| (kind, (texts.len(), &texts[0]))).collect();
    println!("false alarms: {lost} of {}", ROUNDS * 2);
    assert!(lost * 100 <= ROUNDS * 2, "{lost} of {}: {counts:#?}", ROUNDS * 2);
}

/// A megabyte of arguments takes less than 50 ms in an optimised build.
#[test]
fn a_megabyte_is_redacted_in_time() {
    let redactor = Redactor::standard();
    let mut dice = Dice(44);
    let mut items = Vec::new();
    while items.iter().map(String::len).sum::<usize>() < 1_000_000 {
        // One text in ten contains something to find.
        let text = match items.len() % 30 {
            0 => named(&mut dice).1,
            10 => token(&mut dice).1,
            20 => harmless(&mut dice).1,
            _ => format!(
                "The {} of the {} is in the {} room, as agreed on Monday.",
                dice.of(LOWER, 6),
                dice.of(LOWER, 7),
                dice.of(LOWER, 5)
            ),
        };
        items.push(text);
    }
    let items = items.into_iter().map(hitl_base::Json::String).collect();
    let tree = hitl_base::Json::Object(vec![("items".to_owned(), hitl_base::Json::Array(items))]);
    redactor.json(&tree);
    let took = (0..5)
        .map(|_| {
            let (begin, on_cpu) = (std::time::Instant::now(), cpu_time());
            std::hint::black_box(redactor.json(&tree));
            match (on_cpu, cpu_time()) {
                (Some(before), Some(after)) => after.saturating_sub(before),
                _ => begin.elapsed(),
            }
        })
        .min()
        .unwrap();
    println!("{} bytes in {took:?}", tree.to_text().len());
    if !cfg!(debug_assertions) {
        assert!(took < std::time::Duration::from_millis(50), "{took:?}");
    }
}

/// Returns the processor time of this thread, where the system reports it: other tests do not
/// count.
fn cpu_time() -> Option<std::time::Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(std::time::Duration::from_nanos)
}
