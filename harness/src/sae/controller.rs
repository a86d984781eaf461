//! The steering of a penalty to a number of active elements.
//!
//! The multiplier of the penalty is m = exp(u), and what is steered is the logarithm of L0, of which a penalty takes
//! about the same share wherever it stands. With the L0 of each batch, the target L* and a training of N steps:
//!
//! * s ← s + a (L0 − s), the smoothed L0, which starts at that of the first batch; e = clamp(ln(s/L*), ±1) is the error;
//! * v ← v + a (Δ ln s − v), its smoothed speed;
//! * for the first N/5 steps u = 0: the L0 of random weights tells nothing of λ;
//! * from then on I ← I + e/T with T = N/10, unless s nears the target so fast that it is there within T steps
//!   (e·v < 0 and |ln(s/L*)| < T·|v|): an encoder follows a penalty late, and what is added meanwhile would be too much;
//! * u = K e + I, within ± ln 100. K is 1 where a penalty bears on codes, which follow it within some dozens of steps. It
//!   is 3 where it bears on thresholds: each step moves them by a learning rate at most, so a penalty sets the speed at
//!   which L0 drifts, and what is to stop it in time has to be reversed well before I is.
//!
//! That is a proportional and integral controller with conditional integration (Åström and Hägglund, *Advanced PID
//! Control*, 2006, section 3.5). The published controller of SynthSAEBench waits in the same way, for a third of the
//! training and while the error falls; but it moves ln m by at most 3·10⁻⁴ a step, whatever the length of the training:
//! in 2,000 steps by a factor of 1.8.

use kernels::sae::Variant;

use crate::store::snapshot::Snapshot;

/// The share a of a new value in a running mean.
const SMOOTHING: f64 = 0.05;
/// K where a penalty bears on codes.
const FOR_CODES: f64 = 1.0;
/// K where it bears on thresholds.
const FOR_THRESHOLDS: f64 = 3.0;
/// The part of a training that is over before λ is steered.
const WAIT: f64 = 0.2;
/// T as a part of a training: the steps in which u moves by 1 where L0 is off by a factor of e or more.
const MOVE: f64 = 0.1;
/// The fewest steps that T may be.
const FEWEST: f64 = 20.0;
/// The largest factor that λ is multiplied or divided by.
const MOST: f64 = 100.0;

/// The state of the steering of one penalty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controller {
    /// L*
    target: f64,
    /// Steps that are left of those without steering.
    wait: u64,
    /// T
    moving: f64,
    /// K
    proportional: f64,
    /// s; none before the first batch.
    smoothed: Option<f64>,
    /// v
    speed: f64,
    /// I
    integral: f64,
}

impl Controller {
    /// Steering of a variant to a number of active elements over a training of so many steps.
    pub fn new(target: f64, variant: Variant, steps: u64) -> Controller {
        Controller {
            target,
            wait: (WAIT * steps as f64) as u64,
            moving: (MOVE * steps as f64).max(FEWEST),
            proportional: match variant {
                Variant::JumpRelu(_) => FOR_THRESHOLDS,
                _ => FOR_CODES,
            },
            smoothed: None,
            speed: 0.0,
            integral: 0.0,
        }
    }

    /// Takes in the L0 of a batch.
    pub fn see(&mut self, l0: f64) {
        let before = self.smoothed.unwrap_or(l0);
        let smoothed = before + SMOOTHING * (l0 - before);
        self.speed += SMOOTHING * ((self.log(smoothed) - self.log(before)) - self.speed);
        self.smoothed = Some(smoothed);
        if self.wait > 0 {
            self.wait -= 1;
            return;
        }
        let off = self.log(smoothed);
        let arriving = off * self.speed < 0.0 && off.abs() < self.moving * self.speed.abs();
        if !arriving {
            let moved = self.integral + off.clamp(-1.0, 1.0) / self.moving;
            self.integral = moved.clamp(-MOST.ln(), MOST.ln());
        }
    }

    /// m, the factor of the penalty in the next step.
    pub fn multiplier(&self) -> f64 {
        let off = match self.smoothed {
            Some(smoothed) if self.wait == 0 => self.log(smoothed).clamp(-1.0, 1.0),
            _ => return 1.0,
        };
        let steered = self.proportional * off + self.integral;
        steered.exp().clamp(1.0 / MOST, MOST)
    }

    /// ln(s/L*), where an L0 of next to nothing counts as that.
    fn log(&self, smoothed: f64) -> f64 {
        (smoothed.max(1e-3) / self.target).ln()
    }

    /// Puts the state into a checkpoint.
    pub fn put(&self, snapshot: &mut Snapshot) {
        let smoothed = self.smoothed.unwrap_or(f64::NAN);
        let state = [self.wait as f64, smoothed, self.speed, self.integral];
        snapshot.put_vector(KEY, &state);
    }

    /// The same controller in the state that a checkpoint holds.
    ///
    /// # Errors
    /// If it holds none.
    pub fn restored(self, snapshot: &Snapshot) -> Result<Controller, String> {
        let mut state = [0f64; 4];
        snapshot.read_into(KEY, &mut state)?;
        let [wait, smoothed, speed, integral] = state;
        Ok(Controller {
            wait: wait as u64,
            smoothed: (!smoothed.is_nan()).then_some(smoothed),
            speed,
            integral,
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

    /// Something whose L0 follows a penalty late: ln L0 nears ln(1000) − gain·ln λ by a share of what is missing, and by
    /// no more than `fastest`, in each step. Returns ln(L0/target) step by step.
    fn steered(
        variant: Variant,
        target: f64,
        steps: u64,
        (gain, share, fastest): (f64, f64, f64),
    ) -> Vec<f64> {
        let mut controller = Controller::new(target, variant, steps);
        let mut log = 1000f64.ln();
        let mut errors = Vec::new();
        for step in 0..steps {
            let wanted = 1000f64.ln() - gain * controller.multiplier().ln();
            log += (share * (wanted - log)).clamp(-fastest, fastest);
            // Batches differ.
            let noise = 0.02 * (1.7 * step as f64).sin();
            controller.see((log + noise).exp());
            errors.push(log - target.ln());
        }
        errors
    }

    #[test]
    fn l0_reaches_its_target_and_stays_there_whether_it_follows_at_once_or_late() {
        let at_once = (1.2, 1.0, 1.0);
        let steep_and_late = (3.0, 0.05, 1.0);
        let no_faster_than_it_can = (1.0, 0.1, 0.02);
        for target in [16.0, 32.0, 128.0, 2000.0] {
            for steps in [500, 2000, 20_000] {
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
                    let errors = steered(variant, target, steps, plant);
                    let late = &errors[errors.len() * 9 / 10..];
                    let worst = late.iter().fold(0f64, |worst, e| worst.max(e.abs()));
                    assert!(
                        worst < 0.1,
                        "{worst} off {target} in {steps} steps, {variant:?} {plant:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_restored_controller_goes_on_to_the_same_bits() {
        let mut whole = Controller::new(32.0, CODES, 100);
        let mut snapshot = Snapshot::default();
        whole.put(&mut snapshot);
        assert_eq!(
            Controller::new(32.0, CODES, 100).restored(&snapshot),
            Ok(whole)
        );
        for l0 in [100.0; 30] {
            whole.see(l0);
        }
        let mut snapshot = Snapshot::default();
        whole.put(&mut snapshot);
        let mut restored = Controller::new(32.0, CODES, 100)
            .restored(&snapshot)
            .unwrap();
        for l0 in [80.0, 20.0, 0.0] {
            whole.see(l0);
            restored.see(l0);
            assert_eq!(whole, restored);
        }
        assert!(
            Controller::new(32.0, CODES, 100)
                .restored(&Snapshot::default())
                .is_err()
        );
    }

    #[test]
    fn the_multiplier_stays_in_its_range_and_comes_back_from_its_end() {
        let mut controller = Controller::new(1.0, CODES, 100);
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
