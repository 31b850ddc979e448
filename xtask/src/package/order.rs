//! RELEASING.md names the crates in an order in which they can be published.

use crate::dependencies::tree::{Kind, Package};

/// The words before the list.
const START: &str = "in this order";

/// Says which package is missing from the list, or comes before one that it needs.
pub(super) fn check(packages: &[&Package], releasing: &str) -> Vec<String> {
    let rest = releasing.split_once(START).map_or("", |(_, rest)| rest);
    // To the end of this item of the numbered list.
    let item = rest.lines().enumerate().take_while(|(at, line)| *at == 0 || line.starts_with(' '));
    let list: String = item.map(|(_, line)| line).collect();
    let place = |name: &str| list.find(&format!("`{name}`"));
    let mut found = Vec::new();
    for package in packages {
        let Some(at) = place(&package.name) else {
            found.push(format!("RELEASING.md: the order of publishing lacks {}", package.name));
            continue;
        };
        let needed = package.dependencies.iter().filter(|named| named.kind != Kind::Dev);
        for needed in needed.filter(|named| named.path.is_some()) {
            if place(&needed.name).is_none_or(|before| before > at) {
                let name = &package.name;
                found.push(format!("RELEASING.md: {} is published before {name}", needed.name));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependencies::tree::Dependency;
    use crate::dependencies::tree::tests::member;

    #[test]
    fn a_crate_comes_after_what_it_needs() {
        let on = |name: &str, kind| {
            let path = Some(format!("/{name}"));
            Dependency { name: name.to_owned(), req: "^0.1.0".to_owned(), kind, path }
        };
        let core = Package { dependencies: vec![on("cli", Kind::Dev)], ..member("core") };
        let cli = Package { dependencies: vec![on("core", Kind::Normal)], ..member("cli") };
        let packages = [&core, &cli];
        assert_eq!(check(&packages, "Publish in this order: `core`, `cli`.\n8. `x`"), [""; 0]);
        assert_eq!(check(&packages, "Publish in this order: `cli`, `core`.").len(), 1);
        let found = check(&packages, "Publish in this order: `cli`.\n8. `core`");
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
