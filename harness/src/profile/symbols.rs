//! What sampled stacks cannot show: functions without a name, or anything at all.

use super::sampler::UNNAMED;
use crate::table::Table;

/// What [stacks](super::tables::STACKS) lack, and the way out, in words for a reader; `None` if they lack nothing.
pub fn lack(stacks: &Table) -> Option<String> {
    let count = |chosen: &dyn Fn(&str) -> bool| -> i64 {
        let chosen = stacks.rows().filter(|row| chosen(row.text("stack")));
        chosen.map(|row| row.int("samples")).sum()
    };
    let all = count(&|_| true);
    if all == 0 {
        return Some(
            "There is no flame graph, since no stack was sampled. Stacks are sampled on Linux alone, some 100 times \
             for each second of CPU time: profile a longer run."
                .into(),
        );
    }
    // Functions without a name are in every program: libraries of the system have some. But a program with symbols
    // names its own functions, in every stack that it is in.
    let ours = |name: &str| name.starts_with("harness::") || name.starts_with("kernels::");
    if count(&|stack| stack.split(';').any(ours)) > 0 {
        return None;
    }
    let unnamed = count(&|stack| stack.rsplit(';').next() == Some(UNNAMED));
    (unnamed > 0).then(|| {
        format!(
            "{unnamed} of {all} samples are in functions without a name: the program has no symbols. Build it without \
             stripping it (no strip = true, no -C strip, no strip command) and profile again.",
        )
    })
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
        // One sample of eight in a library of the system says nothing about the program.
        assert_eq!(
            lack_of(&[("harness::run;kernels::gemm", 7), ("unknown", 1)]),
            None
        );
        assert_eq!(lack_of(&[("harness::run;unknown", 1)]), None);
        let none = lack_of(&[]).expect("something is lacking");
        assert!(none.starts_with("There is no flame graph, since no stack was sampled."));
        let stripped = lack_of(&[("unknown", 307), ("start_thread", 1)]);
        assert!(stripped.expect("something is lacking").starts_with(
            "307 of 308 samples are in functions without a name: the program has no symbols."
        ));
    }
}
