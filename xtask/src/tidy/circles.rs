//! No files of a folder import each other in a cycle, so that each can be read after those that it
//! uses. Imports are followed through re-exports to the file that defines the name.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::imports::{Form, Import, imports};
use super::{Text, is_rust};

/// The folders without cycles, each within the `src` of a crate.
const FOLDERS: [&str; 4] = [
    "hitl-tasks/src",
    "hitl-core/src/gate",
    "crates/hitl-store/src/postgres",
    "crates/hitl-store/src/sqlite",
];

/// A module's place in its crate: `["gate", "claim"]`.
type Module = Vec<String>;

pub(super) fn check(texts: &[Text]) -> Vec<String> {
    FOLDERS.iter().flat_map(|folder| of_folder(folder, texts)).collect()
}

fn of_folder(folder: &str, texts: &[Text]) -> Vec<String> {
    let tree = Tree::new(folder, texts);
    let files = tree.edges(folder);
    if files.is_empty() {
        return vec![format!("{folder}: no files, and so no imports to check")];
    }
    let circle = |circle: Vec<&str>| {
        let names: Vec<_> = circle.iter().map(|path| &path[folder.len() + 1..]).collect();
        format!("{folder}: a circle of imports: {}", names.join(" -> "))
    };
    circles(&files).into_iter().map(circle).collect()
}

/// The modules of a crate.
struct Tree<'t> {
    modules: BTreeMap<Module, File<'t>>,
}

struct File<'t> {
    path: &'t str,
    imports: Vec<Import>,
}

impl<'t> Tree<'t> {
    /// Reads the crate that a folder belongs to.
    fn new(folder: &str, texts: &'t [Text]) -> Self {
        let end = folder.find("/src").map_or(folder.len(), |at| at + "/src".len());
        let root = format!("{}/", &folder[..end]);
        let mut modules = BTreeMap::new();
        for text in texts {
            let Some(inner) = text.path.strip_prefix(&root).filter(|inner| is_rust(inner)) else {
                continue;
            };
            if inner.ends_with("tests.rs") {
                continue;
            }
            let mut module: Module =
                inner.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            if module.last().is_some_and(|last| matches!(&**last, "mod" | "lib" | "main")) {
                module.pop();
            }
            modules.insert(module, File { path: &text.path, imports: imports(&text.content) });
        }
        Self { modules }
    }

    /// Returns the imports between the files of a folder.
    fn edges(&self, folder: &str) -> BTreeMap<&str, BTreeSet<&str>> {
        let below =
            |path: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let mut edges = BTreeMap::new();
        for (module, file) in self.modules.iter().filter(|(_, file)| below(file.path)) {
            let to: &mut BTreeSet<_> = edges.entry(file.path).or_default();
            // A re-export is followed from the module that imports it.
            let counted = file.imports.iter().filter(|import| import.form != Form::Export);
            let absolute = counted.filter_map(|import| self.absolute(module, &import.path));
            to.extend(absolute.filter_map(|path| self.file(&path, 0)).filter(|path| below(path)));
            to.remove(file.path);
        }
        edges
    }

    /// Returns the path from the root of the crate; `None` for one that leaves it.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Vec<String>> {
        let mut whole = module.clone();
        let mut rest = path;
        match &**path.first()? {
            "crate" => whole.clear(),
            "self" => {}
            "super" => {
                whole.pop();
            }
            first => {
                let mut child = module.clone();
                child.push(first.to_owned());
                self.modules.get(&child)?;
                return Some([&**module, path].concat());
            }
        }
        rest = &rest[1..];
        while rest.first().is_some_and(|part| part == "super") {
            whole.pop();
            rest = &rest[1..];
        }
        let names = rest.iter().filter(|part| *part != "self" && *part != "*");
        whole.extend(names.cloned());
        Some(whole)
    }

    /// Returns the file that defines a path's name.
    fn file(&self, path: &[String], depth: u32) -> Option<&'t str> {
        let mut length = path.len();
        while !self.modules.contains_key(&path[..length]) {
            length = length.checked_sub(1)?;
        }
        let (module, names) = path.split_at(length);
        let file = &self.modules[module];
        let Some(name) = names.first().filter(|_| depth < 8) else { return Some(file.path) };
        let exports = file.imports.iter().filter(|import| import.form == Form::Export);
        for export in exports.filter(|export| export.name == *name || export.name == "*") {
            let Some(mut target) = self.absolute(&module.to_vec(), &export.path) else { continue };
            if export.name == "*" {
                target.push(name.clone());
                if self.file(&target, depth + 1) == self.file(&target[..target.len() - 1], 8) {
                    continue;
                }
            }
            target.extend(names[1..].iter().cloned());
            return self.file(&target, depth + 1);
        }
        Some(file.path)
    }
}

/// Returns one shortest cycle of each group of files that reach each other.
fn circles<'f>(edges: &BTreeMap<&'f str, BTreeSet<&'f str>>) -> Vec<Vec<&'f str>> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for start in edges.keys().copied() {
        let Some(circle) = circle_from(start, edges) else { continue };
        if circle.iter().all(|file| !seen.contains(file)) {
            found.push(circle.clone());
        }
        seen.extend(circle);
    }
    found
}

fn circle_from<'f>(
    start: &'f str,
    edges: &BTreeMap<&'f str, BTreeSet<&'f str>>,
) -> Option<Vec<&'f str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(file) = next.pop_front() {
        for to in edges.get(file).into_iter().flatten().copied() {
            if to == start {
                let mut circle = vec![start, file];
                while let Some(before) = circle.last().and_then(|last| came_from.get(last)) {
                    circle.push(before);
                }
                circle.dedup();
                if circle.len() == 1 || circle.last() != Some(&start) {
                    circle.push(start);
                }
                circle.reverse();
                return Some(circle);
            }
            if to != start && !came_from.contains_key(to) {
                came_from.insert(to, file);
                next.push_back(to);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;

    #[test]
    fn a_circle_is_found_through_re_exports() {
        let texts = [
            of("x/src/lib.rs", "mod a; mod b; pub use a::A; pub use b::inner::B;"),
            of("x/src/a.rs", "use crate::B;"),
            of("x/src/b/mod.rs", "pub(crate) mod inner;"),
            of("x/src/b/inner.rs", "fn f() -> crate::A { todo() }"),
            of("x/src/c.rs", "use super::A; use crate::b::inner::B;"),
        ];
        let found = of_folder("x/src", &texts);
        assert_eq!(found, ["x/src: a circle of imports: a.rs -> b/inner.rs -> a.rs"]);
    }

    #[test]
    fn only_files_of_the_folder_count() {
        let texts = [
            of("x/src/lib.rs", "mod a; mod b;"),
            of("x/src/a.rs", "use crate::b::one::One;"),
            of("x/src/b/mod.rs", "pub(crate) mod one; mod two; pub(crate) use two::*;"),
            of("x/src/b/one.rs", "use super::Two; use crate::a::A;"),
            of("x/src/b/two.rs", "#[cfg(test)] mod tests { use super::super::one::One; }"),
        ];
        assert_eq!(of_folder("x/src/b", &texts), Vec::<String>::new());
        assert_eq!(of_folder("x/src", &texts).len(), 1);
    }

    #[test]
    fn a_folder_that_is_gone_is_not_a_folder_without_circles() {
        assert_eq!(of_folder("x/src", &[]).len(), 1);
    }
}
