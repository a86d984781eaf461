//! The models of a sweep: all combinations of the lists of the settings, and how the settings make each variant.

use kernels::sae::{
    AuxK, BatchTopK, Gated, JumpRelu, L1, Lista, Matryoshka, Prefixes, Rows, Shape, TiedL1, TopK,
    TwoLayer, Variant,
};

use crate::table::record::Word as _;
use crate::workbench::member::{Member, dead_after};
use crate::workbench::settings::{Baselines, Dead, DecoderNorm, Kind, Role, Settings};

/// The setting that decides how many elements of a variant are active, and the function by which the settings make the
/// variant.
enum Sparsity {
    /// The number k of active elements.
    Number(fn(&Settings, Shape, usize) -> Variant),
    /// The coefficient λ of a penalty, and its default.
    Penalty(f64, fn(&Settings, Shape, f32) -> Variant),
}

/// The default of λ under an L1 penalty. On a layer of a sentence model of 384 columns, normalised, l1 keeps 29 of 512
/// elements active after 586 steps of 256 rows, l1-tied 38 and two-layer 22.
const L1_PENALTY: f64 = 2.0;

/// The default of λ for gated, whose penalty falls on the gates alone: on the same layer it keeps 29 elements active.
const GATED_PENALTY: f64 = 3.0;

/// The default of λ under a penalty on the number of active elements, with the defaults of thresholds and window: on the
/// same layer, after 2,048 steps of 2,048 rows, it keeps 34 elements active.
const L0_PENALTY: f64 = 1.0;

/// Returns what the command line knows of a variant. A new variant is a line here, and its name in [`Kind`].
fn sparsity(kind: Kind) -> Sparsity {
    use Sparsity::{Number, Penalty};
    match kind {
        Kind::TopK => Number(|s, shape, k| {
            let aux = auxiliary(s, shape);
            Variant::TopK(TopK { k, aux })
        }),
        Kind::BatchTopK => Number(|s, shape, k| Variant::BatchTopK(batch_top_k(s, shape, k))),
        Kind::Matryoshka => Number(|s, shape, k| {
            let codes = batch_top_k(s, shape, k);
            let prefixes = prefixes(&s.prefixes, shape.dictionary);
            Variant::Matryoshka(Matryoshka { codes, prefixes })
        }),
        Kind::JumpRelu => Penalty(L0_PENALTY, |s, _, lambda| {
            let (bandwidth, threshold) = (s.bandwidth as f32, s.threshold as f32);
            Variant::JumpRelu(JumpRelu {
                lambda,
                bandwidth,
                threshold,
            })
        }),
        Kind::L1 => Penalty(L1_PENALTY, |s, _, lambda| {
            let rows = match s.decoder_norm {
                DecoderNorm::Unit => Rows::Unit,
                DecoderNorm::Penalised => Rows::Penalised,
            };
            Variant::L1(L1 { lambda, rows })
        }),
        Kind::L1Tied => Penalty(L1_PENALTY, |_, _, lambda| {
            Variant::TiedL1(TiedL1 { lambda })
        }),
        Kind::Gated => Penalty(GATED_PENALTY, |_, _, lambda| {
            Variant::Gated(Gated { lambda })
        }),
        Kind::TwoLayer => Penalty(L1_PENALTY, |s, shape, lambda| {
            let hidden = (s.hidden * shape.width as f64).round().max(1.0) as usize;
            Variant::TwoLayer(TwoLayer { hidden, lambda })
        }),
        Kind::Lista => Penalty(L1_PENALTY, |s, _, lambda| {
            let steps = s.unrolled;
            Variant::Lista(Lista { steps, lambda })
        }),
    }
}

fn batch_top_k(settings: &Settings, shape: Shape, k: usize) -> BatchTopK {
    let aux = auxiliary(settings, shape);
    BatchTopK { k, aux }
}

fn auxiliary(settings: &Settings, shape: Shape) -> Option<AuxK> {
    let wanted = settings.dead == Dead::Auxiliary && settings.auxiliary > 0.0;
    wanted.then(|| AuxK {
        k: (shape.width / 2).clamp(1, shape.dictionary),
        coefficient: settings.auxiliary as f32,
        dead_after: dead_after(settings),
    })
}

/// Returns the prefixes of a dictionary: its first elements, by their shares of all, and all of them.
fn prefixes(shares: &[f64], elements: usize) -> Prefixes {
    let size = |share: &f64| ((share * elements as f64).round() as usize).max(1);
    let mut sizes: Vec<usize> = shares.iter().map(size).collect();
    sizes.push(elements);
    // In a small dictionary, several shares may be the same elements.
    sizes.dedup();
    Prefixes::new(&sizes).expect("shares that rise, below 1")
}

impl Kind {
    /// Returns whether the number of active elements is given as k.
    pub fn has_k(self) -> bool {
        matches!(sparsity(self), Sparsity::Number(_))
    }

    /// Returns the default of λ; `None` where there is no penalty.
    pub fn default_lambda(self) -> Option<f64> {
        match sparsity(self) {
            Sparsity::Number(_) => None,
            Sparsity::Penalty(lambda, _) => Some(lambda),
        }
    }
}

/// Returns a member for every combination of the lists of the settings, on one source of rows of `width` values.
pub fn members(settings: &Settings, width: usize) -> Vec<Member> {
    let mut members = Vec::new();
    for &elements in &settings.elements {
        let shape = Shape {
            width,
            dictionary: elements,
        };
        let variants: Vec<(String, f64, Option<f64>, Variant)> = match sparsity(settings.variant) {
            Sparsity::Number(variant) => {
                let each = settings.k.iter();
                let variant = |&k| {
                    let name = format!("k{k}");
                    (name, k as f64, None, variant(settings, shape, k))
                };
                each.map(variant).collect()
            }
            Sparsity::Penalty(_, variant) => {
                let variant = |lambda: f64| variant(settings, shape, lambda as f32);
                let steered = settings.target_l0.iter().map(|&target| {
                    let start = settings.lambda[0];
                    let name = format!("target{target}");
                    (name, start, Some(target), variant(start))
                });
                let fixed = settings.lambda.iter().map(|&lambda| {
                    let name = format!("lambda{lambda}");
                    (name, lambda, None, variant(lambda))
                });
                match settings.target_l0.is_empty() {
                    true => fixed.collect(),
                    false => steered.collect(),
                }
            }
        };
        for (sparsity_name, sparsity, target_l0, variant) in variants {
            let cell = format!("{}-n{elements}-{sparsity_name}", settings.variant);
            let seeds = settings.seed..settings.seed + settings.seeds;
            let each = roles(settings).iter();
            members.extend(each.flat_map(|&role| {
                let suffix = match role {
                    Role::Model => String::new(),
                    role => format!("-{}", role.word()),
                };
                let cell = format!("{cell}{suffix}");
                seeds.clone().map(move |seed| Member {
                    name: format!("{cell}-seed{seed}"),
                    cell: cell.clone(),
                    role,
                    source: 0,
                    elements,
                    variant,
                    sparsity,
                    target_l0,
                    seed,
                })
            }));
        }
    }
    members
}

/// Returns the roles of the models that are trained in each cell.
fn roles(settings: &Settings) -> &'static [Role] {
    match (settings.baselines, settings.variant) {
        (Baselines::None, _) => &[Role::Model],
        // The encoder of a tied model is its decoder.
        (Baselines::Random, Kind::L1Tied) => &[Role::Model, Role::RandomDecoder],
        (Baselines::Random, _) => &[Role::Model, Role::RandomDecoder, Role::RandomEncoder],
    }
}
