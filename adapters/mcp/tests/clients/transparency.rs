//! The conformance suite finds the same at a server alone and at a gateway in front of it that asks
//! about nothing.

use std::collections::BTreeMap;

use crate::conformance::{VERSIONS, Verdict, Verdicts, run_all, serve};
use crate::installed::{Installed, installed, text};
use crate::program::example;

/// What the server passes alone and not behind the gateway, in either era, with the reason.
const WORSE: &[(&str, &[&str])] = &[
    (
        "an answer of a model would pass no gate, so that a server's sampling and roots are refused",
        &[
            "tools-call-sampling:tools-call-sampling",
            "input-required-result-basic-sampling:sep-2322-sampling-incomplete",
            "input-required-result-basic-list-roots:sep-2322-list-roots-incomplete",
            "input-required-result-multiple-input-requests:sep-2322-multiple-inputs-incomplete",
            "input-required-result-capability-check:sep-2322-respect-client-capabilities",
        ],
    ),
    (
        "the gateway is the server's client, and gives its questions keys of its own",
        &["input-required-result-basic-elicitation:sep-2322-elicitation-incomplete"],
    ),
    (
        "answers count only with the state of their question: without it they are asked for again",
        &["input-required-result-ignore-extra-params:sep-2322-ignore-unexpected-params"],
    ),
    (
        "an error of the server is the outcome of a gated call, which the model is given as a result",
        &[
            "server-stateless:sep-2575-server-rejects-undeclared-capability",
            "server-stateless:sep-2575-missing-capability-http-400",
        ],
    ),
    (
        "the gateway compares the lists, and says nothing if the server's has not changed",
        &["server-stateless:sep-2575-server-sends-tools-list-changed-on-subscription"],
    ),
];

/// What the server does not reach alone, because its first check fails.
const BEYOND: &[&str] = &[
    "input-required-result-basic-elicitation:sep-2322-elicitation-complete",
    "input-required-result-basic-list-roots:sep-2322-list-roots-complete",
    "input-required-result-basic-sampling:sep-2322-sampling-complete",
    "input-required-result-multiple-input-requests:sep-2322-multiple-inputs-complete",
];

/// Returns the checks that are worse at the second server than at the first.
fn worse(alone: &Verdicts, behind: &Verdicts) -> BTreeMap<String, (Verdict, Option<Verdict>)> {
    let compared = alone.iter().map(|(check, at)| (check, *at, behind.get(check).copied()));
    compared
        .filter(|(_, at, then)| then.is_none_or(|then| then > *at))
        .map(|(check, at, then)| (check.clone(), (at, then)))
        .collect()
}

fn a_gateway_changes_nothing(installed: &Installed, version: &str, era: &[&str]) {
    let alone = serve(&[installed.script("everything.js"), vec!["--http".to_owned()]].concat());
    let mut command = vec![text(&example("conformance_gateway"))];
    command.extend(installed.script("everything.js"));
    command.extend(era.iter().map(|&option| option.to_owned()));
    let behind = serve(&command);
    let (alone, behind) =
        (run_all(installed, &alone.url, version), run_all(installed, &behind.url, version));
    let mut worse = worse(&alone, &behind);
    let listed = WORSE.iter().flat_map(|(_, checks)| *checks).chain(BEYOND);
    for check in listed.filter(|check| alone.contains_key(**check)) {
        assert!(worse.remove(*check).is_some(), "{version}: {check} is no longer worse");
    }
    assert!(worse.is_empty(), "{version} {era:?}: {worse:#?}");
    assert!(behind.len() > 60, "{version}: {}", behind.len());
}

#[test]
fn the_suite_finds_no_gateway_between_a_client_of_sessions_and_its_server() {
    let Some(installed) = installed() else { return };
    a_gateway_changes_nothing(&installed, VERSIONS[0], &["--legacy"]);
}

#[test]
fn the_suite_finds_no_gateway_between_a_modern_client_and_its_server() {
    let Some(installed) = installed() else { return };
    a_gateway_changes_nothing(&installed, VERSIONS[1], &[]);
}

#[test]
fn a_modern_client_gets_what_it_knows_from_an_older_server() {
    let Some(installed) = installed() else { return };
    let mut command = vec![text(&example("conformance_gateway"))];
    command.extend(installed.script("everything.js"));
    command.push("--legacy".to_owned());
    let behind = serve(&command);
    let verdicts = run_all(&installed, &behind.url, VERSIONS[1]);
    let is_form = |check: &str| check.ends_with(":wire-schema-valid");
    let forms: Vec<_> = verdicts.iter().filter(|(check, _)| is_form(check)).collect();
    assert!(forms.len() > 20, "{}", forms.len());
    for (check, verdict) in forms {
        assert_eq!(*verdict, Verdict::Passed, "{check}");
    }
}
