//! The official cases of draft 2020-12, for the keywords that are checked here.

use hitl_base::Json;
use hitl_base::json::parse_json;

use super::*;

const SUITE: &str = include_str!("../../tests/data/json-schema-test-suite.jsonl");

/// The words of the refusals that are meant, each with the number of cases.
const REFUSED: [(&str, usize); 4] = [
    // Nothing is fetched, and a reference begins with `#`, also in a document with an `$id`.
    ("nothing is fetched", 17),
    // A schema below the root has no base of its own.
    ("`$id`", 2),
    ("`unevaluatedProperties`", 2),
    // The members depend on the version of Unicode.
    ("names a property of Unicode", 6),
];

struct Case {
    file: String,
    name: String,
    schema: Json,
    tests: Vec<(String, Json, bool)>,
}

fn text(json: Option<&Json>) -> String {
    json.and_then(Json::as_str).unwrap().to_owned()
}

fn cases() -> impl Iterator<Item = Case> {
    SUITE.lines().map(|line| {
        let case = parse_json(line).unwrap();
        let tests = case.get("tests").and_then(Json::as_array).unwrap().iter();
        let test = |test: &Json| {
            let [name, data, valid] = test.as_array().unwrap() else { panic!("{line}") };
            (text(Some(name)), data.clone(), *valid == Json::Bool(true))
        };
        Case {
            file: text(case.get("file")),
            name: text(case.get("case")),
            schema: case.get("schema").unwrap().clone(),
            tests: tests.map(test).collect(),
        }
    })
}

#[test]
fn the_official_cases_are_decided_as_the_standard_decides_them() {
    let (mut wrong, mut decided, mut refused) = (Vec::new(), 0, Vec::new());
    for case in cases() {
        let at = format!("{}: {}", case.file, case.name);
        match compile_any(&case.schema.to_text(), &[]) {
            Err(why) => refused.push((case.file, case.name, why)),
            Ok(schema) => {
                for (name, data, valid) in case.tests {
                    decided += 1;
                    if schema.check(&data).is_ok() != valid {
                        wrong.push(format!("{at}: {name}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let count = |words: &str| refused.iter().filter(|(.., why)| why.contains(words)).count();
    for (words, number) in REFUSED {
        assert_eq!(count(words), number, "{words}: {refused:#?}");
    }
    let all: usize = REFUSED.iter().map(|(_, number)| number).sum();
    assert_eq!(refused.len(), all, "{refused:#?}");
    assert!(decided > 850, "{decided}");
}
