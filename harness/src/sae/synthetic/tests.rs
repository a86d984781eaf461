use super::samples::Samples;
use super::spec::BUILT_IN;
use super::*;
use crate::settings::{Preset, Settings as _};

fn law() -> Law {
    Law {
        width: 16,
        features: 32,
        decay: 0.95,
        groups: 4,
        ..Law::preset(Preset::Default)
    }
}

fn rng(index: u64) -> Rng {
    Rng::stream(1, "test", "synthetic", index)
}

/// Firing counts of each feature, and of pairs (i, i + 1).
fn counts(generator: &Generator, samples: usize) -> (Vec<f64>, Batch) {
    let batch = generator.batch(samples, &mut rng(1));
    let mut counts = vec![0.0; generator.features().rows()];
    batch
        .features
        .iter()
        .for_each(|&i| counts[i as usize] += 1.0);
    (counts, batch)
}

#[test]
fn every_law_fires_as_often_as_it_says_correlated_or_not() {
    for firing in [Firing::Constant, Firing::Decaying, Firing::Zipf] {
        for correlation in [0.0, 0.5] {
            let law = Law {
                firing,
                correlation,
                ..law()
            };
            law.check().unwrap();
            let samples = 20_000;
            let generator = Generator::new(law, &mut rng(0));
            let (counts, _) = counts(&generator, samples);
            let expected = law.spec().probabilities();
            assert!((expected.iter().sum::<f64>() - 3.0).abs() < 1e-12);
            for (count, p) in counts.iter().zip(expected) {
                let deviation = (p * (1.0 - p) * samples as f64).sqrt();
                assert!(
                    (count - p * samples as f64).abs() < 5.0 * deviation,
                    "{firing:?}"
                );
            }
        }
    }
}

#[test]
fn features_of_one_group_fire_together_more_often() {
    let pairs = |correlation| {
        let law = Law {
            correlation,
            groups: 1,
            firing: Firing::Constant,
            ..law()
        };
        let batch = Generator::new(law, &mut rng(0)).batch(5000, &mut rng(1));
        let sizes = batch.starts.windows(2).map(|w| (w[1] - w[0]) as f64);
        sizes.map(|k| k * (k - 1.0)).sum::<f64>()
    };
    assert!(pairs(0.5) > 1.5 * pairs(0.0));
}

#[test]
fn samples_are_the_sums_of_their_features() {
    for magnitudes in [
        Magnitudes::Uniform,
        Magnitudes::Normal,
        Magnitudes::FoldedNormal,
    ] {
        let generator = Generator::new(
            Law {
                magnitudes,
                ..law()
            },
            &mut rng(0),
        );
        let batch = generator.batch(50, &mut rng(2));
        for (i, x) in batch.x.chunks_exact(16).enumerate() {
            let entries = batch.starts[i]..batch.starts[i + 1];
            let mut sum = [0f64; 16];
            for k in entries {
                assert!(batch.magnitudes[k] >= 0.0);
                let f = generator.features();
                for (s, f) in sum.iter_mut().zip(f.row(batch.features[k] as usize)) {
                    *s += f64::from(batch.magnitudes[k]) * f64::from(*f);
                }
            }
            // Some ten terms of size 1 at most in f32.
            assert!(
                x.iter()
                    .zip(sum)
                    .all(|(x, s)| (f64::from(*x) - s).abs() < 1e-5)
            );
        }
    }
}

#[test]
fn directions_have_norm_1_and_orthogonal_ones_are_orthogonal() {
    let product = |f: MatRef, i: usize, j: usize| -> f64 {
        f.row(i)
            .iter()
            .zip(f.row(j))
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    };
    for directions in [Directions::Gaussian, Directions::Orthogonal] {
        let law = Law {
            directions,
            features: 16,
            ..law()
        };
        let generator = Generator::new(law, &mut rng(3));
        let f = generator.features();
        for i in 0..16 {
            assert!((product(f, i, i) - 1.0).abs() < 1e-6);
            let off = (0..i).map(|j| product(f, i, j).abs()).fold(0.0, f64::max);
            assert!(directions == Directions::Gaussian || off < 1e-6);
        }
    }
}

#[test]
fn features_of_one_group_are_as_coherent_as_asked() {
    let law = Law {
        width: 512,
        coherence: 0.7,
        ..law()
    };
    let generator = Generator::new(law, &mut rng(4));
    let f = generator.features();
    for i in 0..32 {
        for j in 0..i {
            let terms = f.row(i).iter().zip(f.row(j));
            let cosine: f64 = terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let expected = if i % law.groups == j % law.groups {
                0.7
            } else {
                0.0
            };
            // Cosines of random directions deviate by 1/√512.
            assert!(
                (cosine - expected).abs() < 5.0 / 512f64.sqrt(),
                "{i} {j} {cosine}"
            );
        }
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |law: Law| law.check().unwrap_err().key;
    assert_eq!(
        refused(Law {
            active: 40.0,
            ..law()
        }),
        "active"
    );
    assert_eq!(
        refused(Law {
            active: f64::NAN,
            ..law()
        }),
        "active"
    );
    let orthogonal = Directions::Orthogonal;
    assert_eq!(
        refused(Law {
            directions: orthogonal,
            ..law()
        }),
        "features"
    );
    assert_eq!(
        refused(Law {
            directions: orthogonal,
            features: 16,
            coherence: 0.1,
            ..law()
        }),
        "coherence"
    );
    assert_eq!(
        refused(Law {
            correlation: 1.0,
            ..law()
        }),
        "correlation"
    );
    // What takes more settings than experiments have.
    for (law, key) in [
        (
            Law {
                directions: Directions::Spread,
                ..law()
            },
            "directions",
        ),
        (
            Law {
                firing: Firing::PowerLaw,
                ..law()
            },
            "firing",
        ),
        (
            Law {
                magnitudes: Magnitudes::HalfNormal,
                ..law()
            },
            "magnitudes",
        ),
    ] {
        assert_eq!(refused(law), key);
    }
    assert_eq!(
        refused(Law {
            decay: 0.0,
            ..law()
        }),
        "decay"
    );
}

/// Samples by the letter of the specification of SynthSAEBench, with a normal number for every feature: the firings
/// before anything else of each sample, and the magnitudes in the end.
struct Slow<'a> {
    spec: &'a Spec,
    factors: Vec<Vec<f64>>,
    levels: Vec<f64>,
    means: Vec<f64>,
    deviations: Vec<f64>,
}

impl Slow<'_> {
    /// The model that [`Generator::of`] draws, from the same stream in the same order.
    fn new<'a>(spec: &'a Spec, rng: &mut Rng) -> Slow<'a> {
        directions::draw(spec, rng);
        let corrected = spec
            .forest()
            .corrected(&spec.probabilities(), spec.exclusive);
        let mut draw = |_| {
            let mut row: Vec<f64> = (0..spec.rank)
                .map(|_| spec.loading * rng.normal())
                .collect();
            let square: f64 = row.iter().map(|f| f * f).sum();
            // Some rows here leave a feature nothing of its own, and are shrunk.
            if 1.0 - square < 0.01 {
                row.iter_mut().for_each(|f| *f *= (0.99 / square).sqrt());
            }
            row
        };
        let factors = corrected.iter().map(&mut draw).collect();
        let deviations = spec.deviations();
        let spread = |s: f64| (s + spec.deviation_spread * rng.normal()).abs();
        Slow {
            spec,
            factors,
            levels: corrected
                .iter()
                .map(|p| tail::normal_quantile(1.0 - p))
                .collect(),
            means: spec.means(),
            deviations: deviations.into_iter().map(spread).collect(),
        }
    }

    fn sample(&self, rng: &mut Rng) -> (Vec<bool>, Vec<f64>) {
        let n = self.spec.features;
        let epsilon: Vec<f64> = (0..self.spec.rank).map(|_| rng.normal()).collect();
        let fires: Vec<bool> = (0..n)
            .map(|i| {
                let f = &self.factors[i];
                let delta = 1.0 - f.iter().map(|f| f * f).sum::<f64>();
                let shared: f64 = epsilon.iter().zip(f).map(|(e, f)| e * f).sum();
                shared + delta.sqrt() * rng.normal() > self.levels[i]
            })
            .collect();
        let mut a: Vec<f64> = (0..n)
            .map(|i| match fires[i] {
                true => (self.means[i] + self.deviations[i] * rng.normal()).max(0.0),
                false => 0.0,
            })
            .collect();
        let forest = self.spec.forest();
        // Level by level, since parents have smaller numbers than their children.
        for parent in 0..forest.len() {
            let Some(children) = forest.children(parent) else {
                break;
            };
            let on: Vec<usize> = children.clone().filter(|&c| a[c] > 0.0).collect();
            if self.spec.exclusive && a[parent] > 0.0 && on.len() > 1 {
                let stays = on[rng.below(on.len())];
                on.iter().filter(|&&c| c != stays).for_each(|&c| a[c] = 0.0);
            }
            for child in children {
                a[child] *= match a[parent] > 0.0 {
                    true => a[parent] / self.means[parent],
                    false => 0.0,
                };
            }
        }
        (fires, a)
    }
}

/// Twelve trees of two levels and some features besides, with deviations so large that many magnitudes are cut off.
fn small() -> Spec {
    let spec = Spec {
        features: 80,
        width: 8,
        directions: Directions::Gaussian,
        first: 0.6,
        last: 0.05,
        rank: 4,
        loading: 0.3,
        roots: 3,
        children: 4,
        depth: 2,
        mean: vec![3.0, 2.0],
        deviation: vec![1.0],
        deviation_spread: 0.5,
        bias: 0.7,
        ..Spec::preset(Preset::Default)
    };
    spec.check().unwrap();
    spec
}

fn generator(spec: &Spec) -> Generator {
    let progress =
        crate::session::progress::Progress::new("", crate::session::progress::Show::Nothing);
    let exec = Exec::serial(kernels::Isa::detect());
    Generator::of(spec, exec, &mut rng(0), &progress).unwrap()
}

/// Means and variances of some numbers of each sample.
struct Moments(Vec<[f64; 2]>, f64);

impl Moments {
    fn of(samples: &[Vec<f64>]) -> Moments {
        let n = samples.len() as f64;
        let sums = |j: usize| {
            let values = samples.iter().map(|s| s[j]);
            let (sum, square) = values.fold((0.0, 0.0), |(a, b), v| (a + v, b + v * v));
            [sum / n, square / n - (sum / n).powi(2)]
        };
        Moments((0..samples[0].len()).map(sums).collect(), n)
    }

    /// Whether all means are the same, up to five deviations of their difference.
    fn agree(&self, other: &Moments) -> Result<(), String> {
        for (j, ([a, va], [b, vb])) in self.0.iter().zip(&other.0).enumerate() {
            let deviation = (va / self.1 + vb / other.1).sqrt();
            // What happens a few times is skew: one sample more or less.
            if (a - b).abs() > 5.0 * deviation + 1.0 / self.1.min(other.1) {
                return Err(format!("{j}: {a} and {b}, deviation {deviation}"));
            }
        }
        Ok(())
    }
}

/// What is compared of a sample: whether each feature is on, its magnitude and the square of it, the number of pairs
/// that are on together, and the products of some neighbours.
fn compared(a: &[f64]) -> Vec<f64> {
    let on: Vec<f64> = a.iter().map(|&a| f64::from(a > 0.0)).collect();
    let total: f64 = on.iter().sum();
    let mut numbers = vec![total, total * total];
    numbers.extend(a.windows(2).map(|w| w[0] * w[1]));
    numbers.extend((0..a.len()).map(|i| on[i] * on[(7 * i + 3) % a.len()]));
    numbers.extend(&on);
    numbers.extend(a.iter().map(|a| a * a));
    numbers.extend(a);
    numbers
}

#[test]
fn the_fast_sampler_and_the_slow_one_have_one_law() {
    const SAMPLES: usize = 20_000;
    let variants: [fn(Spec) -> Spec; 4] = [
        |spec| spec,
        |spec| Spec {
            exclusive: false,
            ..spec
        },
        |spec| Spec { rank: 0, ..spec },
        |spec| Spec {
            roots: 1,
            depth: 1,
            children: 30,
            ..spec
        },
    ];
    for (number, variant) in variants.into_iter().enumerate() {
        let spec = variant(small());
        let slow = Slow::new(&spec, &mut rng(0));
        let mut stream = rng(1);
        let by_letter: Vec<Vec<f64>> = (0..SAMPLES)
            .map(|_| compared(&slow.sample(&mut stream).1))
            .collect();
        let batch = generator(&spec).batch(SAMPLES, &mut rng(2));
        let codes = batch.codes(spec.features);
        let dense = |i: usize| {
            let mut dense = vec![0.0; spec.features];
            let (features, magnitudes) = codes.row(i);
            features
                .iter()
                .zip(magnitudes)
                .for_each(|(&f, &m)| dense[f as usize] = m.into());
            compared(&dense)
        };
        let fast: Vec<Vec<f64>> = (0..SAMPLES).map(dense).collect();
        let agree = Moments::of(&fast).agree(&Moments::of(&by_letter));
        agree.unwrap_or_else(|what| panic!("variant {number}, {what}"));
    }
}

#[test]
fn children_need_their_parents_and_exclude_each_other() {
    let spec = small();
    let forest = spec.forest();
    let batch = generator(&spec).batch(5000, &mut rng(3));
    let (mut children, mut grandchildren) = (0, 0);
    for i in 0..5000 {
        let (on, magnitudes) = batch.codes(spec.features).row(i);
        assert!(on.is_sorted_by(|a, b| a < b) && magnitudes.iter().all(|&m| m > 0.0));
        let parents: Vec<usize> = on
            .iter()
            .filter_map(|&f| forest.parent(f as usize))
            .collect();
        // Rising numbers of nodes have rising parents, so siblings would follow each other.
        assert!(
            parents.is_sorted_by(|a, b| a < b),
            "two children of one parent in {on:?}"
        );
        assert!(
            parents.iter().all(|&p| on.contains(&(p as u32))),
            "a child without its parent in {on:?}"
        );
        children += parents.len();
        grandchildren += parents
            .iter()
            .filter(|&&p| forest.parent(p).is_some())
            .count();
    }
    assert!(
        children > 3000 && grandchildren > 500,
        "{children} {grandchildren}"
    );
}

#[test]
fn a_magnitude_is_a_product_along_its_branch() {
    // Without deviations every magnitude is a mean, and parents are at theirs.
    let still = Spec {
        deviation: vec![0.0],
        deviation_spread: 0.0,
        ..small()
    };
    let batch = generator(&still).batch(500, &mut rng(4));
    let means = still.means();
    for (f, m) in batch.features.iter().zip(&batch.magnitudes) {
        assert!((f64::from(*m) - means[*f as usize]).abs() < 1e-6);
    }
    // With deviations, what is left of a child when its parent is divided out is drawn from the child's own law, and
    // the parent's magnitude shows in it.
    let spec = Spec {
        deviation: vec![0.5],
        deviation_spread: 0.0,
        ..small()
    };
    let means = spec.means();
    let forest = spec.forest();
    let batch = generator(&spec).batch(20_000, &mut rng(5));
    let (mut own, mut scaled) = (Vec::new(), Vec::new());
    for i in 0..20_000 {
        let (on, magnitudes) = batch.codes(spec.features).row(i);
        let of = |f: usize| {
            Some(f64::from(
                magnitudes[on.iter().position(|&o| o as usize == f)?],
            ))
        };
        for &f in on {
            let f = f as usize;
            if let Some(parent) = forest.parent(f) {
                let ratio = of(parent).unwrap() / means[parent];
                own.push(of(f).unwrap() / ratio - means[f]);
                scaled.push(ratio);
            }
        }
    }
    let n = own.len() as f64;
    let moments = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / n;
        (
            mean,
            values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n,
        )
    };
    // Means are above 2, four deviations from 0, so that nearly nothing is cut off. Some draws share a sample, but
    // their own variables are independent.
    let (mean, variance) = moments(&own);
    assert!(mean.abs() < 5.0 * 0.5 / n.sqrt() + 1e-4, "{mean}");
    assert!(
        (variance - 0.25).abs() < 5.0 * 0.25 * (2.0 / n).sqrt() + 1e-4,
        "{variance}"
    );
    assert!(moments(&scaled).1 > 0.01);
}

#[test]
fn a_sample_depends_on_its_number_alone() {
    let spec = Spec {
        noise: 0.1,
        ..small()
    };
    let progress =
        crate::session::progress::Progress::new("", crate::session::progress::Show::Nothing);
    let exec = Exec::serial(kernels::Isa::detect());
    let samples = Samples::new(spec.clone(), exec, &progress).unwrap();
    let numbers: Vec<u64> = (0..300).chain([1 << 62, 7, 1 << 40]).collect();
    let all = samples.batch(&numbers);
    for (place, number) in [
        (0, 0),
        (17, 17),
        (127, 127),
        (128, 128),
        (300, 1 << 62),
        (301, 7),
    ] {
        let one = samples.batch(&[number]);
        assert_eq!(one.x, &all.x[place * 8..][..8], "{number}");
        assert_eq!(one.codes(80).row(0), all.codes(80).row(place), "{number}");
    }
    assert_ne!(all.x[..8], all.x[8..16]);
    // Another seed is another model with other samples.
    let other = Samples::new(Spec { seed: 1, ..spec }, exec, &progress).unwrap();
    assert_ne!(other.batch(&[0]).x, &all.x[..8]);
}

#[test]
fn bias_and_noise_are_as_large_as_asked() {
    let spec = Spec {
        noise: 0.3,
        ..small()
    };
    let (with, without) = (generator(&spec), generator(&small()));
    // The same firings and magnitudes: noise comes last.
    let x = |generator: &Generator| -> Vec<f32> {
        let each = (0..4000).map(|i| generator.batch(1, &mut rng(10 + i)).x);
        each.flatten().collect()
    };
    let noise: Vec<f64> = x(&with)
        .iter()
        .zip(x(&without))
        .map(|(a, b)| f64::from(a - b))
        .collect();
    let n = noise.len() as f64;
    let variance = noise.iter().map(|v| v * v).sum::<f64>() / n;
    // Five standard errors of the variance of normal numbers.
    assert!(
        (variance / 0.09 - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
        "{variance}"
    );
    let norm = without
        .bias
        .iter()
        .map(|&b| f64::from(b).powi(2))
        .sum::<f64>()
        .sqrt();
    assert!((norm - 0.7).abs() < 1e-6);
}

#[test]
fn exactly_as_many_features_fire_and_all_as_likely() {
    let spec = Spec {
        firing: Firing::Exactly,
        active: 5.0,
        rank: 0,
        roots: 0,
        features: 20,
        mean: vec![],
        deviation: vec![0.0],
        deviation_spread: 0.0,
        ..small()
    };
    spec.check().unwrap();
    let batch = generator(&spec).batch(8000, &mut rng(6));
    assert!(batch.starts.windows(2).all(|w| w[1] - w[0] == 5));
    let mut counts = [0f64; 20];
    batch
        .features
        .iter()
        .for_each(|&f| counts[f as usize] += 1.0);
    // Binomial(8000, 1/4).
    assert!(
        counts
            .iter()
            .all(|c| (c - 2000.0).abs() < 5.0 * 1500f64.sqrt()),
        "{counts:?}"
    );
}

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
