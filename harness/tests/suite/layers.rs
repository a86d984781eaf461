//! The layers of the code: which file imports which, by the paths in the sources. `src/lib.rs` shows the map.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// The crates of the workspace.
const CRATES: [&str; 4] = ["kernels", "harness", "proptests", "benches"];

/// The modules of the harness from top to bottom: each imports only those that stand after it.
const ROOMS: [&str; 27] = [
    "cli",
    "report",
    "run",
    "experiments",
    "experiment",
    "claim",
    "profile",
    "workbench",
    "interchange",
    "activations",
    "sae",
    "parts",
    "session",
    "store",
    "figure",
    "phase",
    "table",
    "settings",
    "html",
    "stats",
    "rng",
    "exhaustion",
    "input",
    "memory",
    "stderr",
    "text",
    "error",
];

/// A file by the path of its module, such as `["sae", "training"]`; empty for the root of the crate.
type Module = Vec<String>;
/// The modules that each file imports. The root is left out, since it declares everything.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn no_crate_has_a_circle_of_files() {
    for name in CRATES {
        assert_eq!(circle(&imports(&sources(name))), None, "in {name}");
    }
}

#[test]
fn a_room_imports_only_rooms_below_it() {
    let floor = |module: &Module| {
        let found = ROOMS.iter().position(|room| *room == module[0]);
        found.unwrap_or_else(|| panic!("{} has no floor yet", module[0]))
    };
    let mut wrong = String::new();
    for (from, to) in edges(&imports(&sources("harness"))) {
        // A run and its report get experiments from the registry that is passed to them.
        let names_experiments =
            to[0] == "experiments" && !matches!(&*from[0], "experiments" | "cli");
        let child_imports_parent = to.len() > 1 && from.len() > to.len() && from.starts_with(&to);
        if floor(&from) > floor(&to)
            || names_experiments
            || child_imports_parent && from[0] == "experiments"
        {
            writeln!(wrong, "{} imports {}", from.join("::"), to.join("::")).unwrap();
        }
    }
    assert!(wrong.is_empty(), "these climb:\n{wrong}");
}

#[test]
fn circles_are_found_and_only_circles() {
    let tree = |files: &[(&str, &str)]| {
        let module = |name: &str| {
            name.split('/')
                .filter(|s| !s.is_empty())
                .map(str::to_string)
                .collect()
        };
        let files: Vec<(Module, String)> = files
            .iter()
            .map(|(name, text)| (module(name), text.to_string()))
            .collect();
        circle(&imports(&files)).map(|way| {
            way.iter()
                .map(|m| m.join("/"))
                .collect::<Vec<_>>()
                .join(" > ")
        })
    };
    let root = ("", "pub mod a; pub mod c; pub use a::{A, b::B};");
    let a = (
        "a",
        "pub mod b; pub struct A; mod inner { use crate::c::{self, C as D}; }",
    );
    let c = (
        "c",
        "pub struct C; /* use crate::a::A; */ const S: &[&str] = &[\"\\\"crate::a::A\", r#\"crate::a::A\"#];",
    );
    // A child that imports its parent is no cycle as long as the parent only declares it.
    let b = ("a/b", "use super::A; pub struct B;");
    assert_eq!(tree(&[root, a, c, b]), None);
    // Imports of tests are left out.
    let tests =
        "pub struct C; #[cfg(test)] mod tests { use crate::a::A; } #[cfg(test)] use crate::a::A;";
    assert_eq!(tree(&[root, a, ("c", tests), b]), None);

    let named = "pub mod b; pub use b::B; pub struct A;";
    assert_eq!(
        tree(&[root, ("a", named), c, b]).as_deref(),
        Some("a > a/b")
    );
    let called = "pub mod b; pub struct A; fn f() { g(vec![b::h()]) }";
    assert_eq!(
        tree(&[root, ("a", called), c, b]).as_deref(),
        Some("a > a/b")
    );
    // Cycles are found through a path in the middle of code, through another file, and through the root.
    let far = "pub struct C; impl C { fn f() -> crate::a::A { todo!() } }";
    assert_eq!(tree(&[root, a, ("c", far), b]).as_deref(), Some("a > c"));
    let around = "use crate::{a::b::B, d::D};";
    assert_eq!(
        tree(&[root, a, ("c", around), b]).as_deref(),
        Some("a > c > a/b")
    );
    let through_root = "use crate::A;";
    assert_eq!(
        tree(&[root, a, ("c", through_root), b]).as_deref(),
        Some("a > c")
    );
    let macros = "#[macro_export] macro_rules! make { () => { $crate::a::A } }";
    let uses = "pub mod b; crate::make! {}";
    assert_eq!(
        tree(&[root, ("a", uses), ("c", macros), b]).as_deref(),
        Some("a > c")
    );
}

/// Returns the files of a crate, with their modules.
fn sources(name: &str) -> Vec<(Module, String)> {
    fn collect(folder: &Path, at: &Module, files: &mut Vec<(Module, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            let stem = path.file_stem().expect("a name").to_str().expect("UTF-8");
            let mut module = at.clone();
            if !matches!(stem, "lib" | "main" | "mod") {
                module.push(stem.into());
            }
            if path.is_dir() {
                collect(&path, &module, files);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push((
                    module,
                    std::fs::read_to_string(&path).expect("a readable file"),
                ));
            }
        }
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace");
    let mut files = Vec::new();
    collect(
        &workspace.join(name).join("src"),
        &Module::new(),
        &mut files,
    );
    assert!(!files.is_empty(), "{name} has no sources");
    files
}

fn edges(imports: &Imports) -> impl Iterator<Item = (Module, Module)> {
    imports
        .iter()
        .flat_map(|(from, all)| all.iter().map(|to| (from.clone(), to.clone())))
}

/// Returns the modules that each file imports. A name that the root exports counts as an import of the file that it
/// comes from, and an exported macro as one of the file that defines it.
fn imports(files: &[(Module, String)]) -> Imports {
    let modules: BTreeSet<Module> = files.iter().map(|(module, _)| module.clone()).collect();
    let mut paths = BTreeMap::new();
    let mut exported: BTreeMap<String, Module> = BTreeMap::new();
    for (module, text) in files {
        let mut found = Paths::default();
        found.read(&tokens(text), module);
        exported.extend(found.macros.into_iter().map(|name| (name, module.clone())));
        paths
            .entry(module.clone())
            .or_insert_with(Vec::new)
            .extend(found.paths);
    }
    let is_of = |path: &[String]| {
        (1..=path.len())
            .rev()
            .find(|&n| modules.contains(&path[..n]))
    };
    for path in paths.get(&Module::new()).into_iter().flatten() {
        if let (Some(n), Some(name)) = (is_of(path), path.last()) {
            exported.insert(name.clone(), path[..n].to_vec());
        }
    }
    let file = |path: &Module| match is_of(path) {
        Some(n) => Some(path[..n].to_vec()),
        None => exported.get(path.first()?).cloned(),
    };
    paths.remove(&Module::new());
    let imported = |(module, paths): (Module, Vec<Module>)| {
        let to = paths.iter().filter_map(file).filter(|to| *to != module);
        (module.clone(), to.collect())
    };
    paths.into_iter().map(imported).collect()
}

/// The paths in a file from the root of the crate, without those of its tests, and the macros that it defines.
#[derive(Default)]
struct Paths {
    paths: Vec<Module>,
    macros: Vec<String>,
}

impl Paths {
    fn read(&mut self, tokens: &[&str], at: &[String]) {
        let mut i = 0;
        while i < tokens.len() {
            i += match &tokens[i..] {
                ["#", "[", "cfg", "(", "test", ")", "]", item @ ..] => {
                    let end = item.iter().position(|t| matches!(*t, "{" | ";"));
                    7 + end.map_or(item.len(), |end| end + length(&item[end..]))
                }
                ["mod", name, "{", ..] => {
                    let body = length(&tokens[i + 2..]);
                    let inside = &tokens[i + 3..i + 1 + body];
                    self.read(inside, &[at, &[name.to_string()]].concat());
                    2 + body
                }
                ["macro_rules", "!", name, ..] => {
                    self.macros.push(name.to_string());
                    3
                }
                [_, "::", ..] => self.path(&tokens[i..], &[], at),
                _ => 1,
            }
        }
    }

    /// Reads a path that may end in several names in braces, and returns the number of its tokens.
    fn path(&mut self, tokens: &[&str], before: &[String], at: &[String]) -> usize {
        let mut path = before.to_vec();
        let mut i = 0;
        loop {
            match tokens.get(i) {
                Some(&"{") if i > 0 => {
                    let end = i + length(&tokens[i..]);
                    let inside = &tokens[i + 1..end - 1];
                    let mut j = 0;
                    while j < inside.len() {
                        j += self.path(&inside[j..], &path, at);
                        // The rest of this name, such as `as`.
                        j += inside[j..].iter().take_while(|t| **t != ",").count() + 1;
                    }
                    return end;
                }
                Some(name) if name.starts_with(is_of_name) => path.push(name.to_string()),
                _ => break,
            }
            i += 1;
            if tokens.get(i) != Some(&"::") {
                break;
            }
            i += 1;
        }
        if i > 1 || !before.is_empty() {
            self.paths.push(match path.first().map(String::as_str) {
                Some("crate") => path[1..].to_vec(),
                Some("self") => [at, &path[1..]].concat(),
                Some("super") => {
                    let up = path.iter().take_while(|name| *name == "super").count();
                    [&at[..at.len().saturating_sub(up)], &path[up..]].concat()
                }
                // The name of a child, or of something that is not a file.
                _ => [at, &path].concat(),
            });
        }
        i.max(1)
    }
}

/// Returns the number of tokens up to the end of the braces that these begin with, or 1 if they begin with none.
fn length(tokens: &[&str]) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate() {
        match *token {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns the names, `::` and single signs of a source text, without comments and strings.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        // The number of bytes of a text that begins with `begin` bytes and ends with `end`.
        let past = |begin: usize, end: &str| {
            rest[begin..]
                .find(end)
                .map_or(rest.len(), |i| begin + i + end.len())
        };
        let name = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
        let (used, is_token) = match c {
            _ if rest.starts_with("//") => (past(2, "\n"), false),
            _ if rest.starts_with("/*") => (past(2, "*/"), false),
            _ if rest.starts_with("r\"") => (past(2, "\""), false),
            _ if rest.starts_with("r#\"") => (past(3, "\"#"), false),
            '"' => (1 + string(&rest[1..]), false),
            // A character; if not, a lifetime.
            '\'' if rest[1..].starts_with('\\') => (past(3, "'"), false),
            '\'' if rest.chars().nth(2) == Some('\'') => (past(1, "'"), false),
            _ if rest.starts_with("::") => (2, true),
            _ if name > 0 => (name, true),
            _ => (c.len_utf8(), !c.is_whitespace()),
        };
        if is_token {
            tokens.push(&rest[..used]);
        }
        rest = &rest[used..];
    }
    tokens
}

/// Returns the length of a string after its first quotation mark, including the last one.
fn string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 1)
}

/// Returns files that import each other in a cycle, in the order in which they do.
fn circle(imports: &Imports) -> Option<Vec<Module>> {
    let mut left = imports.clone();
    loop {
        let leaf =
            |(_, to): &(&Module, &BTreeSet<Module>)| !to.iter().any(|m| left.contains_key(m));
        let leaves: Vec<Module> = left
            .iter()
            .filter(leaf)
            .map(|(module, _)| module.clone())
            .collect();
        if leaves.is_empty() {
            break;
        }
        left.retain(|module, _| !leaves.contains(module));
    }
    let mut way = vec![left.keys().next()?.clone()];
    loop {
        let to = &left[way.last().expect("a beginning")];
        let next = to
            .iter()
            .find(|m| left.contains_key(*m))
            .expect("each that is left imports another");
        if let Some(begin) = way.iter().position(|module| module == next) {
            return Some(way.split_off(begin));
        }
        way.push(next.clone());
    }
}
