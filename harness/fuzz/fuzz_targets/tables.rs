#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| {
    harness_fuzz::tables(bytes);
});

// Tables with bytes changed anywhere can seldom be read. So for every other seed, cells and lines are replaced instead.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    match seed % 2 {
        0 => fuzzer_mutate(data, size, max_size),
        _ => replace(data, size, max_size, seed),
    }
});

/// Numbers that arithmetic may not expect, to put in place of cells.
const CELLS: [&str; 20] = [
    "NaN",
    "inf",
    "-inf",
    "-0.0",
    "0",
    "1",
    "2",
    "-1",
    "1e308",
    "-1e308",
    "1e150",
    "1e-150",
    "1e-308",
    "5e-324",
    "0.30000000000000004",
    "1000",
    "1000000",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
];

/// Replaces some cells by [`CELLS`] or by other cells of the file, or some lines by other lines. Returns the new size.
fn replace(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut state = u64::from(seed);
    let mut below = |n: usize| {
        // This is the linear congruential generator of Knuth's MMIX, whose high bits are random enough.
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as usize % n
    };
    let mut text = data[..size].to_vec();
    for _ in 0..=below(4) {
        let lines = below(4) == 0;
        let ends = |&(_, &b): &(usize, &u8)| b == b'\n' || (!lines && b == b',');
        let mut ends: Vec<usize> = text
            .iter()
            .enumerate()
            .filter(ends)
            .map(|(i, _)| i)
            .collect();
        ends.push(text.len());
        let piece = |i: usize| match i {
            0 => 0..ends[0],
            _ => ends[i - 1] + 1..ends[i],
        };
        let (old, other) = (piece(below(ends.len())), piece(below(ends.len())));
        let new = match lines || below(3) == 0 {
            true => text[other].to_vec(),
            false => CELLS[below(CELLS.len())].into(),
        };
        text.splice(old, new);
    }
    text.truncate(max_size);
    data[..text.len()].copy_from_slice(&text);
    text.len()
}
