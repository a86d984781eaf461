//! The description of what sampled stacks cannot show: functions without a name, or anything at all.

use super::sampler::UNNAMED;
use super::tables::Stack;

/// Returns what [stacks](Stack) lack, and the way out, as sentences for a reader; `None` if they lack nothing.
pub fn lack(stacks: &[Stack]) -> Option<String> {
    let count = |chosen: &dyn Fn(&str) -> bool| {
        let chosen = stacks.iter().filter(|row| chosen(&row.stack));
        chosen.fold(0, |sum: usize, row| sum.saturating_add(row.samples))
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
    // names its own functions, as paths of Rust (which debug information puts into brackets): a stripped one has none.
    if count(&|stack| stack.contains("::")) > 0 {
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
    fn lack_of(rows: &[(&str, usize)]) -> Option<String> {
        let stack = |&(stack, samples): &(&str, usize)| Stack {
            stack: stack.into(),
            samples,
        };
        lack(&rows.iter().map(stack).collect::<Vec<_>>())
    }

    #[test]
    fn readers_are_told_what_samples_cannot_show() {
        // One sample of eight in a library of the system says nothing about the program.
        assert_eq!(
            lack_of(&[("harness::run;kernels::gemm", 7), ("unknown", 1)]),
            None
        );
        assert_eq!(lack_of(&[("harness::run;unknown", 1)]), None);
        // With debug information, names come without the path of their crate.
        let closure = "call_once<std::thread::spawn::{closure_env#0}, ()>;gelu";
        assert_eq!(lack_of(&[(closure, 9), ("unknown", 1)]), None);
        let more_than_fit = [("harness::run", usize::MAX), ("unknown", usize::MAX)];
        assert_eq!(lack_of(&more_than_fit), None);
        let none = lack_of(&[]).expect("something is lacking");
        assert!(none.starts_with("There is no flame graph, since no stack was sampled."));
        let stripped = lack_of(&[("unknown", 307), ("start_thread", 1)]);
        assert!(stripped.expect("something is lacking").starts_with(
            "307 of 308 samples are in functions without a name: the program has no symbols."
        ));
    }
}
