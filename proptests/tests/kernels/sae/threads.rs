//! Results do not depend on the number of threads.

use kernels::adam::Adam;
use kernels::sae::{Shape, Trainer, Variant};
use kernels::{Exec, Isa};
use proptests::{each_isa, pool};

use super::case::{Case, PATHS, bits, dense, examples, tasks};

/// A shape, batch sizes, and whether variants with a layer of n×n are tried.
type Sizes<'a> = (Shape, &'a [usize], bool);

/// The sizes that are tried. With the first, every pass cuts its work into more than two pieces, the last of them not a
/// full one: columns (pieces of 256), elements (32), samples (16 and 64), parameters and the dictionary's values (2¹⁵).
/// The second has batches that are not cut or cut once, the third smaller pieces in the encoder, of 56 samples.
const SIZES: [Sizes; 3] = [
    (shape(530, 130), &[150], true),
    (shape(24, 50), &[0, 1, 17], true),
    (shape(5, 2100), &[65], false),
];

const fn shape(width: usize, dictionary: usize) -> Shape {
    Shape { width, dictionary }
}

each_isa!(results_do_not_depend_on_the_number_of_threads);
/// Everything that a step computes is the same on every number of threads, on both paths. How work is cut does not
/// depend on that number, so that two and three threads stand for all.
fn results_do_not_depend_on_the_number_of_threads(isa: Isa) {
    let pools = [2, 3].map(pool);
    for (shape, batches, square) in SIZES {
        for &batch in batches {
            let all = tasks(shape.width / 2 + 1, shape).into_iter();
            let all = all.flat_map(|task| examples(task, 0.2).map(move |variant| (task, variant)));
            for (task, variant) in all {
                if !square && matches!(variant, Variant::Lista(_) | Variant::TwoLayer(_)) {
                    continue;
                }
                let case = Case::new(task, variant, batch, 23);
                for (path, from) in PATHS {
                    let step = |trainer: &mut Trainer, exec| {
                        trainer.step_to(exec, case.batch(), case.target())
                    };
                    let everything = |exec| {
                        let mut trainer =
                            Trainer::new(case.parameters.clone(), Adam::default(), batch);
                        trainer.workspace_mut().set_dense_from(from);
                        let losses = [(); 2].map(|()| bits(step(&mut trainer, exec)));
                        let codes = dense(trainer.workspace().codes());
                        let parameters = trainer.into_parameters();
                        let values = parameters.values().iter().chain(&codes);
                        let bits: Vec<u32> = values.map(|x| x.to_bits()).collect();
                        (losses, bits)
                    };
                    let serial = everything(Exec::serial(isa));
                    for pool in &pools {
                        let shared = pool.install(|| everything(Exec::parallel(isa)));
                        let threads = pool.current_num_threads();
                        assert!(
                            serial == shared,
                            "{threads} threads, {task:?}, {variant:?}, {path}, batch {batch}"
                        );
                    }
                }
            }
        }
    }
}
