//! Packages come from crates.io or are members of the workspace.

use super::deny::{Level, Sources};
use super::tree::{Package, Tree};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check(tree: &Tree, rules: &Sources) -> Vec<String> {
    let of = |package: &Package| of_package(package, tree, rules);
    tree.packages.iter().filter_map(of).collect()
}

fn of_package(package: &Package, tree: &Tree, rules: &Sources) -> Option<String> {
    let Some(source) = &package.source else {
        let wrong = format!("its path ({}) is outside of the workspace", package.id);
        let remedy = "make it a member, or depend on a version on crates.io";
        return (!tree.is_member(package)).then(|| package.problem(&wrong, remedy));
    };
    let level = match source.strip_prefix("git+") {
        Some(_) => rules.unknown_git,
        None if source == CRATES_IO => return None,
        None => rules.unknown_registry,
    };
    let wrong = format!("it comes from {source}, which deny.toml denies");
    (level == Level::Deny).then(|| package.problem(&wrong, "depend on a version on crates.io"))
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::{member, package, tree};
    use super::*;

    const GIT: &str = "git+https://github.com/a/b?branch=main#0123";
    const REGISTRY: &str = "sparse+https://registry.example.com/index/";
    const DENY: Sources = Sources { unknown_registry: Level::Deny, unknown_git: Level::Deny };

    fn from(source: &str) -> Package {
        Package { source: Some(source.to_owned()), ..package("a") }
    }

    #[test]
    fn crates_io_and_the_workspace_pass() {
        let tree = tree(vec![member("ours"), package("theirs")], &[]);
        assert_eq!(check(&tree, &DENY), Vec::<String>::new());
    }

    #[test]
    fn a_repository_another_registry_and_a_path_outside_are_found() {
        let mut tree = tree(vec![member("ours"), from(GIT), from(REGISTRY)], &[]);
        tree.packages.push(member("beside"));
        let found = check(&tree, &DENY);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("a 1.2.3: it comes from git+https://github.com/a/b"));
        assert!(found[0].ends_with("depend on a version on crates.io"), "{found:?}");
        assert!(found[1].contains(REGISTRY), "{found:?}");
        assert!(found[2].starts_with("beside 1.2.3: its path"), "{found:?}");
    }

    #[test]
    fn what_deny_toml_does_not_deny_passes() {
        let tree = tree(vec![from(GIT), from(REGISTRY)], &[]);
        let only_git = Sources { unknown_git: Level::Deny, unknown_registry: Level::Warn };
        assert_eq!(check(&tree, &only_git).len(), 1);
        let only_registry = Sources { unknown_git: Level::Allow, unknown_registry: Level::Deny };
        assert_eq!(check(&tree, &only_registry).len(), 1);
    }
}
