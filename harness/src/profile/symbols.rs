//! What sampled stacks cannot show: functions without a name, or anything at all.

use super::sampler::UNNAMED;
use crate::table::Table;

/// The share of samples in functions without a name from which on readers are told. A few are always there, in
/// libraries of the system.
const TOLD_FROM: f64 = 0.1;

/// What [stacks](super::tables::STACKS) lack, and the way out, in words for a reader; `None` if they lack nothing.
pub fn lack(stacks: &Table) -> Option<String> {
    let samples: Vec<(&str, i64)> = stacks
        .rows()
        .map(|row| (row.text("stack"), row.int("samples")))
        .collect();
    let count = |chosen: &dyn Fn(&str) -> bool| -> f64 {
        let chosen = samples.iter().filter(|(stack, _)| chosen(stack));
        chosen.map(|&(_, samples)| samples as f64).sum()
    };
    let all = count(&|_| true);
    if all == 0.0 {
        return Some(
            "There is no flame graph, since no stack was sampled. Stacks are sampled on Linux alone, some 100 times \
             for each second of CPU time: profile a longer run."
                .into(),
        );
    }
    let unnamed = count(&|stack| stack.rsplit(';').next() == Some(UNNAMED));
    if unnamed < TOLD_FROM * all {
        return None;
    }
    let ours = |name: &str| name.starts_with("harness::") || name.starts_with("kernels::");
    let what = match samples.iter().any(|(stack, _)| stack.split(';').any(ours)) {
        true => "some of the program has no symbols",
        false => "the program has no symbols",
    };
    Some(format!(
        "{unnamed} of {all} samples are in functions without a name: {what}. Build it without stripping it \
         (no strip = true, no -C strip, no strip command) and profile again.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::tables::STACKS;

    fn lack_of(rows: &[(&str, usize)]) -> Option<String> {
        let mut stacks = Table::new(&STACKS);
        for &(stack, samples) in rows {
            stacks.push([stack.into(), samples.into()]);
        }
        lack(&stacks)
    }

    #[test]
    fn readers_are_told_what_samples_cannot_show() {
        assert_eq!(
            lack_of(&[("harness::run;kernels::gemm", 91), ("unknown", 9)]),
            None
        );
        let told = |rows: &[(&str, usize)]| lack_of(rows).expect("something is lacking");
        assert!(told(&[]).starts_with("There is no flame graph, since no stack was sampled."));
        let stripped = told(&[("unknown", 307), ("start_thread", 1)]);
        assert!(stripped.starts_with(
            "307 of 308 samples are in functions without a name: the program has no symbols."
        ));
        let partly = told(&[("harness::run", 60), ("harness::run;unknown", 40)]);
        assert!(partly.starts_with(
            "40 of 100 samples are in functions without a name: some of the program has no"
        ));
    }
}
