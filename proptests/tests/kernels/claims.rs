//! Properties over random inputs that the claims stand on: the kernels against what algebra says of a claim's setting.
//! Each test names the claims that it bears on. The properties of codes of least L1 norm are beside their solver, in
//! the harness.

use kernels::sparse_coding::{Certificate, Lasso, Stop};
use kernels::{Accumulate, Exec, Isa, MatMut, MatRef, gelu, matmul, relu};
use proptest::prelude::*;
use proptests::bounded::{U, gamma};
use proptests::{config, each_isa, reference, stream};

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Returns A·x for a matrix with rows as long as x.
fn apply(isa: Isa, a: MatRef, x: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; a.rows()];
    let rows = y.len();
    matmul(
        Exec::serial(isa),
        a,
        MatRef::new(x, x.len(), 1).unwrap(),
        Accumulate::Replace,
        MatMut::new(&mut y, rows, 1).unwrap(),
    );
    y
}

fn gelu(isa: Isa, z: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; z.len()];
    gelu::forward(Exec::serial(isa), z, &mut y);
    y
}

fn relu(isa: Isa, z: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; z.len()];
    relu::forward(Exec::serial(isa), z, &mut y);
    y
}

/// Returns GELU's even part z·erf(z/√2)/2.
fn even(z: f64) -> f64 {
    z * reference::erf(z * std::f64::consts::FRAC_1_SQRT_2) / 2.0
}

/// Returns f · GELU(x f), and a bound on its error: the input is rounded once (GELU's slope is at most 1.13), GELU is
/// within 2 ulp or 1e-7, and the sum is in f64.
fn along(isa: Isa, f: &[f64], x: f64) -> (f64, f64) {
    let z: Vec<f64> = f.iter().map(|f| x * f).collect();
    let rounded: Vec<f32> = z.iter().map(|&z| z as f32).collect();
    let error = f
        .iter()
        .zip(&z)
        .map(|(f, z)| f.abs() * (1.13 * U * z.abs() + 4.0 * U * reference::gelu(*z).abs() + 1e-7));
    (dot(f, &wide(&gelu(isa, &rounded))), error.sum())
}

/// Returns a unit vector, whose entries are in [−1, 1) before it is scaled.
fn direction(n: usize, seed: u64) -> Vec<f64> {
    let mut next = stream(seed);
    let f: Vec<f64> = (0..n).map(|_| f64::from(next())).collect();
    let norm = dot(&f, &f).sqrt();
    // An entry of 0 alone has no direction; any will do.
    f.iter()
        .map(|v| if norm > 0.0 { v / norm } else { 1.0 })
        .collect()
}

each_isa!(relu_is_positively_homogeneous_and_gelu_is_not);
/// ReLU networks without biases are positively homogeneous: twice the input, twice the output, here to the bit,
/// since a factor of two rounds nothing. GELU is not: at 0.3 to 2 it misses the double by 2z(Φ(2z) − Φ(z)).
///
/// Claims: distributed-nearly-linear
fn relu_is_positively_homogeneous_and_gelu_is_not(isa: Isa) {
    proptest!(config(64), |(
        widths in (1..40usize, 1..40usize, 1..40usize),
        doublings in -8..9i32,
        z in 0.3f32..2.0,
        seed: u64,
    )| {
        let mut next = stream(seed);
        let mut values = |n: usize| -> Vec<f32> { (0..n).map(|_| next()).collect() };
        let (x, w1, w2) = (values(widths.0), values(widths.0 * widths.1), values(widths.1 * widths.2));
        let scaled: Vec<f32> = x.iter().map(|x| x * 2f32.powi(doublings)).collect();
        let network = |x: &[f32]| {
            let hidden = relu(isa, &apply(isa, MatRef::new(&w1, widths.1, widths.0).unwrap(), x));
            relu(isa, &apply(isa, MatRef::new(&w2, widths.2, widths.1).unwrap(), &hidden))
        };
        let want: Vec<f32> = network(&x).iter().map(|y| y * 2f32.powi(doublings)).collect();
        prop_assert_eq!(network(&scaled), want);
        let y = wide(&gelu(isa, &[z, 2.0 * z]));
        let z = f64::from(z);
        let excess = 2.0 * z * (reference::normal_cdf(2.0 * z) - reference::normal_cdf(z));
        prop_assert!((y[1] - 2.0 * y[0] - excess).abs() < 1e-6 && excess > 0.05, "{excess}");
    });
}

each_isa!(an_evenly_spread_feature_is_a_neuron_scaled);
/// For a feature spread evenly over n neurons f·GELU(√n x f) = √n GELU(x), and it reads GELU(x)/√n of an aligned one.
///
/// Claims: same-shape-smaller, sqrt-n-recovers
fn an_evenly_spread_feature_is_a_neuron_scaled(isa: Isa) {
    proptest!(config(64), |(n in 1..2000usize, x in -5f64..5.0)| {
        let root = (n as f64).sqrt();
        let f = vec![1.0 / root; n];
        let mut aligned = vec![0.0; n];
        aligned[n / 2] = x as f32;
        let (y, error) = along(isa, &f, root * x);
        prop_assert!((y - root * reference::gelu(x)).abs() <= error + 1e-12 * root, "{y}");
        let read = dot(&f, &wide(&gelu(isa, &aligned)));
        let error = (1.13 * U * x.abs() + 4.0 * U * x.abs() + 1e-7) / root;
        prop_assert!((read - reference::gelu(x) / root).abs() <= error, "{read}");
    });
}

each_isa!(signs_take_the_bend_away);
/// For any direction f·GELU(x f) = x/2 + Σ sgn(fᵢ)|fᵢ| e(x|fᵢ|), where e is GELU's even part: negative entries subtract
/// from the non-linear term, so that no choice of signs makes it larger than all-positive ones, and balanced signs
/// leave x/2.
///
/// Claims: balanced-is-homogeneous, random-directions-wash-out
fn signs_take_the_bend_away(isa: Isa) {
    proptest!(config(64), |(n in 1..300usize, level in -5f64..5.0, seed: u64)| {
        let f = direction(n, seed);
        let sizes: Vec<f64> = f.iter().map(|f| f.abs()).collect();
        let x = level * (n as f64).sqrt();
        let bends = f.iter().map(|f| f * even(x * f.abs()));
        let want = x / 2.0 + bends.sum::<f64>();
        // Equally many positive and negative entries of equal size, in an arbitrary order.
        let half = 1.0 / (2.0 * n as f64).sqrt();
        let mut balanced = [vec![half; n], vec![-half; n]].concat();
        balanced.rotate_left(n / 3);
        let (y, error) = along(isa, &f, x);
        prop_assert!((y - want).abs() <= error + 1e-12 * x.abs(), "{y} is not {want}");
        let (most, error_of_most) = along(isa, &sizes, x);
        prop_assert!((y - x / 2.0).abs() <= most - x / 2.0 + error + error_of_most + 1e-12 * x.abs());
        let (y, error) = along(isa, &balanced, x);
        prop_assert!((y - x / 2.0).abs() <= error + 1e-12 * x.abs(), "{y} is not {}", x / 2.0);
    });
}

each_isa!(only_shared_neurons_interfere);
/// Another feature that is strongly on in the direction of an aligned feature moves it to a straight branch of GELU, or
/// to where GELU is 0; a feature on other neurons changes nothing, to the bit.
///
/// Claims: spread-keeps-non-linearity, interference-limits-active-features
fn only_shared_neurons_interfere(isa: Isa) {
    proptest!(config(64), |(n in 2..200usize, x in -5f32..5.0, level in 11f32..100.0, seed: u64)| {
        let f: Vec<f32> = direction(n, seed).iter().map(|&f| f as f32).collect();
        let on = n / 2;
        let mixed: Vec<f32> = (0..n).map(|i| if i < on { x * f[i] } else { level * f[i] }).collect();
        let alone: Vec<f32> = (0..n).map(|i| if i < on { x * f[i] } else { 0.0 }).collect();
        let y = gelu(isa, &[x + level, x - level]);
        // GELU(z) misses z by |z|Φ(−|z|) ≤ 6e-9 from |z| = 6 on.
        prop_assert!((y[0] - (x + level)).abs() <= 1e-6 * (x + level) && y[1].abs() <= 1e-7, "{y:?}");
        prop_assert_eq!(&gelu(isa, &mixed)[..on], &gelu(isa, &alone)[..on]);
    });
}

each_isa!(a_probe_absorbs_a_linear_map);
/// p·(Ax) = (Aᵀp)·x: a probe absorbs a linear map. With GELU between there is no such probe: over inputs 0, a, b and a
/// + b any linear function has no mixed difference, and GELU(s + t) − GELU(s) − GELU(t) is positive for s, t > 0.
///
/// Claims: probe-absorbs-linear-map
fn a_probe_absorbs_a_linear_map(isa: Isa) {
    proptest!(config(64), |(
        rows in 1..80usize,
        cols in 1..80usize,
        s in 0.5f32..2.0,
        t in 0.5f32..2.0,
        seed: u64,
    )| {
        let mut next = stream(seed);
        let mut values = |n: usize| -> Vec<f32> { (0..n).map(|_| next()).collect() };
        let (a, p, x) = (values(rows * cols), values(rows), values(cols));
        let matrix = MatRef::new(&a, rows, cols).unwrap();
        // The bound is in proportion to Σᵢⱼ |pᵢ||aᵢⱼ||xⱼ|.
        let size: f64 = (0..rows)
            .flat_map(|i| (0..cols).map(move |j| (i, j)))
            .map(|(i, j)| f64::from((p[i] * a[i * cols + j] * x[j]).abs()))
            .sum();
        let after = dot(&wide(&p), &wide(&apply(isa, matrix, &x)));
        let before = dot(&wide(&apply(isa, matrix.t(), &p)), &wide(&x));
        let bound = 1.01 * (gamma(cols) + gamma(rows)) * size;
        prop_assert!((after - before).abs() <= bound, "{after} is not {before}");
        let y = wide(&gelu(isa, &[s, t, s + t]));
        prop_assert!(y[2] - y[1] - y[0] > 0.08, "{y:?}");
    });
}

each_isa!(a_tied_encoder_adds_what_features_share);
/// A tied encoder without a bias reads each of two features with the other's projection on it added: codes c₁ + c₂ cos
/// θ and c₂ + c₁ cos θ, whose reconstruction is longer than the target.
///
/// Claims: tied-encoder-overshoots
fn a_tied_encoder_adds_what_features_share(isa: Isa) {
    proptest!(config(64), |(angle in 0.05f64..1.5, c1 in 0.1f64..4.0, c2 in 0.1f64..4.0, turn in 0f64..6.0)| {
        let atoms = plane(turn, angle);
        let x = [0, 1].map(|i| (c1 * f64::from(atoms[i]) + c2 * f64::from(atoms[2 + i])) as f32);
        let cos = angle.cos();
        let dictionary = MatRef::new(&atoms, 2, 2).unwrap();
        let codes = relu(isa, &apply(isa, dictionary, &x));
        // Entries and target are rounded once, a product of two terms twice more: some 6 roundings of |c|.
        let error = 8.0 * U * (c1 + c2);
        for (code, want) in wide(&codes).into_iter().zip([c1 + c2 * cos, c2 + c1 * cos]) {
            prop_assert!((code - want).abs() <= error, "{code} is not {want}");
        }
        let back = wide(&apply(isa, dictionary.t(), &codes));
        let x = wide(&x);
        prop_assert!(dot(&back, &back) > dot(&x, &x));
    });
}

each_isa!(the_optimum_for_two_features_shrinks_both);
/// The L1 optimum for two features that are both active is c − (λ/2)G⁻¹1, each magnitude less λ/2/(1 + cos θ): no
/// encoder, however good, is without error where it reaches the optimum of that loss.
///
/// Claims: l1-shrinks, untied-only-partly-helps
fn the_optimum_for_two_features_shrinks_both(isa: Isa) {
    proptest!(config(64), |(
        angle in 0.3f64..2.0,
        c1 in 1f64..4.0,
        c2 in 1f64..4.0,
        lambda in 0.05f32..1.0,
        turn in 0f64..6.0,
    )| {
        let atoms = plane(turn, angle);
        let x = [0, 1].map(|i| (c1 * f64::from(atoms[i]) + c2 * f64::from(atoms[2 + i])) as f32);
        let less = f64::from(lambda) / 2.0 / (1.0 + angle.cos());
        let size = c1 + c2;
        let exec = Exec::serial(isa);
        let mut codes = [0.0; 2];
        let mut certificate = [Certificate::default()];
        Lasso::new(exec, MatRef::new(&atoms, 2, 2).unwrap(), lambda, None).fista(
            exec,
            MatRef::new(&x, 1, 2).unwrap(),
            Stop { tolerance: 1e-10, iterations: 20_000 },
            MatMut::new(&mut codes, 1, 2).unwrap(),
            &mut certificate,
        );
        // F is strongly convex: ‖c − c*‖² ≤ gap / (1 − |cos θ|), the gap known to rounding.
        let gap = certificate[0].gap + 16.0 * U * size * size;
        let error = (gap / (1.0 - angle.cos().abs())).sqrt();
        for (code, c) in wide(&codes).into_iter().zip([c1, c2]) {
            prop_assert!((code - (c - less)).abs() <= error, "{code} is not {} ± {error}", c - less);
        }
        prop_assert!(error < 0.05, "{error} tells nothing");
    });
}

/// Returns two unit vectors in the plane, `angle` apart.
fn plane(turn: f64, angle: f64) -> [f32; 4] {
    [
        turn.cos(),
        turn.sin(),
        (turn + angle).cos(),
        (turn + angle).sin(),
    ]
    .map(|v| v as f32)
}
