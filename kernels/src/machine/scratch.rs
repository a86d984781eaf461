//! Buffers of f32 values for packed operands, which each thread keeps from call to call.

use std::cell::RefCell;

thread_local! {
    /// The buffers of this thread that are not in use. There can be more than one, because a thread that waits
    /// for its share of a product may be handed another product meanwhile.
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// The number of f32 values in a cache line of 64 bytes; a vector that crosses the end of a line costs two loads.
pub(crate) const LINE: usize = 16;

/// Calls `f` with a buffer of `len` values that is aligned to a cache line, and returns the result of `f`. The buffer
/// may hold any values.
pub(crate) fn with_scratch<R>(len: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    if len == 0 {
        return f(&mut []);
    }
    let mut buffer = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < len + LINE {
        buffer.resize(len + LINE, 0.0);
    }
    let start = buffer
        .as_ptr()
        .align_offset(LINE * size_of::<f32>())
        .min(LINE);
    let result = f(&mut buffer[start..start + len]);
    FREE.with_borrow_mut(|free| free.push(buffer));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_nest_and_are_aligned() {
        with_scratch(5, |outer| {
            outer.fill(1.0);
            with_scratch(500, |inner| {
                assert!(inner.as_ptr().cast::<[f32; LINE]>().addr() % 64 == 0);
                inner.fill(2.0);
            });
            assert_eq!(outer, [1.0; 5]);
        });
    }
}
