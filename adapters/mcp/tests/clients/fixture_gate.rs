//! The conformance suite against a gate of our own: tools, tasks, and questions.

use std::collections::BTreeSet;

use crate::conformance::{VERSIONS, Verdict, Verdicts, run, run_all, serve};
use crate::installed::{installed, text};
use crate::program::example;

/// The scenarios of the tasks extension. The suite skips all of `tasks-status-notifications`.
const TASKS: [&str; 9] = [
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
];

/// What does not apply to the fixture, in each version, with the reason.
const NOT_APPLICABLE: &[(&str, &[&str])] = &[
    (
        "the gate has no resources",
        &[
            "resources-list:resources-list",
            "resources-read-binary:resources-read-binary",
            "resources-read-text:resources-read-text",
            "resources-subscribe:resources-subscribe",
            "resources-templates-read:resources-templates-read",
            "resources-unsubscribe:resources-unsubscribe",
            "caching:sep-2549-resources-list-caching-hints",
            "caching:sep-2549-resources-templates-list-caching-hints",
        ],
    ),
    (
        "the gate has no prompts",
        &[
            "prompts-get-embedded-resource:prompts-get-embedded-resource",
            "prompts-get-simple:prompts-get-simple",
            "prompts-get-with-args:prompts-get-with-args",
            "prompts-get-with-image:prompts-get-with-image",
            "prompts-list:prompts-list",
            "caching:sep-2549-prompts-list-caching-hints",
            "input-required-result-non-tool-request:sep-2322-non-tool-incomplete",
        ],
    ),
    (
        "the gate completes no arguments, and logs to its host",
        &[
            "completion-complete:completion-complete",
            "logging-set-level:logging-set-level",
            "tools-call-with-logging:tools-call-with-logging",
        ],
    ),
    (
        "a tool of a gate gives text or structured content; a gateway passes on the other kinds",
        &[
            "tools-call-audio:tools-call-audio",
            "tools-call-embedded-resource:tools-call-embedded-resource",
            "tools-call-image:tools-call-image",
            "tools-call-mixed-content:tools-call-mixed-content",
        ],
    ),
    (
        "a body asks its client's user, not its model nor for its folders, and needs no capability",
        &[
            "tools-call-sampling:tools-call-sampling",
            "input-required-result-basic-list-roots:sep-2322-list-roots-incomplete",
            "input-required-result-basic-sampling:sep-2322-sampling-incomplete",
            "input-required-result-capability-check:sep-2322-respect-client-capabilities",
            "input-required-result-multiple-input-requests:sep-2322-multiple-inputs-incomplete",
            "server-stateless:sep-2575-missing-capability-http-400",
            "server-stateless:sep-2575-server-rejects-undeclared-capability",
        ],
    ),
    (
        "the question of the gate has a key of its own, and is not answered by a name",
        &[
            "input-required-result-basic-elicitation:sep-2322-elicitation-incomplete",
            "tasks-mrtr-composition:sep-2663-mrtr-synchronous-before-task-creation",
        ],
    ),
    (
        "no tool has a parameter that is repeated in a header",
        &[
            "http-custom-header-server-validation:sep-2243-server-decode-base64",
            "http-custom-header-server-validation:sep-2243-server-no-xmcp-tool",
            "http-custom-header-server-validation:sep-2243-server-reject-invalid-param-chars",
            "http-custom-header-server-validation:sep-2243-server-reject-param-mismatch",
            "http-custom-header-server-validation:sep-2243-server-validate-param-match",
        ],
    ),
    (
        "how a body ends is always a result, also when it panics",
        &["tasks-lifecycle:sep-2663-tasks-get-status-failed"],
    ),
    (
        "a client without tasks is held and then answered that the call waits",
        &["tasks-required-task-error:sep-2663-server-returns-missing-capability-when-required"],
    ),
];

/// Asserts that exactly those checks fail that do not apply, as far as `part` has them.
fn all_that_applies_passes(verdicts: &Verdicts, of: impl Fn(&str) -> bool) {
    let failed: BTreeSet<&str> = verdicts
        .iter()
        .filter(|(_, verdict)| **verdict == Verdict::Failed)
        .map(|(check, _)| &**check)
        .collect();
    let listed = NOT_APPLICABLE.iter().flat_map(|(_, checks)| *checks).copied();
    let expected: BTreeSet<&str> = listed.filter(|check| of(check)).collect();
    assert_eq!(failed, expected);
}

fn fixture() -> crate::conformance::Http {
    serve(&[text(&example("conformance_server"))])
}

#[test]
fn a_gate_passes_every_scenario_that_applies_in_both_eras() {
    let Some(installed) = installed() else { return };
    let gate = fixture();
    for version in VERSIONS {
        let verdicts = run_all(&installed, &gate.url, version);
        // A check that does not apply is of one era or of both.
        all_that_applies_passes(&verdicts, |check| verdicts.contains_key(check));
        let passed = verdicts.values().filter(|verdict| **verdict == Verdict::Passed).count();
        assert!(passed > 40, "{version}: {passed}");
    }
}

#[test]
fn a_gate_passes_the_scenarios_of_tasks() {
    let Some(installed) = installed() else { return };
    let gate = fixture();
    let mut verdicts = Verdicts::new();
    for scenario in TASKS {
        let found = run(&installed, &gate.url, &["--scenario", scenario]);
        let passes = found.values().filter(|verdict| **verdict == Verdict::Passed).count();
        assert!(passes > 0, "{scenario}: {found:?}");
        verdicts.extend(found);
    }
    all_that_applies_passes(&verdicts, |check| check.starts_with("tasks-"));
}
