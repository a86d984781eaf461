//! The training of one model by Adam, from where its last checkpoint left it to its end.

use std::ops::Range;

use kernels::Exec;
use kernels::adam::{self, Adam};
use kernels::mlp;
use serde::{Deserialize, Serialize};

use super::Session;
use super::progress::Progress;
use crate::error::Result;
use crate::store::snapshot::Snapshot;

/// A learner: the parameters that a training changes, and what the training remembers beside them.
pub trait Learner: Clone {
    /// Returns the parameters.
    fn parameters(&self) -> &[f32];

    /// Returns the parameters, to be changed.
    fn parameters_mut(&mut self) -> &mut [f32];

    /// Adds what the learner remembers beside the parameters to a checkpoint.
    fn put<'a>(&'a self, _: &mut Snapshot<'a>) {}

    /// Reads back from a checkpoint what [`put`](Self::put) added to it.
    ///
    /// # Errors
    /// If a part is missing or does not fit; the message names it.
    fn read(&mut self, _: &Snapshot<'_>) -> Result<(), String> {
        Ok(())
    }

    /// Returns the text that is shown behind the number of the step while the learner learns.
    fn note(&self) -> String {
        String::new()
    }
}

impl Learner for Vec<f32> {
    fn parameters(&self) -> &[f32] {
        self
    }

    fn parameters_mut(&mut self) -> &mut [f32] {
        self
    }
}

impl Learner for mlp::Parameters {
    fn parameters(&self) -> &[f32] {
        self.values()
    }

    fn parameters_mut(&mut self) -> &mut [f32] {
        self.values_mut()
    }
}

/// The state of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct State<L> {
    /// The learner that is trained.
    pub learner: L,
    /// The first and second moments of Adam.
    moments: [Vec<f32>; 2],
    /// The number of steps done.
    pub step: u64,
    /// The end of the training, if it has come.
    pub end: Option<End>,
}

/// The reason why a training ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// The steps were used up.
    Budget,
    /// There was nothing left to learn.
    Learned,
    /// The training diverged: the quantity named here is not finite.
    Diverged(String),
}

impl<L: Learner> State<L> {
    /// Returns the state before the first step.
    pub fn start(learner: L) -> Self {
        let zeros = vec![0.0; learner.parameters().len()];
        State {
            learner,
            moments: [zeros.clone(), zeros],
            step: 0,
            end: None,
        }
    }

    /// Makes a step of Adam on the parameters in `range`; `gradient` is that of all parameters.
    pub fn update(&mut self, exec: Exec, adam: Adam, gradient: &[f32], range: Range<usize>) {
        self.step += 1;
        let [first, second] = &mut self.moments;
        adam::step(
            exec,
            adam,
            self.step,
            &gradient[range.clone()],
            &mut self.learner.parameters_mut()[range.clone()],
            &mut first[range.clone()],
            &mut second[range],
        );
    }

    /// Returns a description of the divergence, if the training diverged.
    pub fn divergence(&self) -> Option<String> {
        match &self.end {
            Some(End::Diverged(what)) => Some(divergence(self.step, what)),
            _ => None,
        }
    }

    /// Returns the trained learner, or a description of the divergence.
    pub fn learned(self) -> Result<L, String> {
        self.divergence().map_or(Ok(self.learner), Err)
    }

    /// Returns the whole state, for a checkpoint.
    pub fn snapshot(&self) -> Snapshot<'_> {
        let mut snapshot = Snapshot::default();
        self.learner.put(&mut snapshot);
        snapshot.put_slice("parameters", self.learner.parameters());
        snapshot.put_slice("first_moment", &self.moments[0]);
        snapshot.put_slice("second_moment", &self.moments[1]);
        snapshot.put_metadata("step", self.step);
        match &self.end {
            None => snapshot.put_metadata("end", "none"),
            Some(End::Budget) => snapshot.put_metadata("end", "budget"),
            Some(End::Learned) => snapshot.put_metadata("end", "learned"),
            Some(End::Diverged(what)) => snapshot.put_metadata("end", format!("diverged {what}")),
        }
        snapshot
    }

    /// Returns the state in a checkpoint, of the shape of this one and after at most `budget` steps.
    ///
    /// # Errors
    /// If a part is missing or does not fit; the message names it.
    pub fn restore(&self, snapshot: &Snapshot, budget: u64) -> Result<Self, String> {
        let mut state = self.clone();
        state.learner.read(snapshot)?;
        snapshot.read_into("parameters", state.learner.parameters_mut())?;
        snapshot.read_into("first_moment", &mut state.moments[0])?;
        snapshot.read_into("second_moment", &mut state.moments[1])?;
        state.step = snapshot.read_u64("step", budget)?;
        let end = snapshot.metadata("end")?;
        state.end = match end.split_once(' ').unwrap_or((end, "")) {
            ("none", _) => None,
            ("budget", _) => Some(End::Budget),
            ("learned", _) => Some(End::Learned),
            ("diverged", what) => Some(End::Diverged(what.into())),
            _ => return Err("its end is unknown".into()),
        };
        Ok(state)
    }
}

/// Returns the description of a divergence at a step, where the quantity `what` is not finite.
pub fn divergence(step: u64, what: &str) -> String {
    format!("diverged at step {step}: {what} is not finite")
}

/// Tells the user how a training diverged.
pub fn tell_divergence(progress: &Progress, title: &str, how: &str) {
    progress.say(&format!("{title} {how}; its training ends here"));
}

/// The course of a training: its names, its length, and what decides its steps.
#[derive(Debug)]
pub struct Course<'a, S> {
    /// The name of the folder of the training's checkpoints.
    pub slug: &'a str,
    /// The name of the training in messages.
    pub title: &'a str,
    /// The settings: everything beside the title that decides the course.
    pub settings: &'a S,
    /// The largest number of steps.
    pub steps: u64,
    /// The units of progress that a step counts for.
    pub cost: u64,
}

/// Takes a training from its last checkpoint, or from its start, to its end. `step` makes one step by
/// [`State::update`], and may end the training. The progress made is that of all steps, even where the training ends
/// before them.
///
/// # Errors
/// If the run is interrupted, once a checkpoint is written; or if a checkpoint cannot be read or written.
pub fn train<L: Learner>(
    course: &Course<impl Serialize>,
    start: L,
    session: &Session,
    mut step: impl FnMut(&mut State<L>),
) -> Result<State<L>> {
    let Course {
        slug, title, steps, ..
    } = *course;
    let progress = session.progress;
    let store = session.checkpoints(slug, title, course.settings);
    let start = State::start(start);
    let saved = store.latest(|snapshot| start.restore(snapshot, steps))?;
    let mut state = saved.unwrap_or(start);
    progress.skip(state.step * course.cost)?;
    while state.end.is_none() {
        let before = state.step;
        step(&mut state);
        if state.step >= steps {
            state.end.get_or_insert(End::Budget);
        }
        let interrupted = progress.advance((state.step - before) * course.cost);
        if state.end.is_some() || interrupted.is_err() || store.is_due() {
            store.write(state.step, state.snapshot())?;
        }
        interrupted?;
        progress.note(|| format!("{title}: step {}{}", state.step, state.learner.note()));
    }
    if let Some(how) = state.divergence() {
        tell_divergence(progress, title, &how);
    }
    progress.advance((steps - state.step) * course.cost)?;
    Ok(state)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Duration;

    use kernels::Isa;

    use super::*;
    use crate::session::progress::Show;
    use crate::store::folder::Folder;

    const STEPS: u64 = 6;
    const COST: u64 = 7;

    /// Trains three numbers that fall towards 0.
    fn train_by(
        folder: &Folder,
        mut step: impl FnMut(&mut State<Vec<f32>>),
    ) -> (State<Vec<f32>>, u64) {
        let progress = Progress::new("test", Show::Nothing);
        progress.start(STEPS * COST).unwrap();
        let session = Session {
            isa: Isa::detect(),
            threads: 1,
            progress: &progress,
            folder,
            subfolder: "test",
            checkpoint_every: Duration::ZERO,
            beside: &[],
        };
        let course = Course {
            slug: "numbers",
            title: "three numbers",
            settings: &BTreeMap::from([("of", "numbers")]),
            steps: STEPS,
            cost: COST,
        };
        let exec = session.serial();
        let state = train(&course, vec![1.0, -2.0, 0.5], &session, |state| {
            step(state);
            let gradient = state.learner.clone();
            state.update(exec, Adam::default(), &gradient, 0..3);
        });
        (state.unwrap(), progress.done())
    }

    fn folder() -> (tempfile::TempDir, Folder) {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::create(&parent.path().join("run")).unwrap();
        (parent, folder)
    }

    #[test]
    fn a_training_that_is_cut_off_goes_on_from_its_checkpoint_and_an_ended_one_stays() {
        let (_whole, folder_of_whole) = folder();
        let (whole, done) = train_by(&folder_of_whole, |_| {});
        assert_eq!(
            (whole.step, &whole.end, done),
            (STEPS, &Some(End::Budget), STEPS * COST)
        );

        let (_cut, folder) = folder();
        let cut = catch_unwind(AssertUnwindSafe(|| {
            train_by(&folder, |state| assert!(state.step < 4, "cut off"));
        }));
        assert!(cut.is_err());
        let mut steps = Vec::new();
        let (resumed, done) = train_by(&folder, |state| steps.push(state.step));
        assert_eq!((steps, done), (vec![4, 5], STEPS * COST));
        assert_eq!(resumed, whole);
        let (again, done) = train_by(&folder, |_| panic!("there is nothing left to do"));
        assert_eq!((again, done), (whole, STEPS * COST));
    }

    #[test]
    fn whatever_way_a_training_ends_it_is_remembered_and_all_progress_is_made() {
        for (end, how) in [
            (End::Learned, None),
            (
                End::Diverged("the loss".into()),
                Some("diverged at step 3: the loss is not finite".to_string()),
            ),
        ] {
            let (_parent, folder) = folder();
            let ends = |state: &mut State<_>| {
                state.end = (state.step == 2).then(|| end.clone());
            };
            let first = train_by(&folder, ends);
            assert_eq!(
                (first.0.step, &first.0.end, first.1),
                (3, &Some(end.clone()), STEPS * COST)
            );
            assert_eq!(first.0.divergence(), how);
            assert_eq!(train_by(&folder, |_| panic!("it has ended")), first);
        }
    }
}
