//! Passes over models: the values of a sample have no effect on others, and no value keeps a method from ending.

use kernels::loss::Loss;
use kernels::mlp::{self, Supervision};
use kernels::sae::{self, Variant};
use kernels::sparse_coding::{
    Certificate, Lasso, Pursuit, Stop, gradient_pursuit, gradient_step, nnls, omp,
};
use kernels::{Activation, Exec, Isa, MatMut, MatRef};
use proptest::prelude::*;
use proptests::wild::{Placed, Wild, any_kind, assert_same};
use proptests::{config, each_isa, stream};

use super::{on_threads, place};

/// Returns the codes of each method, one after the other.
fn codes_of_all(exec: Exec, dictionary: MatRef, x: MatRef, start: &Placed) -> Vec<Vec<f32>> {
    let pursuit = Pursuit {
        atoms: 4,
        tolerance: 1e-6,
    };
    let stop = Stop {
        tolerance: 1e-4,
        iterations: 50,
    };
    let lasso = Lasso::new(exec, dictionary, 0.1, None);
    let run = |f: &dyn Fn(MatMut)| {
        let mut codes = start.clone();
        f(codes.view_mut());
        codes.values()
    };
    let mut certificates = vec![Certificate::default(); x.rows()];
    let mut certified = |f: &dyn Fn(MatMut, &mut [Certificate])| {
        let mut codes = start.clone();
        f(codes.view_mut(), &mut certificates);
        codes.values()
    };
    vec![
        certified(&|codes, certificates| lasso.ista(exec, x, stop, codes, certificates)),
        certified(&|codes, certificates| lasso.fista(exec, x, stop, codes, certificates)),
        run(&|codes| omp(exec, dictionary, x, pursuit, codes)),
        run(&|codes| gradient_pursuit(exec, dictionary, x, pursuit, codes)),
        run(&|codes| gradient_step(exec, dictionary, x, codes)),
        run(&|codes| nnls(exec, dictionary, x, codes)),
    ]
}

fn sae_case(
    shape: sae::Shape,
    which: prop::sample::Index,
    kind: Wild,
    seed: u64,
) -> sae::Parameters {
    let variant = *which.get(&Variant::examples(shape, 0.1));
    let mut parameters = sae::Parameters::zeros(shape, variant);
    parameters.values_mut().fill_with(kind.stream(seed));
    if let Variant::JumpRelu(_) | Variant::BatchTopK(_) | Variant::Matryoshka(_) = variant {
        let [mut threshold] = parameters.tensors_mut(["threshold"]);
        threshold.row_mut(0).iter_mut().for_each(|t| *t = t.abs());
    }
    parameters
}

each_isa!(sparse_coding);
/// Every method ends, with codes that are not negative and that are the same for a sample alone, whatever the samples
/// beside it are.
fn sparse_coding(isa: Isa) {
    proptest!(config(60), |(
        (n, d, samples) in (1..30usize, 1..20usize, prop_oneof![4 => 1..6usize, 1 => 60..80usize]),
        kinds in (any_kind(), any_kind()),
        spoilt_atoms: bool,
        places in (place(), place(), place()),
        threads in 1..4usize,
        seed: u64,
    )| {
        let (mut wild, mut tame) = (kinds.0.stream(seed), stream(seed));
        let dictionary = Placed::new((n, d), places.0, || if spoilt_atoms { wild() } else { tame() });
        let x = Placed::new((samples, d), places.1, kinds.1.stream(seed ^ 1));
        let mut next = stream(seed ^ 2);
        let start = Placed::new((samples, n), places.2, || next().max(0.0));
        let all = on_threads(isa, threads, |exec| {
            codes_of_all(exec, dictionary.view(), x.view(), &start).concat()
        });
        prop_assert!(all.iter().all(|&c| c >= 0.0 || c.is_nan()));
        for i in (0..samples).filter(|i| samples < 6 || i % 13 == 0) {
            let mut own = Placed::new((1, n), places.0, || 0.0);
            own.slice_mut().copy_from_slice(start.view().row(i));
            let one = MatRef::new(x.view().row(i), 1, d).unwrap();
            let alone = codes_of_all(Exec::serial(isa), dictionary.view(), one, &own);
            for (method, alone) in alone.iter().enumerate() {
                let whole = &all[method * samples * n..][i * n..][..n];
                assert_same(&format!("method {method}, sample {i}"), whole, alone);
            }
        }
    });
}

each_isa!(autoencoders);
/// The code of a sample and its reconstruction are the same alone as in a batch, and a step is the same on any number
/// of threads.
fn autoencoders(isa: Isa) {
    proptest!(config(60), |(
        (width, n, samples) in (1..30usize, 1..50usize, prop_oneof![4 => 1..6usize, 1 => 60..80usize]),
        which: prop::sample::Index,
        kinds in (any_kind(), any_kind()),
        spoilt: bool,
        dense: bool,
        at in place(),
        threads in 1..4usize,
        seed: u64,
    )| {
        let tame = Wild::tame();
        let shape = sae::Shape { width, dictionary: n };
        let parameters = sae_case(shape, which, if spoilt { kinds.0 } else { tame }, seed);
        let x = Placed::new((samples, width), at, kinds.1.stream(seed ^ 1));
        let code = |exec: Exec, x: MatRef| {
            let mut workspace = sae::Workspace::new(parameters.shape(), parameters.variant(), x.rows());
            let codes = sae::encode(exec, &parameters, x, &mut workspace);
            let mut all = vec![0.0; x.rows() * n];
            for b in 0..x.rows() {
                let (columns, values) = codes.row(b);
                for (&j, &value) in columns.iter().zip(values) {
                    all[b * n + j as usize] = value;
                }
            }
            let mut x_hat = Placed::new((x.rows(), width), at, || 7.0);
            sae::decode(exec, &parameters, codes, x_hat.view_mut());
            (all, x_hat.values())
        };
        let all = on_threads(isa, threads, |exec| {
            let (codes, x_hat) = code(exec, x.view());
            [codes, x_hat].concat()
        });
        for b in (0..samples).filter(|b| samples < 6 || b % 13 == 0) {
            let (codes, x_hat) = code(Exec::serial(isa), MatRef::new(x.view().row(b), 1, width).unwrap());
            assert_same("codes", &all[b * n..][..n], &codes);
            assert_same("x̂", &all[samples * n..][b * width..][..width], &x_hat);
        }
        on_threads(isa, threads, |exec| {
            let mut workspace = sae::Workspace::new(parameters.shape(), parameters.variant(), samples);
            workspace.set_dense_from(if dense { 0.0 } else { f64::INFINITY });
            let mut gradient = sae::Parameters::zeros(parameters.shape(), parameters.variant());
            let losses = sae::gradient(exec, &parameters, x.view(), &mut workspace, &mut gradient);
            let losses = [losses.reconstruction, losses.sparsity, losses.auxiliary];
            [&losses.map(|l| l as f32)[..], gradient.values()].concat()
        });
    });
}

each_isa!(residual_mlps);
/// The activations, losses and norms of a sample are the same alone as in a batch, and a gradient is the same on any
/// number of threads.
fn residual_mlps(isa: Isa) {
    proptest!(config(60), |(
        (vocabulary, width, hidden, layers) in (1..6usize, 1..20usize, 1..30usize, 0..3usize),
        samples in prop_oneof![4 => 1..6usize, 1 => 60..90usize],
        activation in proptest::sample::select(Activation::ALL),
        loss in proptest::sample::select(Loss::ALL),
        kind in any_kind(),
        threads in 1..4usize,
        seed: u64,
    )| {
        let shape = mlp::Shape { vocabulary, width, hidden, layers, activation };
        let mut parameters = mlp::Parameters::zeros(shape);
        parameters.values_mut().fill_with(kind.stream(seed));
        let pairs: Vec<[u32; 2]> = (0..samples as u32)
            .map(|b| [b * b % vocabulary as u32, (b + seed as u32 % 7) % vocabulary as u32])
            .collect();
        let targets: Vec<u32> = (0..samples as u32).map(|b| b * 5 % width as u32).collect();
        // The residual streams, losses and norms, sample by sample.
        let read = |exec: Exec, pairs: &[[u32; 2]], targets: &[u32]| -> Vec<Vec<f32>> {
            let batch = pairs.len();
            let mut workspace = mlp::Workspace::new(shape, batch);
            mlp::forward(exec, &parameters, pairs, &mut workspace);
            let mut losses = vec![7.0; (layers + 1) * batch];
            let to = MatMut::new(&mut losses, layers + 1, batch).unwrap();
            mlp::losses(exec, &workspace, loss, targets, to);
            let rows: Vec<Vec<f32>> = (0..batch)
                .map(|b| (0..=layers).flat_map(|l| workspace.residual(l).row(b).to_vec()).collect())
                .collect();
            let mut norms = vec![7.0; layers * batch];
            let to = MatMut::new(&mut norms, layers, batch).unwrap();
            mlp::output_gradient_norms(exec, &parameters, targets, &mut workspace, to);
            rows.into_iter().enumerate().map(|(b, row)| {
                let of = |all: &[f32]| all.iter().skip(b).step_by(batch).copied().collect::<Vec<_>>();
                [row, of(&losses), of(&norms)].concat()
            }).collect()
        };
        let all = on_threads(isa, threads, |exec| read(exec, &pairs, &targets).concat());
        let each = all.len() / samples;
        for b in (0..samples).filter(|b| samples < 6 || b % 13 == 0) {
            let alone = read(Exec::serial(isa), &pairs[b..=b], &targets[b..=b]).concat();
            assert_same(&format!("sample {b}"), &all[b * each..][..each], &alone);
        }
        on_threads(isa, threads, |exec| {
            let mut workspace = mlp::Workspace::new(shape, samples);
            let mut gradient = mlp::Parameters::zeros(shape);
            mlp::forward(exec, &parameters, &pairs, &mut workspace);
            mlp::backward(exec, &parameters, &pairs, &targets, loss, Supervision::Output, &mut workspace, &mut gradient);
            gradient.values().to_vec()
        });
    });
}
