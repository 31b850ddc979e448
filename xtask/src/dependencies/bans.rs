//! Versions are bounded, and packages that deny.toml names stay out.

use std::collections::BTreeMap;

use super::deny::{Bans, Level};
use super::tree::{Dependency, Kind, Package, Tree};

pub(super) fn check(tree: &Tree, rules: &Bans) -> Vec<String> {
    let mut found = Vec::new();
    for package in &tree.packages {
        if rules.deny.iter().any(|banned| banned.0 == package.name) {
            found.push(package.problem("`[bans] deny` names it", "depend on another one"));
        }
        let unbounded = package.dependencies.iter().filter(|named| is_unbounded(package, named));
        for named in unbounded.filter(|named| is_denied(package, named, rules)) {
            let wrong = format!("it takes any version of {}", named.name);
            let remedy = match package.source {
                None => "say which version, beside a path too if it is published",
                Some(_) => "depend on another one",
            };
            found.push(package.problem(&wrong, remedy));
        }
    }
    if rules.multiple_versions == Level::Deny {
        found.extend(several(tree));
    }
    found
}

/// Dev-dependencies of others are not in the tree.
fn is_unbounded(package: &Package, named: &Dependency) -> bool {
    named.req == "*" && (package.source.is_none() || named.kind != Kind::Dev)
}

fn is_denied(package: &Package, named: &Dependency, rules: &Bans) -> bool {
    let for_us_alone = !package.is_published() || named.kind == Kind::Dev;
    let may = rules.allow_wildcard_paths && named.path.is_some() && for_us_alone;
    rules.wildcards == Level::Deny && !may
}

fn several(tree: &Tree) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in &tree.packages {
        versions.entry(&package.name).or_default().push(package);
    }
    let surplus = versions.values().filter_map(|packages| match packages[..] {
        [first, .., last] => Some((first, last)),
        _ => None,
    });
    let say = |(first, last): (&Package, &Package)| {
        let wrong = format!("the tree has version {} as well", last.version);
        first.problem(&wrong, "bring what depends on it to one version")
    };
    surplus.map(say).collect()
}

#[cfg(test)]
mod tests {
    use super::super::deny::Name;
    use super::super::tree::tests::{member, package, tree};
    use super::*;

    fn any(name: &str, kind: Kind, path: Option<&str>) -> Dependency {
        let path = path.map(str::to_owned);
        Dependency { name: name.to_owned(), req: "*".to_owned(), kind, path }
    }

    fn with(package: Package, named: Dependency) -> Tree {
        tree(vec![Package { dependencies: vec![named], ..package }], &[])
    }

    fn strict() -> Bans {
        Bans { wildcards: Level::Deny, allow_wildcard_paths: true, ..Bans::default() }
    }

    #[test]
    fn any_version_is_found() {
        let cases = [
            with(member("ours"), any("b", Kind::Normal, None)),
            with(member("ours"), any("b", Kind::Dev, None)),
            with(member("ours"), any("b", Kind::Build, Some("/b"))),
            with(package("theirs"), any("b", Kind::Normal, None)),
        ];
        for case in &cases {
            let found = check(case, &strict());
            assert_eq!(found.len(), 1);
            assert!(found[0].contains(" 1.2.3: it takes any version of b: "), "{found:?}");
        }
        assert_eq!(check(&cases[0], &Bans::default()).len(), 0, "only warned about");
    }

    #[test]
    fn paths_that_nobody_else_sees_may_go_without_a_version() {
        let private = || Package { publish: Some(Vec::new()), ..member("ours") };
        let path = || any("b", Kind::Normal, Some("/b"));
        let test = with(member("ours"), any("b", Kind::Dev, Some("/b")));
        assert_eq!(check(&test, &strict()).len(), 0);
        assert_eq!(check(&with(private(), path()), &strict()).len(), 0);
        let paths_too = Bans { allow_wildcard_paths: false, ..strict() };
        assert_eq!(check(&with(private(), path()), &paths_too).len(), 1);
        let theirs = with(package("theirs"), any("b", Kind::Dev, None));
        assert_eq!(check(&theirs, &strict()).len(), 0, "not in the tree");
    }

    #[test]
    fn banned_names_and_second_versions_are_found() {
        let second = Package { version: "2.0.0".to_owned(), ..package("a") };
        let tree = tree(vec![package("a"), second, package("b")], &[]);
        let names = Bans { deny: vec![Name("b".to_owned())], ..Bans::default() };
        let found = check(&tree, &names);
        assert_eq!(found, ["b 1.2.3: `[bans] deny` names it: depend on another one"]);
        let one = Bans { multiple_versions: Level::Deny, ..Bans::default() };
        let found = check(&tree, &one);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("a 1.2.3: the tree has version 2.0.0 as well"), "{found:?}");
    }
}
