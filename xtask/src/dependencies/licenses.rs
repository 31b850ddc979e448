//! Every package's SPDX expression is satisfied by the licences that deny.toml allows.

use spdx::{Expression, LicenseReq, ParseMode};

use super::deny::Licenses;
use super::tree::{Package, Tree};

pub(super) fn check(tree: &Tree, rules: &Licenses) -> Vec<String> {
    let packages =
        if rules.include_dev { tree.packages.iter().collect() } else { tree.built(tree.members()) };
    packages.into_iter().filter_map(|package| of_package(package, rules)).collect()
}

fn of_package(package: &Package, rules: &Licenses) -> Option<String> {
    let Some(license) = &package.license else {
        return Some(package.problem(
            "its manifest names no licence",
            "depend on another one, or on a version that names it",
        ));
    };
    // Crates.io has many that join alternatives with a slash, as was once the custom.
    let expression = match Expression::parse_mode(license, ParseMode::LAX) {
        Ok(expression) => expression,
        Err(error) => {
            let wrong =
                format!("its licence \"{license}\" is no SPDX expression ({})", error.reason);
            return Some(package.problem(&wrong, "depend on another one"));
        }
    };
    let exceptions =
        rules.exceptions.iter().filter(|exception| exception.package.0 == package.name);
    let allowed: Vec<_> =
        exceptions.flat_map(|exception| &exception.allow).chain(&rules.allow).collect();
    let may = |asked: &LicenseReq| allowed.iter().any(|allowed| allowed.0.satisfies(asked));
    let refused = expression.evaluate_with_failures(may).err()?;
    let refused: Vec<String> = refused.iter().map(|asked| asked.req.to_string()).collect();
    let wrong = format!(
        "its licence \"{license}\" is not satisfied; deny.toml does not allow {}",
        refused.join(", ")
    );
    Some(package.problem(
        &wrong,
        "depend on another one, or add the licence to `[licenses] allow`, or for this one to \
         `exceptions`, with the reason",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::deny::Deny;
    use super::super::tree::Kind;
    use super::super::tree::tests::{member, package, tree};
    use super::*;

    const RULES: &str = r#"
        [licenses]
        allow = ["MIT", "ISC"]
        include-dev = true
        exceptions = [{ crate = "browser", allow = ["MPL-2.0"] }]
        [bans]
        [sources]
    "#;

    fn rules(text: &str) -> Licenses {
        Deny::read(text).expect("readable").licenses
    }

    /// Returns the problem of a package of this licence.
    fn of(name: &str, license: &str) -> String {
        let license = Some(license.to_owned());
        of_package(&Package { license, ..package(name) }, &rules(RULES)).unwrap_or_default()
    }

    #[test]
    fn what_the_list_allows_passes() {
        let satisfied = ["MIT", "GPL-3.0-only OR MIT", "MIT AND ISC", "GPL-3.0/MIT"];
        for license in satisfied.into_iter().chain(["(Zlib OR MIT) AND ISC", "Apache-2.0 / MIT"]) {
            assert_eq!(of("a", license), "", "{license}");
        }
    }

    #[test]
    fn what_it_does_not_allow_is_found() {
        let zlib = of("a", "Zlib");
        assert!(zlib.starts_with("a 1.2.3: its licence \"Zlib\""), "{zlib}");
        assert!(zlib.contains("does not allow Zlib: depend on"), "{zlib}");
        let both = of("a", "MIT AND GPL-3.0-only");
        assert!(both.contains("does not allow GPL-3.0-only: "), "{both}");
        assert!(of("a", "Zlib OR GPL-3.0-only").contains("does not allow"));
        assert!(of("a", "MIT WITH LLVM-exception").contains("does not allow"));
        assert!(of("a", "(Zlib OR Apache-2.0) AND MIT").contains("does not allow"));
    }

    #[test]
    fn an_exception_is_for_one_package() {
        assert_eq!(of("browser", "MPL-2.0"), "");
        assert_eq!(of("browser", "MPL-2.0 AND MIT"), "");
        assert!(of("browser", "GPL-3.0-only").contains("does not allow"));
        assert!(of("another", "MPL-2.0").contains("does not allow MPL-2.0"));
    }

    #[test]
    fn a_licence_that_is_missing_or_unknown_is_found() {
        let without = Package { license: None, ..package("a") };
        let found = of_package(&without, &rules(RULES)).unwrap_or_default();
        assert!(found.starts_with("a 1.2.3: its manifest names no licence: depend on"), "{found}");
        let unknown = of("a", "MIT OR Mine");
        assert!(unknown.contains("\"MIT OR Mine\" is no SPDX expression"), "{unknown}");
    }

    #[test]
    fn dev_dependencies_are_checked_if_deny_toml_says_so() {
        let zlib = |name| Package { license: Some("Zlib".to_owned()), ..package(name) };
        let edges = [("ours", "tested", Kind::Dev)];
        let dev = tree(vec![member("ours"), zlib("tested")], &edges);
        assert_eq!(check(&dev, &rules(RULES)).len(), 1);
        let without = RULES.replace("include-dev = true", "");
        assert_eq!(check(&dev, &rules(&without)).len(), 0);
        let edges = [("ours", "tested", Kind::Build)];
        let build = tree(vec![member("ours"), zlib("tested")], &edges);
        assert_eq!(check(&build, &rules(&without)).len(), 1);
    }
}
