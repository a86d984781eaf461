//! Runs in parts give the bytes of one machine, whatever the number of parts.

mod faults;

use crate::common::{Sandbox, merged, same, succeeds};

/// The configuration of experiments that need no others, and of some that do, at sizes that take a moment.
const SUITE: &str = r#"
preset = "quick"
seeds = 2
experiments = ["compressed-computation", "rescale", "tradeoff", "encoders", "unfinished-features"]

[compressed-computation]
steps = 20
held_out = 100

[homogeneity]
samples = 100
features_of_interest = 2

[near-orthogonality]
most = 64

[tradeoff]
most = 64
samples = 100
features_of_interest = 2
positive_shares = [0.5, 0.7, 1.0]

[multilayer]
epochs = 120
datapoints = [48, 96]
other_seeds = 0
long_epochs = 1
curve.seeds = 1
curve.steps = 20
curve.epochs = 10
capacity.seeds = 1
capacity.steps = 20

[encoders]
rates = [1.0]
free_steps = 3
stream_steps = 20
held_out = 100
training.steps = 12

[unfinished-features]
training.steps = 20
"#;

/// The settings of one experiment whose units take a moment.
const SMALL: &str = "--preset quick --seeds 2 --set compressed-computation.steps=3 \
    --set compressed-computation.held_out=100";

/// Makes a sandbox with a planned run in the folder `run`, and computes these parts of it.
pub fn planned(parts: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    let plan = format!("plan compressed-computation {SMALL} --out run");
    succeeds(&sandbox, &plan);
    for part in parts {
        succeeds(&sandbox, &format!("run --part {part} --out run --quiet"));
    }
    sandbox
}

/// Returns what `harness status run` prints, and asserts that it ends with that exit code.
fn status(sandbox: &Sandbox, code: i32) -> String {
    let status = sandbox.harness("status run").output().unwrap();
    assert_eq!(status.status.code(), Some(code));
    let [out, err] = [status.stdout, status.stderr].map(|text| String::from_utf8(text).unwrap());
    out + &err
}

#[test]
fn parts_merge_to_the_bytes_of_one_machine() {
    let sandbox = Sandbox::new();
    sandbox.write("suite.toml", SUITE);
    succeeds(&sandbox, "run --config suite.toml --quiet --out one");
    let one = merged(&sandbox.join("one"));
    for parts in [1, 2, 3, 7] {
        let run = format!("in-{parts}");
        succeeds(&sandbox, &format!("plan --config suite.toml --out {run}"));
        // Each part runs twice, since some units need what others compute, and in any order.
        let compute = |part: usize| {
            let threads = 1 + part % 2;
            let part = format!("--part {part}/{parts} --threads {threads}");
            succeeds(&sandbox, &format!("run {part} --quiet --out {run}"));
        };
        (1..=parts).for_each(compute);
        if parts == 3 {
            // The units that others need may be merged in between.
            succeeds(&sandbox, &format!("merge --needed --quiet {run}"));
            assert!(sandbox.join(&run).join("multilayer/measures.csv").exists());
            assert!(!sandbox.join(&run).join("claims.csv").exists());
        }
        (1..=parts).rev().for_each(compute);
        succeeds(&sandbox, &format!("merge --quiet {run}"));
        same(&one, &merged(&sandbox.join(&run)));
    }
    // Merging again changes nothing.
    succeeds(&sandbox, "merge --quiet in-3");
    same(&one, &merged(&sandbox.join("in-3")));
}

#[test]
fn what_other_parts_have_not_computed_yet_is_waited_for() {
    let sandbox = Sandbox::new();
    let plan =
        "plan tradeoff --preset quick --seeds 1 --set tradeoff.most=64 --set tradeoff.samples=100";
    succeeds(
        &sandbox,
        &format!("{plan} --set near-orthogonality.most=64 --out run"),
    );
    let output = sandbox
        .harness("run --part 1/2 --out run")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("those of tradeoff need units"), "{text}");
    sandbox.refuses(
        "merge run",
        &[
            "tradeoff seed0",
            "near-orthogonality",
            "--part 1/2 --out run",
        ],
    );
    succeeds(&sandbox, "run --part 2/2 --out run");
    // All that part 1 needs is there, but with one round it leaves the rest to the next.
    succeeds(&sandbox, "run --part 1/2 --rounds 1 --out run");
    assert!(status(&sandbox, 0).starts_with("2 of 3 units are there"));
    sandbox.refuses("merge run --wait 60", &["tradeoff seed0", "compute part 1"]);
    succeeds(&sandbox, "run --part 1/2 --rounds 2 --out run");
    let status = sandbox.harness("status run").output().unwrap();
    let text = String::from_utf8(status.stdout).unwrap();
    assert!(text.starts_with("3 of 3 units are there, 100 %"), "{text}");
    succeeds(&sandbox, "merge run --quiet");
}

#[test]
fn units_may_be_listed() {
    let sandbox = planned(&[]);
    let plan = sandbox.read("run/plan.csv");
    let first: Vec<&str> = plan.lines().take(3).collect();
    sandbox.write("some.csv", first.join("\n") + "\n");
    succeeds(&sandbox, "run --units some.csv --out run --quiet");
    let text = status(&sandbox, 0);
    assert!(text.starts_with("2 of 6 units"), "{text}");
    assert!(text.contains("part units-some: 2 units"), "{text}");
    sandbox.refuses(
        "merge run",
        &["4 of the 6 units", "harness run --part 1/N --out run"],
    );
    // What the run holds is not computed again, whatever the number of parts.
    for part in ["1/2", "2/2", "1/3", "2/3", "3/3"] {
        succeeds(&sandbox, &format!("run --part {part} --out run --quiet"));
    }
    let files = crate::common::files(&sandbox.join("run/parts"));
    let pieces = files.keys().filter(|name| name.ends_with(".ckpt"));
    assert_eq!(pieces.count(), 6);
    // One machine can go on with the run as well.
    succeeds(&sandbox, "run --resume run --quiet");
    // This holds also where the configuration is given once more, without its instruction set.
    let again = format!("run compressed-computation {SMALL} --resume run --quiet");
    succeeds(&sandbox, &again);
    // Another configuration is no reason to remove what the parts have computed.
    let other = again.replace("--seeds 2", "--seeds 3");
    sandbox.refuses(&other, &["cannot resume this run: it was run with seeds"]);
    let resumed = merged(&sandbox.join("run"));
    succeeds(&sandbox, "merge run --quiet");
    same(&resumed, &merged(&sandbox.join("run")));
    sandbox.write("some.csv", plan.replace("seed1", "seed7"));
    sandbox.refuses(
        "run --units some.csv --out run",
        &["some.csv", "seed7", "plan.csv"],
    );
    sandbox.write("some.csv", plan.lines().next().unwrap());
    sandbox.refuses("run --units some.csv --out run", &["lists no unit"]);
}
