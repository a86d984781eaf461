//! The sampler of the functions that the CPU is in, at regular intervals of CPU time.
//!
//! It works on Linux alone: there `rpprof` unwinds from the tables that every Rust binary has, without frame pointers,
//! locks or allocations inside the signal handler.

/// The number of samples for each second of CPU time, chosen so that it divides no regular rhythm of a program.
#[cfg(target_os = "linux")]
const FREQUENCY: i32 = 97;

/// The name that stands for a function whose name is not known, as in a binary without symbols.
pub const UNNAMED: &str = "unknown";

/// A sampler of the stacks of all threads of the process, until it is dropped.
pub struct Sampler {
    #[cfg(target_os = "linux")]
    guard: rpprof::ProfilerGuard<'static>,
}

impl Sampler {
    /// Begins to sample.
    ///
    /// # Errors
    /// The reason why sampling cannot begin.
    #[cfg(target_os = "linux")]
    pub fn start() -> Result<Sampler, String> {
        let guard = rpprof::ProfilerGuardBuilder::default()
            .frequency(FREQUENCY)
            .build();
        let guard = guard.map_err(|e| e.to_string())?;
        Ok(Sampler { guard })
    }

    /// Begins to sample.
    ///
    /// # Errors
    /// The reason why sampling cannot begin.
    #[cfg(not(target_os = "linux"))]
    pub fn start() -> Result<Sampler, String> {
        Err("stacks are sampled on Linux alone".into())
    }

    /// Ends the sampling and returns the sampled stacks, in alphabetical order, with the number of samples of each. In
    /// a stack, the outermost function comes first, and semicolons stand between functions.
    ///
    /// # Errors
    /// The reason why there are no stacks.
    #[cfg(target_os = "linux")]
    pub fn stacks(self) -> Result<Vec<(String, usize)>, String> {
        let report = self.guard.report().build_unresolved();
        let report = report.map_err(|e| e.to_string())?;
        let mut stacks = std::collections::BTreeMap::new();
        for (frames, &count) in &report.data {
            // Frames are resolved one by one, for `rpprof` leaves out those without a name.
            let names = (0..frames.frames.len()).rev().flat_map(|i| {
                let mut one = frames.clone();
                one.frames.swap(0, i);
                one.frames.truncate(1);
                let resolved = rpprof::Frames::from(one).frames;
                let symbols = resolved.iter().flat_map(|inlined| inlined.iter().rev());
                let names: Vec<String> = symbols.map(|symbol| symbol.name()).collect();
                match names.is_empty() {
                    true => vec![UNNAMED.to_string()],
                    false => names,
                }
            });
            let stack = fold(names);
            *stacks.entry(stack).or_insert(0) += usize::try_from(count).unwrap_or(0);
        }
        Ok(stacks.into_iter().filter(|(_, n)| *n > 0).collect())
    }

    /// Returns the error that stacks are sampled on Linux alone.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(target_os = "linux"))]
    pub fn stacks(self) -> Result<Vec<(String, usize)>, String> {
        Err("stacks are sampled on Linux alone".into())
    }
}

/// Joins the functions of a stack to one line, without those that only pass on: threads, joins, closures of the
/// standard library.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn fold(names: impl Iterator<Item = String>) -> String {
    const PASSING_ON: [&str; 15] = [
        "<E as harness::experiment::Erased>",
        "rayon::",
        "rayon_core::",
        "<rayon::",
        "<rayon_core::",
        "std::",
        "<std::",
        "core::",
        "<core::",
        "<alloc::",
        "__rust_",
        "_start",
        "__libc_start",
        "start_thread",
        "clone",
    ];
    let mut stack: Vec<String> = Vec::new();
    let mut last = None;
    for name in names {
        // A symbol without a name is `Unknown` to `rpprof`.
        if name == UNNAMED || name == "Unknown" {
            last = Some(UNNAMED.into());
            continue;
        }
        if PASSING_ON.iter().any(|passing| name.starts_with(passing)) {
            last = Some(short(&name));
            continue;
        }
        let name = short(&name);
        last = None;
        // A recursion shows as one level.
        if stack.last() != Some(&name) {
            stack.push(name);
        }
    }
    // The innermost function is where the time went, whoever it belongs to.
    stack.extend(last);
    if stack.is_empty() {
        stack.push(UNNAMED.into());
    }
    stack.join(";")
}

/// Returns the name of a function as `Type::function`, without the trait of `<Type as Trait>::function`, and with
/// commas for semicolons.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn short(name: &str) -> String {
    let name = name.replace(';', ",");
    let Some(inside) = name.strip_prefix('<') else {
        return name;
    };
    let (mut depth, mut end_of_type) = (0, None);
    for (i, c) in inside.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if inside[..i].ends_with('-') => {}
            '>' if depth > 0 => depth -= 1,
            '>' => {
                return format!(
                    "{}{}",
                    &inside[..end_of_type.unwrap_or(i)],
                    &inside[i + 1..]
                );
            }
            ' ' if depth == 0 && inside[i..].starts_with(" as ") && end_of_type.is_none() => {
                end_of_type = Some(i);
            }
            _ => {}
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_passes_on_is_left_out_but_not_the_innermost() {
        let fold = |names: &[&str]| fold(names.iter().map(ToString::to_string));
        let stack = [
            "std::rt::lang_start",
            "harness::run",
            "rayon_core::join::join_context",
            "kernels::share",
            "kernels::share",
            "<[f32; 3] as X<Y>>::tile",
            "core::slice::fill",
        ];
        assert_eq!(
            fold(&stack),
            "harness::run;kernels::share;[f32, 3]::tile;core::slice::fill"
        );
        assert_eq!(fold(&stack[..5]), "harness::run;kernels::share");
        assert_eq!(fold(&[]), "unknown");
        // Without symbols, a frame of the C library must not pass for the function where the time went.
        assert_eq!(fold(&["start_thread", "unknown", "unknown"]), "unknown");
        assert_eq!(fold(&["harness::run", "unknown"]), "harness::run;unknown");
        assert_eq!(
            short("<a::B<C> as D<fn() -> E>>::f::{{closure}}"),
            "a::B<C>::f::{{closure}}"
        );
        assert_eq!(short("<a::B>::f"), "a::B::f");
        assert_eq!(short("<broken"), "<broken");
    }
}
