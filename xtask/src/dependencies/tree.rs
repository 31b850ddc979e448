//! The dependency tree, as far as the rules read what `cargo metadata` says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;

#[derive(Default, Deserialize)]
pub(crate) struct Tree {
    pub(crate) packages: Vec<Package>,
    /// Ids of the workspace's own packages.
    pub(crate) workspace_members: BTreeSet<String>,
    pub(super) resolve: Resolve,
}

#[derive(Default, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression.
    pub(crate) license: Option<String>,
    /// A registry or a repository; nothing means a path.
    pub(crate) source: Option<String>,
    pub(crate) rust_version: Option<String>,
    /// The registries that it may go to; nothing means each.
    pub(crate) publish: Option<Vec<String>>,
    /// As its manifest names them.
    pub(crate) dependencies: Vec<Dependency>,
    /// The path of its Cargo.toml.
    #[serde(default)]
    pub(crate) manifest_path: PathBuf,
    pub(crate) description: Option<String>,
    pub(crate) documentation: Option<String>,
    pub(crate) repository: Option<String>,
    /// Below the folder of its Cargo.toml.
    pub(crate) readme: Option<String>,
    #[serde(default)]
    pub(crate) categories: Vec<String>,
    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    /// The tables of other tools.
    #[serde(default)]
    pub(crate) metadata: serde_json::Value,
}

#[derive(Default, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) req: String,
    pub(crate) kind: Kind,
    pub(crate) path: Option<String>,
}

#[derive(Default, Deserialize)]
pub(crate) struct Resolve {
    pub(super) nodes: Vec<Node>,
}

/// A package by its id, and what it depends on in this tree.
#[derive(Deserialize)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) deps: Vec<Edge>,
}

#[derive(Deserialize)]
pub(super) struct Edge {
    pub(super) pkg: String,
    pub(super) dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
pub(super) struct EdgeKind {
    pub(super) kind: Kind,
}

/// Why a package is depended on. Cargo says `null` for the normal kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Option<Named>")]
pub(crate) enum Kind {
    #[default]
    Normal,
    Build,
    Dev,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Named {
    Build,
    Dev,
}

impl From<Option<Named>> for Kind {
    fn from(named: Option<Named>) -> Self {
        match named {
            None => Self::Normal,
            Some(Named::Build) => Self::Build,
            Some(Named::Dev) => Self::Dev,
        }
    }
}

impl Package {
    /// Says what is wrong with it, and what to do.
    pub(super) fn problem(&self, wrong: &str, remedy: &str) -> String {
        format!("{} {}: {wrong}: {remedy}", self.name, self.version)
    }

    pub(crate) fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|registries| !registries.is_empty())
    }
}

impl Tree {
    pub(super) fn is_member(&self, package: &Package) -> bool {
        self.workspace_members.contains(&package.id)
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.is_member(package))
    }

    /// These packages and all that their builds need, which dev-dependencies are not part of.
    pub(crate) fn built<'t>(&'t self, of: impl Iterator<Item = &'t Package>) -> Vec<&'t Package> {
        let nodes = self.resolve.nodes.iter().map(|node| (node.id.as_str(), &node.deps));
        let nodes: BTreeMap<&str, &Vec<Edge>> = nodes.collect();
        let mut open: Vec<&str> = of.map(|package| package.id.as_str()).collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                let edges = nodes.get(id).into_iter().copied().flatten();
                open.extend(edges.filter(|edge| edge.is_built()).map(|edge| edge.pkg.as_str()));
            }
        }
        self.packages.iter().filter(|package| seen.contains(package.id.as_str())).collect()
    }
}

impl Edge {
    fn is_built(&self) -> bool {
        self.dep_kinds.iter().any(|why| why.kind != Kind::Dev)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A package from crates.io.
    pub(crate) fn package(name: &str) -> Package {
        Package {
            id: name.to_owned(),
            name: name.to_owned(),
            version: "1.2.3".to_owned(),
            license: Some("MIT".to_owned()),
            source: Some("registry+https://github.com/rust-lang/crates.io-index".to_owned()),
            ..Package::default()
        }
    }

    /// A package of the workspace.
    pub(crate) fn member(name: &str) -> Package {
        Package { source: None, ..package(name) }
    }

    /// Packages without a source are members; `edges` say what depends on what.
    pub(in super::super) fn tree(packages: Vec<Package>, edges: &[(&str, &str, Kind)]) -> Tree {
        let own = packages.iter().filter(|package| package.source.is_none());
        let node = |&(from, to, kind): &(&str, &str, Kind)| Node {
            id: from.to_owned(),
            deps: vec![Edge { pkg: to.to_owned(), dep_kinds: vec![EdgeKind { kind }] }],
        };
        Tree {
            workspace_members: own.map(|package| package.id.clone()).collect(),
            packages,
            resolve: Resolve { nodes: edges.iter().map(node).collect() },
        }
    }

    #[test]
    fn what_cargo_says_is_read() {
        let said = r#"{
            "packages": [{
                "id": "path+file:///a#0.1.0", "name": "a", "version": "0.1.0", "license": null,
                "source": null, "rust_version": "1.89", "publish": [], "edition": "2024",
                "dependencies": [
                    {"name": "b", "req": "*", "kind": "dev", "path": "/b", "optional": false},
                    {"name": "c", "req": "^1", "kind": null, "optional": true}
                ]
            }],
            "workspace_members": ["path+file:///a#0.1.0"],
            "resolve": {"root": null, "nodes": [{
                "id": "path+file:///a#0.1.0",
                "deps": [{"name": "b", "pkg": "b", "dep_kinds": [
                    {"kind": "dev", "target": null}, {"kind": "build", "target": "cfg(unix)"}
                ]}]
            }]},
            "target_directory": "/target"
        }"#;
        let tree: Tree = serde_json::from_str(said).expect("as cargo says it");
        let package = tree.members().next().expect("a member");
        assert!(!package.is_published());
        let kinds: Vec<Kind> = package.dependencies.iter().map(|named| named.kind).collect();
        assert_eq!(kinds, [Kind::Dev, Kind::Normal]);
        assert_eq!(package.dependencies[0].path.as_deref(), Some("/b"));
        assert!(tree.resolve.nodes[0].deps[0].is_built(), "for a build and for tests");
    }

    #[test]
    fn builds_need_no_dev_dependencies() {
        let edges = [("a", "b", Kind::Normal), ("b", "c", Kind::Build), ("d", "a", Kind::Normal)];
        let packages = ["a", "b", "c", "d", "e"].map(package).into();
        let mut tree = tree(packages, &edges);
        tree.resolve.nodes.push(Node {
            id: "c".to_owned(),
            deps: vec![Edge { pkg: "e".to_owned(), dep_kinds: vec![EdgeKind { kind: Kind::Dev }] }],
        });
        let built = tree.built(tree.packages.iter().take(1));
        let names: Vec<&str> = built.iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
