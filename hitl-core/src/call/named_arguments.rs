//! The arguments that a tool's configuration names: each must be one that the tool has.

use super::ToolTerms;
use super::template::{Part, parts};
use crate::arguments::{ArgumentNames, Secrecy};

/// A template of a tool's configuration.
struct TemplateKey {
    name: &'static str,
    /// The greatest secrecy of an argument in it.
    most: Secrecy,
    /// The reason why it takes no secret.
    no_secrets: &'static str,
}

const DESCRIBE: TemplateKey =
    TemplateKey { name: "describe", most: Secrecy::Part, no_secrets: "a secret is never shown" };
const EFFECT: TemplateKey = TemplateKey {
    name: "effect",
    most: Secrecy::Nothing,
    no_secrets: "what identifies an effect is kept unsealed",
};

/// Checks that each name in a configuration is an argument of the tool, and none in a template is a
/// secret. An amount may be one. Returns what is wrong, and what to do.
pub(crate) fn check_named_arguments(
    terms: &ToolTerms,
    arguments: &ArgumentNames<'_>,
) -> Result<(), String> {
    for (amount, _) in &terms.arguments.amounts {
        let known = arguments.find(amount);
        known.map_err(|instead| format!("the amount `{amount}` is no argument of it{instead}"))?;
    }
    for (key, template) in [(DESCRIBE, &terms.describe), (EFFECT, &terms.effect)] {
        key.check(template.as_deref().unwrap_or_default(), arguments)?;
    }
    Ok(())
}

impl TemplateKey {
    fn check(&self, template: &str, arguments: &ArgumentNames<'_>) -> Result<(), String> {
        let key = self.name;
        for part in parts(template) {
            match part {
                Part::Text(_) => {}
                Part::LoneBrace(brace) => {
                    return Err(format!(
                        "in `{key}`, a `{brace}` is alone: write `{brace}{brace}` for a brace"
                    ));
                }
                Part::Argument(name) => {
                    let secrecy = arguments.find(name).map_err(|instead| {
                        format!("`{key}` has `{{{name}}}`, which is no argument of it{instead}")
                    })?;
                    if secrecy > self.most {
                        let what = if secrecy == Secrecy::Whole { "is" } else { "has" };
                        let why = self.no_secrets;
                        return Err(format!(
                            "`{key}` has `{{{name}}}`, which {what} a secret: leave it out, {why}"
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hitl_base::json::parse_json;

    use super::*;
    use crate::call::{AmountSpec, ToolConfig};

    const SCHEMA: &str = r#"{"type":"object","properties":{"id":{},"amount":{},
        "login":{"properties":{"pin":{"writeOnly":true}}},"pin":{"writeOnly":true}}}"#;

    fn check(config: ToolConfig) -> Result<(), String> {
        let schema = parse_json(SCHEMA).unwrap();
        check_named_arguments(&ToolTerms::of(&config), &ArgumentNames::of_schema(&schema, []))
    }

    #[test]
    fn names_that_the_tool_has_are_accepted() {
        const AMOUNTS: &[AmountSpec] = &[AmountSpec::new("amount"), AmountSpec::new("pin")];
        check(ToolConfig::DEFAULT).unwrap();
        let config = ToolConfig::DEFAULT.amounts(AMOUNTS).effect("{{x}} {id}:{ amount }");
        check(config.describe("Pay {amount} as {login}")).unwrap();
    }

    #[test]
    fn other_names_secrets_and_lone_braces_are_refused_with_what_to_do() {
        const TYPO: &[AmountSpec] = &[AmountSpec::new("amount"), AmountSpec::new("amuont")];
        let config = ToolConfig::DEFAULT;
        for (config, said) in [
            (
                config.amounts(TYPO),
                "the amount `amuont` is no argument of it; did you mean `amount`?",
            ),
            (
                config.effect("x:{ID}"),
                "`effect` has `{ID}`, which is no argument of it; did you mean `id`?",
            ),
            (
                config.describe("Pay {}"),
                "`describe` has `{}`, which is no argument of it; known are `id`, `amount`, `login`, `pin`",
            ),
            (
                config.effect("x:{login.user}"),
                "`effect` has `{login.user}`, which is no argument of it; name the whole argument, `login`: \
                 parts have no names here",
            ),
            (
                config.effect("x:{login}"),
                "`effect` has `{login}`, which has a secret: leave it out, what identifies an effect is \
                 kept unsealed",
            ),
            (
                config.describe("Pay {pin}"),
                "`describe` has `{pin}`, which is a secret: leave it out, a secret is never shown",
            ),
            (config.effect("x:{id"), "in `effect`, a `{` is alone: write `{{` for a brace"),
            (config.describe("}"), "in `describe`, a `}` is alone: write `}}` for a brace"),
        ] {
            assert_eq!(check(config), Err(said.to_owned()));
        }
    }
}
