//! Text for people: numbers, percentages, lists, words of commands, and suggestions for misspelt names.

use std::fmt::Write as _;
use std::path::Path;

/// Returns a number as people write it: with three significant digits, or two in scientific notation below 10⁻³ and
/// from 10⁵ on; `not measured` stands for NaN.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        return "not measured".into();
    }
    if size == f64::INFINITY {
        return if value > 0.0 {
            "∞".into()
        } else {
            "−∞".into()
        };
    }
    let text = if size == 0.0 {
        "0".into()
    } else if (1e-3..1e5).contains(&size) {
        let digits = (2 - size.log10().floor() as i32).max(0) as usize;
        let text = format!("{size:.digits$}");
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
            false => text,
        }
    } else {
        let text = format!("{size:.1e}");
        text.replace(".0e", "e").replace('-', "−")
    };
    if value < 0.0 {
        format!("−{text}")
    } else {
        text
    }
}

/// Returns a share as a percentage, in whole numbers from 1 % to 99 %, and with three significant digits near 0 and
/// 100.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent.is_nan() {
        return number(percent);
    }
    let plain = (1.0..=99.0).contains(&percent) || percent == 0.0 || percent == 100.0;
    match plain {
        true => format!("{percent:.0} %"),
        false => format!("{} %", number(percent)),
    }
}

/// Returns shares as percentages, each as [`percent`] writes it, or all with as many decimals, at most six, as it takes
/// to tell apart those that differ.
pub fn percents<const N: usize>(shares: [f64; N]) -> [String; N] {
    let mut texts = shares.map(percent);
    let alike = |texts: &[String; N]| {
        let pairs = (0..N).flat_map(|i| (0..i).map(move |j| (i, j)));
        let mut pairs = pairs.filter(|&(i, j)| shares[i] != shares[j] && !shares[i].is_nan());
        pairs.any(|(i, j)| texts[i] == texts[j])
    };
    for digits in 1..=6 {
        if !alike(&texts) {
            break;
        }
        texts = shares.map(|share| match share.is_finite() {
            true => format!("{:.digits$} %", 100.0 * share).replace('-', "−"),
            false => percent(share),
        });
    }
    texts
}

/// Returns a share as a percentage, rounded to a tenth of a per cent.
pub fn percent_to_tenths(share: f64) -> String {
    match share.is_nan() {
        true => number(share),
        false => format!("{} %", number((1000.0 * share).round() / 10.0)),
    }
}

/// Returns a count with its noun in the singular or the plural: `1 row`, `2 rows`.
pub fn counted(count: u64, one: &str, more: &str) -> String {
    let noun = if count == 1 { one } else { more };
    format!("{count} {noun}")
}

/// Returns parts of a sentence joined into a list: `a, b and c`.
pub fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Appends formatted arguments to `text`.
pub fn put(text: &mut String, arguments: std::fmt::Arguments) {
    text.write_fmt(arguments).expect("writing to a string");
}

/// Returns a word of a command, quoted so that a shell reads it as it is, whatever it holds.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Returns a path in a command, quoted so that a shell reads it as it is and no program takes it for an option.
pub fn quoted_path(path: &Path) -> String {
    let path = path.to_string_lossy();
    match path.starts_with('-') {
        true => quoted(&format!("./{path}")),
        false => quoted(&path),
    }
}

/// Returns `"; did you mean `x`?"` for the word of `known` that is nearest to `word`, or nothing if none is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(word, k), k))
        .min()
        .filter(|&(distance, k)| {
            distance <= k.chars().count().max(word.chars().count()).div_ceil(2)
        })
        .map(|(_, k)| format!("; did you mean `{k}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_far_ones_are_not() {
        let known = ["response", "rescale", "tradeoff"];
        assert_eq!(did_you_mean("respons", known), "; did you mean `response`?");
        assert_eq!(did_you_mean("xyz", known), "");
    }

    #[test]
    fn shares_that_differ_do_not_look_alike() {
        assert_eq!(percents([0.1, 0.25]), ["10 %", "25 %"]);
        assert_eq!(percents([0.101, 0.104]), ["10.1 %", "10.4 %"]);
        assert_eq!(
            percents([0.0101, 0.0100, 0.01021]),
            ["1.01 %", "1.00 %", "1.02 %"]
        );
        assert_eq!(percents([0.1, 0.1]), ["10 %", "10 %"]);
        assert_eq!(
            percents([f64::NAN, f64::NAN]),
            ["not measured", "not measured"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_a_quoted_word_as_it_was() {
        for word in [
            "plain/path-1.sh",
            "",
            "two words",
            "it's",
            "$HOME `x` \"y\" \\",
            "ä\n",
        ] {
            let script = format!("printf %s {}", quoted(word));
            let mut shell = std::process::Command::new("sh");
            let out = shell.args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), word);
        }
        assert_eq!(quoted_path(Path::new("-x y")), "'./-x y'");
    }
}
