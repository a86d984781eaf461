//! The steering of a penalty to a number of active elements.
//!
//! The multiplier of the penalty is m = exp(u), and what is steered is the logarithm of L0, of which a penalty takes
//! about the same share wherever it stands. After each step, with the batch's L0 and the target L*:
//!
//! * s ← s + a (L0 − s), the smoothed L0, which starts at that of the first batch; e = ln(s/L*) is the error;
//! * v ← v + a (Δ ln s − v), its smoothed speed;
//! * I ← I + clamp(e, ±1)/T, unless s nears the target so fast that it is there within H steps (e·v < 0 and
//!   |e| < H·|v|): a threshold or an encoder follows a penalty late, and what is added meanwhile would be too much;
//! * u = K e + I, within ± ln 10⁴.
//!
//! That is a proportional and integral controller with conditional integration (Åström and Hägglund, *Advanced PID
//! Control*, 2006, section 3.5). The published controller of SynthSAEBench waits in the same way while the error falls,
//! but it moves ln m by at most 3·10⁻⁴ a step, whatever the length of the training: in 2,000 steps by a factor of 1.8.
//! Here T and H are shares of the training.

use crate::store::checkpoint::Snapshot;

/// The share a of a new value in a running mean.
const SMOOTHING: f64 = 0.05;
/// K, the part of u that follows the error at once.
const PROPORTIONAL: f64 = 0.5;
/// The trainings' steps in multiples of T, in which u moves by 1 where L0 is off by a factor of e or more.
const MOVES: f64 = 50.0;
/// The trainings' steps in multiples of H.
const HORIZONS: f64 = 20.0;
/// The fewest steps that T and H may be.
const FEWEST: f64 = 20.0;
/// The most that u may be.
const MOST: f64 = 9.210_340_371_976_184; // ln 10⁴

/// The state of the steering of one penalty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controller {
    /// L*
    target: f64,
    /// T
    moving: f64,
    /// H
    horizon: f64,
    /// s; none before the first batch.
    smoothed: Option<f64>,
    /// v
    speed: f64,
    /// I
    integral: f64,
}

impl Controller {
    /// Steering to a number of active elements over a training of so many steps.
    pub fn new(target: f64, steps: u64) -> Controller {
        Controller {
            target,
            moving: (steps as f64 / MOVES).max(FEWEST),
            horizon: (steps as f64 / HORIZONS).max(FEWEST),
            smoothed: None,
            speed: 0.0,
            integral: 0.0,
        }
    }

    /// Takes in the L0 of a batch.
    pub fn see(&mut self, l0: f64) {
        let before = self.smoothed.unwrap_or(l0);
        let smoothed = before + SMOOTHING * (l0 - before);
        self.speed += SMOOTHING * ((self.error(smoothed) - self.error(before)) - self.speed);
        self.smoothed = Some(smoothed);
        let error = self.error(smoothed);
        let arriving = error * self.speed < 0.0 && error.abs() < self.horizon * self.speed.abs();
        if !arriving {
            let moved = self.integral + error.clamp(-1.0, 1.0) / self.moving;
            self.integral = moved.clamp(-MOST, MOST);
        }
    }

    /// m, the factor of the penalty in the next step.
    pub fn multiplier(&self) -> f64 {
        let error = self.smoothed.map_or(0.0, |smoothed| self.error(smoothed));
        (PROPORTIONAL * error + self.integral)
            .clamp(-MOST, MOST)
            .exp()
    }

    /// ln(s/L*), where an L0 of next to nothing counts as that.
    fn error(&self, smoothed: f64) -> f64 {
        (smoothed.max(1e-3) / self.target).ln()
    }

    /// Puts the state into a checkpoint.
    pub fn put(&self, snapshot: &mut Snapshot) {
        let state = [self.smoothed.unwrap_or(f64::NAN), self.speed, self.integral];
        snapshot.put_vector(KEY, &state);
    }

    /// The same controller in the state that a checkpoint holds.
    ///
    /// # Errors
    /// If it holds none.
    pub fn restored(self, snapshot: &Snapshot) -> Result<Controller, String> {
        let mut state = [0f64; 3];
        snapshot.read_into(KEY, &mut state)?;
        let [smoothed, speed, integral] = state;
        Ok(Controller {
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

    /// Something whose L0 follows a penalty late: ln L0 nears ln(1000) − gain·ln λ by a share of what is missing, and by
    /// no more than `fastest`, in each step. Returns ln(L0/target) step by step.
    fn steered(target: f64, steps: u64, gain: f64, share: f64, fastest: f64) -> Vec<f64> {
        let mut controller = Controller::new(target, steps);
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
        for target in [8.0, 32.0, 128.0, 2000.0] {
            for steps in [500, 2000, 20_000] {
                for (gain, share, fastest) in [(1.0, 1.0, 1.0), (2.0, 0.05, 1.0), (0.7, 0.1, 0.02)]
                {
                    let errors = steered(target, steps, gain, share, fastest);
                    let late = &errors[errors.len() * 4 / 5..];
                    let worst = late.iter().fold(0f64, |worst, e| worst.max(e.abs()));
                    assert!(
                        worst < 0.1,
                        "{worst} off {target} in {steps} steps, {gain} {share} {fastest}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_restored_controller_goes_on_to_the_same_bits() {
        let mut whole = Controller::new(32.0, 100);
        let mut snapshot = Snapshot::default();
        whole.put(&mut snapshot);
        assert_eq!(Controller::new(32.0, 100).restored(&snapshot), Ok(whole));
        whole.see(100.0);
        whole.see(90.0);
        let mut snapshot = Snapshot::default();
        whole.put(&mut snapshot);
        let mut restored = Controller::new(32.0, 100).restored(&snapshot).unwrap();
        for l0 in [80.0, 20.0, 0.0] {
            whole.see(l0);
            restored.see(l0);
            assert_eq!(whole, restored);
        }
        assert!(
            Controller::new(32.0, 100)
                .restored(&Snapshot::default())
                .is_err()
        );
    }

    #[test]
    fn the_multiplier_stays_in_its_range_and_a_target_out_of_reach_is_left_at_once_when_it_moves() {
        let mut controller = Controller::new(1.0, 100);
        for _ in 0..100_000 {
            controller.see(1e6);
        }
        assert!((controller.multiplier() / 1e4 - 1.0).abs() < 1e-9);
        for _ in 0..100 {
            controller.see(0.0);
        }
        assert!(controller.multiplier() < 1e4);
    }
}
