//! Screened encoders give the same bits as the whole product, whatever the samples and the weights.

use kernels::adam::Adam;
use kernels::sae::{Screening, Shape, Task, TopK, Trainer, Variant, encode, encode_batch};
use kernels::{Exec, Isa, SparseRef};
use proptest::prelude::*;
use proptests::{each_isa, pool};

use super::case::{Case, bits, examples, tasks};

/// The entries of codes: where each row begins, the columns, and the bits of the values.
type Entries = (Vec<usize>, Vec<u32>, Vec<u32>);

/// Returns the entries of codes.
fn entries(codes: SparseRef) -> Entries {
    let lens = (0..codes.rows()).map(|b| codes.row(b).0.len()).collect();
    let columns = (0..codes.rows()).flat_map(|b| codes.row(b).0.to_vec());
    let values = (0..codes.rows()).flat_map(|b| codes.row(b).1);
    let bits = values.map(|value| value.to_bits());
    (lens, columns.collect(), bits.collect())
}

/// Returns the codes of a case with a kind of screening: those of samples read one by one, and those of a training
/// step.
fn codes(exec: Exec, case: &Case, screening: Screening) -> [Entries; 2] {
    let mut workspace = case.workspace(f64::INFINITY);
    workspace.set_screening(screening);
    [encode, encode_batch]
        .map(|encode| entries(encode(exec, &case.parameters, case.batch(), &mut workspace)))
}

fn the_same(exec: Exec, case: &Case) -> Result<(), TestCaseError> {
    let [whole, screened] =
        [Screening::Never, Screening::Always].map(|screening| codes(exec, case, screening));
    prop_assert!(
        whole == screened,
        "{exec:?}, {:?}, {:?}",
        case.task(),
        case.variant()
    );
    Ok(())
}

/// Returns a strategy for shapes and batches. Widths are below and above the lengths of vectors and of blocks of the
/// product, dictionaries below a panel of 32 columns and above several, batches below and above what goes together.
fn sizes() -> impl Strategy<Value = (Shape, usize)> {
    let width = prop_oneof![1usize..40, Just(63), Just(516), Just(530), Just(1030)];
    let shapes = (width, 1usize..9).prop_map(|(width, sixteens)| Shape {
        width,
        dictionary: 16 * sixteens,
    });
    (shapes, prop_oneof![0usize..12, Just(33), Just(70)])
}

each_isa!(screened_codes_are_those_of_the_whole_product);
fn screened_codes_are_those_of_the_whole_product(isa: Isa) {
    proptest!(|((shape, batch) in sizes(), seed in any::<u64>(), one in any::<prop::sample::Index>())| {
        let all = tasks(shape.width / 2 + 1, shape).into_iter();
        let all = all.flat_map(|task| examples(task, 0.2).map(move |variant| (task, variant)));
        let all: Vec<(Task, Variant)> = all.collect();
        let &(task, variant) = one.get(&all);
        the_same(Exec::serial(isa), &Case::new(task, variant, batch, seed))?;
    });
}

/// Returns a strategy for values that are hard to bound or to order.
fn wild() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -1.0f32..1.0,
        2 => Just(0.0),
        2 => prop::sample::select(vec![1.0f32, -1.0, 0.5, -0.0]),
        1 => (-126i32..128, -1.0f32..1.0).prop_map(|(e, m)| m * 2f32.powi(e)),
        1 => prop::sample::select(vec![1e-45, 1e-39, -1e-38, 1e-20, 1e19, -1e20, 3e38, -3e38]),
    ]
}

each_isa!(screened_codes_of_wild_values_are_those_of_the_whole_product);
/// Codes are the same with ties, zeros, huge and tiny values, whole columns of them, and numbers that are not finite.
fn screened_codes_of_wild_values_are_those_of_the_whole_product(isa: Isa) {
    let shape = Shape {
        width: 21,
        dictionary: 48,
    };
    let places = 0usize..4096;
    let wrong = prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0]);
    let columns = (
        0usize..21,
        prop::sample::select(vec![1f32, 1.0, 1e3, 1e6, 1e-12, 1e25]),
    );
    proptest!(|(
        x in prop::collection::vec(wild(), 21 * 11),
        weights in prop::collection::vec(wild(), 21 * 48 + 48),
        from_x in any::<bool>(), (place, wrong) in (places, wrong), (column, scale) in columns,
        twice in any::<bool>(),
    )| {
        for variant in Variant::examples(shape, 0.2) {
            let mut case = Case::new(shape, variant, 11, 3);
            case.x.copy_from_slice(&x);
            let values = case.parameters.values_mut();
            let some = values.len().min(weights.len());
            values[..some].copy_from_slice(&weights[..some]);
            if twice {
                // Every other row of the encoder is the one before it.
                for pair in values[..21 * 48].chunks_exact_mut(42) {
                    pair.copy_within(..21, 21);
                }
            }
            for row in case.x.chunks_exact_mut(21) {
                row[column] *= scale;
            }
            let at = if from_x { &mut case.x[..] } else { case.parameters.values_mut() };
            let place = place % at.len();
            if wrong != 1.0 {
                at[place] = wrong;
            }
            the_same(Exec::serial(isa), &case)?;
        }
    });
}

each_isa!(a_screened_training_is_that_by_the_whole_product);
/// Losses, codes and parameters after some steps are the same bits with and without screening, on one thread and on
/// three.
fn a_screened_training_is_that_by_the_whole_product(isa: Isa) {
    let pool = pool(3);
    let shape = Shape {
        width: 40,
        dictionary: 256,
    };
    for variant in Variant::examples(shape, 0.05) {
        let case = Case::new(shape, variant, 100, 5);
        let training = |exec, screening| {
            let mut trainer = Trainer::new(case.parameters.clone(), Adam::default(), 100);
            trainer.workspace_mut().set_screening(screening);
            let losses = [(); 4].map(|()| bits(trainer.step(exec, case.batch())));
            let codes = entries(trainer.workspace().codes());
            let values = trainer.into_parameters().values().to_vec();
            (
                losses,
                codes,
                values.into_iter().map(f32::to_bits).collect::<Vec<u32>>(),
            )
        };
        let whole = training(Exec::serial(isa), Screening::Never);
        let screened = training(Exec::serial(isa), Screening::Always);
        assert!(whole == screened, "{variant:?}");
        let shared = pool.install(|| training(Exec::parallel(isa), Screening::Always));
        assert!(whole == shared, "{variant:?} on three threads");
    }
}

each_isa!(a_screen_that_is_chosen_by_itself_changes_nothing);
/// In a model that is large enough, screening is chosen by itself and changes no codes: neither sparse ones nor those
/// of which most are active, for which the whole product is taken after the first batch.
fn a_screen_that_is_chosen_by_itself_changes_nothing(isa: Isa) {
    let shape = Shape {
        width: 130,
        dictionary: 1024,
    };
    for k in [8, 700] {
        let variant = Variant::TopK(TopK { k, aux: None });
        let case = Case::new(Task::from(shape), variant, 67, 11);
        let exec = Exec::serial(isa);
        let mut of = [Screening::Never, Screening::Auto].map(|screening| {
            let mut workspace = case.workspace(f64::INFINITY);
            workspace.set_screening(screening);
            workspace
        });
        for _ in 0..3 {
            let [whole, chosen] = of
                .each_mut()
                .map(|workspace| entries(encode(exec, &case.parameters, case.batch(), workspace)));
            assert!(whole == chosen, "k = {k}");
        }
    }
}
