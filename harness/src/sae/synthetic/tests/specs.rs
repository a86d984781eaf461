//! Tests of files of settings, and of the models that are built in.

use super::super::spec::BUILT_IN;
use super::*;

#[test]
fn synthsaebench_is_what_is_published() {
    let spec = Spec::read("synthsaebench-16k").unwrap();
    spec.check().unwrap();
    let p = spec.probabilities();
    assert_eq!((p.len(), p[0]), (16_384, 0.4));
    assert!((p[16_383] - 5e-4).abs() < 1e-18);
    // q_2 = 1/√2 and q_n = 1/128.
    let second = 5e-4 + (0.4 - 5e-4) * (0.5f64.sqrt() - 1.0 / 128.0) / (1.0 - 1.0 / 128.0);
    assert!((p[1] - second).abs() < 1e-12);
    assert_eq!(spec.forest().len(), 10_880);
    let means = spec.means();
    assert_eq!((means[0], means[16_383]), (5.0, 4.0));
    assert!((means[1] - (5.0 - 1.0 / 16_383.0)).abs() < 1e-12);
    for (name, spec) in BUILT_IN {
        assert_eq!(Spec::parse(name, &spec().to_toml()).unwrap(), spec());
    }
}

#[test]
fn a_spec_that_cannot_be_is_refused_by_file_key_and_value() {
    let refused = |text: &str| Spec::parse("my.toml", text).unwrap_err().to_string();
    for (text, words) in [
        (
            "featurs = 3",
            "my.toml: a synthetic model has no setting `featurs`; did you mean `features`?",
        ),
        (
            "features = \"many\"",
            "my.toml: features is \"many\"; it must be a whole number",
        ),
        (
            "mean = [1.0, 2.0, 3.0]",
            "my.toml: mean is [1.0, 2.0, 3.0]; it must be a list of 1, 2 or 1024 (features) numbers",
        ),
        (
            "deviation = [-1.0]",
            "my.toml: deviation is [-1.0]; it must be",
        ),
        (
            "roots = 300",
            "my.toml: roots is 300; it must be 0 to 204, each with 5 nodes, for 1024 features",
        ),
        (
            "roots = 2\nmean = [0.0]",
            "above 0 since magnitudes are scaled by that of the parent",
        ),
        (
            "rank = 2\nfiring = \"exactly\"",
            "my.toml: rank is 2; it must be 0 to 0, since exactly",
        ),
        (
            "rank = 2\ncorrelation = 0.5",
            "my.toml: correlation is 0.5; it must be 0 to 0, since there is a rank",
        ),
        (
            "firing = \"exactly\"\nactive = 2.5",
            "my.toml: active is 2.5; it must be a whole number, 1 to 1024",
        ),
        (
            "directions = \"orthogonal\"",
            "my.toml: features is 1024; it must be 1 to 128 (width), being orthogonal",
        ),
        ("width = ", "my.toml: TOML parse error"),
    ] {
        assert!(refused(text).contains(words), "{text}: {}", refused(text));
    }
    let name = |name: &str| Spec::read(name).unwrap_err().to_string();
    assert!(name("synthsaebench-16").contains("did you mean `synthsaebench-16k`?"));
    assert!(name("nowhere.toml").contains("cannot read nowhere.toml"));
    Spec::parse(
        "my.toml",
        "firing = \"decaying\"\nfeatures = 2\nactive = 1.0",
    )
    .unwrap();
}
