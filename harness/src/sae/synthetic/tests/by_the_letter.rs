//! Tests of the fast sampler against one by the letter of the specification.

use super::*;

/// A sampler by the letter of the specification of SynthSAEBench, with a normal number for every feature: it draws the
/// firings before anything else of each sample, and the magnitudes in the end.
struct Slow<'a> {
    spec: &'a Spec,
    factors: Vec<Vec<f64>>,
    levels: Vec<f64>,
    means: Vec<f64>,
    deviations: Vec<f64>,
}

impl Slow<'_> {
    /// Draws the model that [`Generator::of`] draws, from the same stream in the same order.
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

/// The means and variances of some numbers of each sample, and the number of samples.
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

    /// Checks that all means are the same, up to five deviations of their difference.
    fn agree(&self, other: &Moments) -> Result<(), String> {
        for (j, ([a, va], [b, vb])) in self.0.iter().zip(&other.0).enumerate() {
            let deviation = (va / self.1 + vb / other.1).sqrt();
            // Counts of a few are skew, so one sample more or less is allowed.
            if (a - b).abs() > 5.0 * deviation + 1.0 / self.1.min(other.1) {
                return Err(format!("{j}: {a} and {b}, deviation {deviation}"));
            }
        }
        Ok(())
    }
}

/// Returns the numbers of a sample that are compared: the number of features that are on and its square, the products
/// of neighbouring magnitudes, whether some pairs are on together, whether each feature is on, and its magnitude and
/// the square of it.
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
