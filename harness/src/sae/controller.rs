//! A controller that steers the coefficient of a sparsity penalty to a target L0, the number of active elements.
//!
//! The coefficient λ of the penalty is multiplied by m = exp(u). The controlled quantity is the logarithm of L0, since
//! a change of λ by a factor changes L0 by about the same factor wherever λ stands. With the L0 of each batch, the
//! target L*, a training of N steps and Adam's learning rate η at its height:
//!
//! * s ← s + a (L0 − s), the smoothed L0, which starts at that of the first batch; e = clamp(ln(s/L*), ±1) is the
//!   error;
//! * for the first N/5 batches seen u = 0: the L0 of random weights tells nothing of λ;
//! * from then on u ← u + e/T + K Δe, within ± ln 100, where Δe is what e has changed by in the step.
//!
//! This is a proportional-integral controller in its incremental form (Åström and Hägglund, *Advanced PID Control*,
//! 2006, section 3.6). Three measures keep λ from overshooting, which cannot be undone: elements that a penalty has
//! once switched off get no gradient, and stay dead when the penalty is low again.
//!
//! * T = max(N/20, c/η). A step of Adam moves a weight by η or less, however strong the penalty is, so L0 takes some
//!   1/η steps to follow a change of λ. In a training shorter than that, λ hardly moves, and the target is not reached;
//!   steered within N/20 steps, λ would grow until codes are next to 0, with as many active elements as before.
//! * The integral term e/T changes λ by a factor of exp(1) in T steps at most, as e is clamped, so λ changes little by
//!   little from the start.
//! * Once L0 is within a factor of exp(1) of the target, K Δe takes back a part of what e/T has added on the way,
//!   before L0 reaches the target.
//!
//! Where the penalty acts on codes, K = 1 and c = 1/4. Where it acts on thresholds (JumpReLU), each step moves these by
//! η, whatever λ is, once the penalty outweighs the error: so λ may grow soon (c = 1/20), and has to be reversed as
//! soon (K = 3). The published controller of SynthSAEBench waits in the same way, for a third of the training and while
//! the error falls; but it moves ln m by at most 3·10⁻⁴ a step, whatever the length of the training: in 2,000 steps by
//! a factor of 1.8.

use kernels::sae::Variant;

use crate::store::snapshot::Snapshot;

/// The weight a of a new value in the running mean of L0. It is large, since the L0 of batches differ by little, and a
/// late mean is worse than a noisy one.
const SMOOTHING: f64 = 0.3;
/// The constants K and c where the penalty acts on codes.
const FOR_CODES: (f64, f64) = (1.0, 0.25);
/// The constants K and c where the penalty acts on thresholds.
const FOR_THRESHOLDS: (f64, f64) = (3.0, 0.05);
/// The number of batches seen before λ is steered, as a share of the steps of a training.
pub const WAIT: f64 = 0.2;
/// The time T as a share of the steps of a training, where c/η is not longer.
const MOVE: f64 = 0.05;
/// The largest factor by which λ is multiplied or divided.
pub const MOST: f64 = 100.0;

/// A controller of one penalty, with its state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controller {
    /// The target L* of L0.
    target: f64,
    /// The number of batches still to be seen before λ is steered.
    wait: u64,
    /// The time T of the integral term, in steps.
    moving: f64,
    /// The gain K of the proportional term.
    proportional: f64,
    /// The smoothed L0, s; `None` before the first batch.
    smoothed: Option<f64>,
    /// The logarithm u of the multiplier.
    log: f64,
}

impl Controller {
    /// Returns a controller that steers `variant` to an L0 of `target` over a training of `steps` steps, with Adam's
    /// highest learning rate `learning_rate`.
    pub fn new(target: f64, variant: Variant, steps: u64, learning_rate: f64) -> Controller {
        let (proportional, follows) = match variant {
            Variant::JumpRelu(_) => FOR_THRESHOLDS,
            _ => FOR_CODES,
        };
        Controller {
            target,
            wait: (WAIT * steps as f64) as u64,
            moving: (MOVE * steps as f64).max(follows / learning_rate),
            proportional,
            smoothed: None,
            log: 0.0,
        }
    }

    /// Updates the state with the L0 of a batch.
    pub fn see(&mut self, l0: f64) {
        let before = self.smoothed.unwrap_or(l0);
        let smoothed = before + SMOOTHING * (l0 - before);
        self.smoothed = Some(smoothed);
        if self.wait > 0 {
            self.wait -= 1;
            return;
        }
        let (error, last) = (self.error(smoothed), self.error(before));
        let log = self.log + error / self.moving + self.proportional * (error - last);
        self.log = log.clamp(-MOST.ln(), MOST.ln());
    }

    /// Returns m, the factor of the penalty in the next step.
    pub fn multiplier(&self) -> f64 {
        self.log.exp().clamp(1.0 / MOST, MOST)
    }

    /// Returns the error e of a smoothed L0, of which values below 0.001 count as 0.001.
    fn error(&self, smoothed: f64) -> f64 {
        let log = (smoothed.max(1e-3) / self.target).ln();
        log.clamp(-1.0, 1.0)
    }

    /// Writes the state to a checkpoint.
    pub fn put(&self, snapshot: &mut Snapshot) {
        let smoothed = self.smoothed.unwrap_or(f64::NAN);
        let state = [self.wait as f64, smoothed, self.log];
        snapshot.put_vector(KEY, &state);
    }

    /// Returns the same controller in the state that a checkpoint holds.
    ///
    /// # Errors
    /// If the checkpoint holds no state of a controller.
    pub fn restored(self, snapshot: &Snapshot) -> Result<Controller, String> {
        let mut state = [0f64; 3];
        snapshot.read_into(KEY, &mut state)?;
        let [wait, smoothed, log] = state;
        Ok(Controller {
            wait: wait as u64,
            smoothed: (!smoothed.is_nan()).then_some(smoothed),
            log,
            ..self
        })
    }
}

/// The name of the state in a checkpoint.
const KEY: &str = "controller";

#[cfg(test)]
mod tests {
    use super::*;

    use kernels::sae::{Gated, JumpRelu};

    const CODES: Variant = Variant::Gated(Gated { lambda: 1.0 });
    const THRESHOLDS: Variant = Variant::JumpRelu(JumpRelu {
        lambda: 1.0,
        bandwidth: 1.0,
        threshold: 1.0,
    });

    /// Adam's learning rate in these tests.
    const RATE: f64 = 2e-3;

    /// Simulates a training whose L0 follows the penalty late: in each step, ln L0 approaches ln(1000) − gain·ln λ by a
    /// share of the difference, and by no more than `fastest`. Returns ln(L0/target) and the multiplier step by step.
    fn steered(
        variant: Variant,
        target: f64,
        steps: u64,
        (gain, share, fastest): (f64, f64, f64),
    ) -> Vec<(f64, f64)> {
        let mut controller = Controller::new(target, variant, steps, RATE);
        let mut log = 1000f64.ln();
        let mut seen = Vec::new();
        for step in 0..steps {
            let multiplier = controller.multiplier();
            let wanted = 1000f64.ln() - gain * multiplier.ln();
            log += (share * (wanted - log)).clamp(-fastest, fastest);
            // The L0 of batches differ.
            let noise = 0.02 * (1.7 * step as f64).sin();
            controller.see((log + noise).exp());
            seen.push((log - target.ln(), multiplier));
        }
        seen
    }

    #[test]
    fn l0_reaches_its_target_and_stays_there_whether_it_follows_at_once_or_late() {
        let at_once = (1.2, 1.0, 1.0);
        let steep_and_late = (3.0, 0.05, 1.0);
        let no_faster_than_it_can = (1.0, 0.1, 0.02);
        for target in [16.0, 32.0, 128.0, 2000.0] {
            for steps in [2000, 20_000] {
                let drifting = (1.0, 3.0 / steps as f64, 1.0);
                for (variant, plant) in [
                    (CODES, at_once),
                    (CODES, steep_and_late),
                    (CODES, no_faster_than_it_can),
                    (THRESHOLDS, drifting),
                ] {
                    // In a whole training, thresholds drift by a factor of e³ for each e that λ is off.
                    if plant == drifting && target < 100.0 {
                        continue;
                    }
                    let seen = steered(variant, target, steps, plant);
                    let late = &seen[seen.len() * 9 / 10..];
                    let worst = late.iter().fold(0f64, |worst, (e, _)| worst.max(e.abs()));
                    assert!(
                        worst < 0.1,
                        "{worst} off {target} in {steps} steps, {variant:?} {plant:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_training_too_short_for_its_target_is_left_as_it_would_have_been() {
        // Weights move by a learning rate in a step, and ln L0 by as little; it would reach its target in 2,000 steps.
        let seen = steered(CODES, 16.0, 75, (1.0, 0.1, RATE));
        let (off, multiplier) = seen[seen.len() - 1];
        assert!(off > 1.0, "a test that sees little: {off}");
        assert!(multiplier < 2.0, "λ has gone up {multiplier}-fold");
    }

    #[test]
    fn l0_is_not_steered_far_below_its_target() {
        // A dictionary whose L0 falls below a tenth of the target is dead.
        for steps in [200, 500, 1000, 3000] {
            for (gain, share, fastest) in [(1.2, 1.0, 1.0), (3.0, 0.05, 1.0), (2.0, 0.02, 0.05)] {
                let seen = steered(CODES, 32.0, steps, (gain, share, fastest));
                let least = seen.iter().fold(0f64, |least, (e, _)| least.min(*e));
                assert!(
                    least > -0.7,
                    "{} of the target in {steps} steps, {gain} {share} {fastest}",
                    least.exp()
                );
            }
        }
    }

    #[test]
    fn a_restored_controller_goes_on_to_the_same_bits() {
        let mut whole = Controller::new(32.0, CODES, 100, RATE);
        let mut snapshot = Snapshot::default();
        whole.put(&mut snapshot);
        assert_eq!(
            Controller::new(32.0, CODES, 100, RATE).restored(&snapshot),
            Ok(whole)
        );
        for l0 in [100.0; 30] {
            whole.see(l0);
        }
        let mut snapshot = Snapshot::default();
        whole.put(&mut snapshot);
        let mut restored = Controller::new(32.0, CODES, 100, RATE)
            .restored(&snapshot)
            .unwrap();
        for l0 in [80.0, 20.0, 0.0] {
            whole.see(l0);
            restored.see(l0);
            assert_eq!(whole, restored);
        }
        assert!(
            Controller::new(32.0, CODES, 100, RATE)
                .restored(&Snapshot::default())
                .is_err()
        );
    }

    #[test]
    fn the_multiplier_stays_in_its_range_and_comes_back_from_its_end() {
        let mut controller = Controller::new(1.0, CODES, 100, RATE);
        for _ in 0..100_000 {
            controller.see(1e6);
        }
        assert_eq!(controller.multiplier(), MOST);
        for _ in 0..400 {
            controller.see(0.0);
        }
        assert!(controller.multiplier() < MOST);
    }
}
