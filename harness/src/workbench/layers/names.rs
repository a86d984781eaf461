//! The names of layers, which are those of their files.

use std::path::{Component, Path, PathBuf};

/// The largest number of characters of a name at a tick of an axis.
const SHORT: usize = 12;

/// Returns a name for each layer: that of its file or folder, with as many of the folders above as it takes to tell all
/// apart, and else with its number.
pub fn names(paths: &[PathBuf]) -> Vec<String> {
    let all: Vec<Vec<String>> = paths.iter().map(|path| parts(path)).collect();
    let deepest = all.iter().map(Vec::len).max().unwrap_or(0);
    let with = |count: usize| -> Vec<String> {
        let end = |parts: &Vec<String>| parts[parts.len().saturating_sub(count)..].join("-");
        all.iter().map(end).collect()
    };
    let distinct = |names: &Vec<String>| {
        // Some file systems do not tell A from a.
        let mut known: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        known.sort_unstable();
        known.dedup();
        known.len() == names.len() && !known.iter().any(String::is_empty)
    };
    let numbered = || {
        let named = with(1).into_iter().enumerate();
        named.map(|(i, name)| format!("{i}-{name}")).collect()
    };
    (1..=deepest)
        .map(with)
        .find(distinct)
        .unwrap_or_else(numbered)
}

/// Returns the folders of a path and its file without the extension, each in characters that the name of a folder can
/// have.
fn parts(path: &Path) -> Vec<String> {
    let whole = match path.extension() {
        Some(kind) if kind == "npy" || kind == "safetensors" => path.with_extension(""),
        _ => path.to_path_buf(),
    };
    let plain = |c: char| match c.is_alphanumeric() || "-_.".contains(c) {
        true => c,
        false => '-',
    };
    let parts = whole.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy().chars().map(plain).collect()),
        _ => None,
    });
    parts
        .map(|name: String| name.trim_start_matches('.').to_string())
        .collect()
}

/// Returns the names as they stand at the ticks of an axis: without what all of them begin or end with, so that a
/// number is left of `layer0`, `layer1`, `layer2`.
pub fn ticks(names: &[String]) -> Vec<String> {
    let all: Vec<Vec<char>> = names.iter().map(|name| name.chars().collect()).collect();
    let Some(first) = all.first() else {
        return Vec::new();
    };
    let shared = |at: &dyn Fn(&[char], usize) -> Option<char>| {
        let same = |&i: &usize| all.iter().all(|name| at(name, i) == at(first, i));
        let mut count = (0..first.len()).take_while(same).count();
        // A number is not cut.
        while count > 0 && at(first, count - 1).is_some_and(|c| c.is_ascii_digit()) {
            count -= 1;
        }
        count
    };
    let front = shared(&|name, i| name.get(i).copied());
    let back = shared(&|name, i| name.iter().rev().nth(i).copied());
    let whole = all.iter().any(|name| name.len() <= front + back);
    let (front, back) = if whole { (0, 0) } else { (front, back) };
    let short = |name: &Vec<char>| {
        let name = &name[front..name.len() - back];
        match name.len() > SHORT {
            true => std::iter::once(&'…')
                .chain(&name[name.len() - SHORT + 1..])
                .collect(),
            false => name.iter().collect(),
        }
    };
    all.iter().map(short).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(paths: &[&str]) -> Vec<String> {
        names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>())
    }

    #[test]
    fn layers_are_called_as_their_files_and_told_apart_by_their_folders() {
        assert_eq!(
            named(&["x/layer2.npy", "x/layer6.npy"]),
            ["layer2", "layer6"]
        );
        assert_eq!(named(&["l2/a.npy", "./l3/a.npy"]), ["l2-a", "l3-a"]);
        assert_eq!(named(&["l1.5/", "../l2/"]), ["l1.5", "l2"]);
        assert_eq!(named(&["a b,c.safetensors", ".d"]), ["a-b-c", "d"]);
        // Names that differ in no part, or in none but capitals.
        assert_eq!(named(&["a.npy", "a.safetensors"]), ["0-a", "1-a"]);
        assert_eq!(named(&["a/x.npy", "b/X.npy"]), ["a-x", "b-X"]);
        assert_eq!(named(&[".", ".."]), ["0-", "1-"]);
    }

    #[test]
    fn ticks_have_what_differs_and_whole_numbers() {
        let shown = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            ticks(&names)
        };
        assert_eq!(shown(&["layer10", "layer12"]), ["10", "12"]);
        assert_eq!(shown(&["h.3.mlp", "h.13.mlp"]), ["3", "13"]);
        assert_eq!(shown(&["embedding", "layer1"]), ["embedding", "layer1"]);
        assert_eq!(shown(&["mid", "mid-more"]), ["mid", "mid-more"]);
        assert_eq!(shown(&["abcdefghijklmnop", "0"]), ["…fghijklmnop", "0"]);
        assert!(shown(&[]).is_empty());
    }
}
