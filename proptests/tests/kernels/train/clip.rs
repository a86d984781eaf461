//! Clipping of a gradient by its norm, against f64.

use kernels::{Exec, Isa, clip};
use proptest::prelude::*;
use proptests::{config, each_isa, panic_message, pool, stream};

/// Returns ‖g‖ in f64.
fn norm(gradient: &[f32]) -> f64 {
    let squares = gradient.iter().map(|&g| f64::from(g).powi(2));
    squares.sum::<f64>().sqrt()
}

/// The relative error of the norm: sums of up to 1,024 squares are rounded in f32, and the norm is off by half of their
/// relative error at most.
const ROUNDING: f64 = 512.0 * f32::EPSILON as f64;

each_isa!(a_longer_gradient_becomes_as_long_as_is_allowed_and_a_shorter_one_stays);
fn a_longer_gradient_becomes_as_long_as_is_allowed_and_a_shorter_one_stays(isa: Isa) {
    let scales = prop_oneof![Just(1.0f32), 1e-30f32..1e-20, 1e20f32..1e30];
    proptest!(config(256), |(n in 1..3000usize, scale in scales, share in 0.1f64..2.0, seed: u64)| {
        let mut next = stream(seed);
        let gradient: Vec<f32> = (0..n).map(|_| scale * next()).collect();
        let length = norm(&gradient);
        // The share is kept away from 1, where rounding decides.
        prop_assume!((share - 1.0).abs() > 1e-3 && length > 0.0);
        let most = (share * length) as f32;
        let mut clipped = gradient.clone();
        let found = clip::to_norm(Exec::serial(isa), most, &mut clipped);
        prop_assert!((found / length - 1.0).abs() <= ROUNDING, "{} and {}", found, length);
        if share > 1.0 {
            prop_assert_eq!(clipped, gradient);
        } else {
            let factor = f64::from(most) / length;
            for (&is, &was) in clipped.iter().zip(&gradient) {
                let want = f64::from(was) * factor;
                let rounding = (ROUNDING + 2.0 * f64::from(f32::EPSILON)) * want.abs();
                prop_assert!((f64::from(is) - want).abs() <= rounding + 1e-45, "{} from {}", is, was);
            }
        }
    });
}

each_isa!(values_at_the_ends_of_the_range_and_beyond);
fn values_at_the_ends_of_the_range_and_beyond(isa: Isa) {
    let exec = Exec::serial(isa);
    let mut huge = [f32::MAX, -f32::MAX, 0.0];
    let length = clip::to_norm(exec, 1.0, &mut huge);
    assert!((length / (f64::from(f32::MAX) * 2f64.sqrt()) - 1.0).abs() < 1e-12);
    let want = 0.5f32.sqrt();
    for (is, want) in huge.iter().zip([want, -want, 0.0]) {
        assert!((is - want).abs() < 1e-6, "{huge:?}");
    }
    for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut gradient = [100.0, broken, 3.0];
        assert!(!clip::to_norm(exec, 1.0, &mut gradient).is_finite());
        assert_eq!((gradient[0], gradient[2]), (100.0, 3.0));
        assert!(gradient[1].to_bits() == broken.to_bits());
    }
    assert_eq!(clip::to_norm(exec, 1.0, &mut []), 0.0);
    assert_eq!(clip::to_norm(exec, 1.0, &mut [0.0; 9]), 0.0);
    for most in [0.0, -1.0, f32::NAN] {
        let message = panic_message(|| {
            clip::to_norm(exec, most, &mut [1.0]);
        });
        assert_eq!(message, format!("a gradient clipped to the norm {most}"));
    }
}

each_isa!(results_do_not_depend_on_the_number_of_threads);
fn results_do_not_depend_on_the_number_of_threads(isa: Isa) {
    for n in [1 << 15, (1 << 15) + 1, 100_003, 300_000] {
        let mut next = stream(n as u64);
        let gradient: Vec<f32> = (0..n).map(|_| next()).collect();
        let run = |exec| {
            let mut gradient = gradient.clone();
            let norm = clip::to_norm(exec, 1.0, &mut gradient);
            (norm, gradient)
        };
        let serial = run(Exec::serial(isa));
        for threads in 1..=4 {
            let shared = pool(threads).install(|| run(Exec::parallel(isa)));
            assert!(serial == shared, "{threads} threads, {n} values");
        }
    }
}
