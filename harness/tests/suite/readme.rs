//! The README and the page of all claims show the ledger of the reference run as it is, and commands that exist.

use std::path::{Path, PathBuf};

use crate::common::Sandbox;
use harness::cli::claims_table;
use harness::experiments::REGISTRY;

/// The command that brings generated text up to date.
const REFRESH: &str = "UPDATE_README=1 cargo test -p harness --test suite readme";

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Asserts that a file holds `fresh`, or writes it there if UPDATE_README is set.
#[track_caller]
fn hold(path: &Path, fresh: &str) {
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path, fresh).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == fresh, "{} is stale: {REFRESH}", path.display());
}

#[test]
fn the_page_of_all_claims_is_as_they_are() {
    let claims = claims_table::claims(&REGISTRY, Some(&here("reference"))).unwrap();
    let page = format!(
        "# All claims\n\nWhat each says, what settles it, and what came out; the kinds of claims, the \
         intervals and the verdicts are explained in the [README](../../README.md#how-to-read-the-report).\n\n{claims}"
    );
    hold(&here("reference/CLAIMS.md"), &page);
}

#[test]
fn the_readme_has_the_ledger_in_short() {
    const MARKS: [&str; 2] = ["<!-- claims -->\n", "<!-- /claims -->\n"];
    let path = here("../README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(MARKS[0]).expect("a mark");
    let (_, after) = rest.split_once(MARKS[1]).expect("a second mark");
    let short = claims_table::in_short(&REGISTRY, Some(&here("reference"))).unwrap();
    hold(&path, &[before, MARKS[0], &short, MARKS[1], after].concat());
    // Every claim of the ledger is counted once.
    let all = short
        .lines()
        .find(|line| line.starts_with("| all |"))
        .unwrap();
    let counts = all
        .split('|')
        .filter_map(|cell| cell.trim().parse::<usize>().ok());
    let claims = REGISTRY
        .experiments()
        .map(|e| e.about().claims.len())
        .sum::<usize>();
    assert_eq!(counts.sum::<usize>(), claims);
}

/// Returns every command of the README, with its lines joined and without comments.
fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(here("../README.md")).unwrap();
    let mut commands = Vec::new();
    for block in readme.split("```sh\n").skip(1) {
        let block = block.split("```").next().unwrap().replace("\\\n", " ");
        for line in block.lines() {
            let command = line.split(" #").next().unwrap().trim();
            if !command.is_empty() {
                commands.push(command.to_string());
            }
        }
    }
    commands
}

#[test]
fn the_commands_of_the_readme_are_those_of_the_program() {
    let own = commands().into_iter().filter_map(|command| {
        let arguments = command.strip_prefix("harness")?;
        Some(arguments.trim().to_string())
    });
    let own: Vec<String> = own.collect();
    assert!(own.len() > 20, "{own:?}");
    let sandbox = Sandbox::new();
    for arguments in own {
        // `--help` succeeds if the arguments before it are understood.
        let output = sandbox
            .harness(&format!("{arguments} --help"))
            .output()
            .unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "harness {arguments}: {message}");
    }
}

#[test]
fn the_files_that_the_readme_leads_to_are_there() {
    let root = here("..");
    for page in ["README.md", "harness/reference/CLAIMS.md"] {
        let page = root.join(page);
        let text = std::fs::read_to_string(&page).unwrap();
        let links = text
            .split("](")
            .skip(1)
            .map(|rest| rest.split(')').next().unwrap());
        let files = links.filter(|link| !link.starts_with("http") && !link.starts_with('#'));
        let mut found = 0;
        for link in files {
            let file = link.split('#').next().unwrap();
            assert!(
                page.parent().unwrap().join(file).exists(),
                "{}: {link}",
                page.display()
            );
            found += 1;
        }
        assert!(found > 0, "{} leads nowhere", page.display());
    }
}
