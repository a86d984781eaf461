//! The models of a sweep: what the lists of the settings combine to, and what each variant makes of the settings.

use kernels::sae::{
    AuxK, BatchTopK, Gated, JumpRelu, L1, Lista, Matryoshka, Prefixes, Rows, Shape, TiedL1, TopK,
    TwoLayer, Variant,
};

use crate::sae::training::{Plan, Recipe, Resampling};
use crate::table::record::Word as _;
use crate::workbench::settings::{Baselines, Dead, Kind, Role, Settings};

/// A model of the sweep: its place in the lists of the settings.
pub struct Member {
    /// Its name, which is that of its folder.
    pub name: String,
    /// The name of its cell: of all models that differ from it by their seed alone.
    pub cell: String,
    /// Whether it is a model that was asked for, or what it is beside one.
    pub role: Role,
    /// Elements of its dictionary.
    pub elements: usize,
    /// What is trained.
    pub variant: Variant,
    /// k, or the λ that training starts from.
    pub sparsity: f64,
    /// The number of active elements that λ is steered to.
    pub target_l0: Option<f64>,
    /// The seed of its first weights.
    pub seed: u64,
}

/// What decides how many elements of a variant are active, and the variant that the settings make of it.
enum Sparsity {
    /// Their number k.
    Number(fn(&Settings, Shape, usize) -> Variant),
    /// The coefficient λ of a penalty, and its default.
    Penalty(f64, fn(&Settings, Shape, f32) -> Variant),
}

/// The default of λ under an L1 penalty. On hidden states of a sentence model of 384 columns, normalised, it leaves 35 to 45
/// elements active of 512 and of 1,024; with λ = 1 these are 150 to 220.
const L1_PENALTY: f64 = 4.0;

/// The default of λ under a penalty on the number of active elements, with the defaults of thresholds and window: on the
/// same hidden states it leaves 39 elements active of 512.
const L0_PENALTY: f64 = 1.0;

/// The same for encoders that keep less of a code, or answer to the penalty more: 4 would leave 63 % of the elements of a
/// hidden-layer encoder dead, and a tied model with a fifth of the variance.
const LOWER_L1_PENALTY: f64 = 2.0;

/// What the command line knows of a variant. A new one is a line here, and its name in [`Kind`].
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
        Kind::L1 => Penalty(L1_PENALTY, |_, _, lambda| {
            let rows = Rows::Unit;
            Variant::L1(L1 { lambda, rows })
        }),
        Kind::L1Tied => Penalty(LOWER_L1_PENALTY, |_, _, lambda| {
            Variant::TiedL1(TiedL1 { lambda })
        }),
        Kind::Gated => Penalty(L1_PENALTY, |_, _, lambda| Variant::Gated(Gated { lambda })),
        Kind::TwoLayer => Penalty(LOWER_L1_PENALTY, |s, shape, lambda| {
            let hidden = (s.hidden * shape.width as f64).round().max(1.0) as usize;
            Variant::TwoLayer(TwoLayer { hidden, lambda })
        }),
        Kind::Lista => Penalty(LOWER_L1_PENALTY, |s, _, lambda| {
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

/// Steps without firing after which an element counts as dead.
fn dead_after(settings: &Settings) -> u32 {
    let steps = settings.dead_after.div_ceil(settings.batch as u64);
    steps.min(u32::MAX.into()) as u32
}

/// The first elements of a dictionary, by their shares of it, and all of them.
fn prefixes(shares: &[f64], elements: usize) -> Prefixes {
    let size = |share: &f64| ((share * elements as f64).round() as usize).max(1);
    let mut sizes: Vec<usize> = shares.iter().map(size).collect();
    sizes.push(elements);
    // Of a small dictionary, several shares may be the same elements.
    sizes.dedup();
    Prefixes::new(&sizes).expect("shares that rise, below 1")
}

impl Kind {
    /// Whether the number of active elements is given as k.
    pub fn has_k(self) -> bool {
        matches!(sparsity(self), Sparsity::Number(_))
    }

    /// The default of λ, where there is a penalty.
    pub fn default_lambda(self) -> Option<f64> {
        match sparsity(self) {
            Sparsity::Number(_) => None,
            Sparsity::Penalty(lambda, _) => Some(lambda),
        }
    }
}

/// Every combination of the lists of the settings.
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

/// What is trained in each cell.
fn roles(settings: &Settings) -> &'static [Role] {
    match (settings.baselines, settings.variant) {
        (Baselines::None, _) => &[Role::Model],
        // Its encoder is its decoder.
        (Baselines::Random, Kind::L1Tied) => &[Role::Model, Role::RandomDecoder],
        (Baselines::Random, _) => &[Role::Model, Role::RandomDecoder, Role::RandomEncoder],
    }
}

/// The tensors that stay as they are at random.
fn held(role: Role) -> Vec<&'static str> {
    match role {
        Role::RandomDecoder => vec!["w_dec"],
        Role::RandomEncoder => vec!["w_enc", "w_hidden", "w_lateral"],
        Role::Model | Role::Pca => vec![],
    }
}

impl Member {
    /// How it is trained.
    pub fn recipe(&self, settings: &Settings, plan: &Plan) -> Recipe {
        let steps = |share: f64| (share * plan.steps as f64).round() as u64;
        let dead_after = dead_after(settings);
        let resampling = Resampling {
            every: dead_after.max(1).into(),
            until: plan.steps - steps(settings.cooldown),
            dead_after,
            seed: self.seed,
        };
        Recipe {
            rate: (16384.0 / self.elements as f64).sqrt(),
            warm_up: steps(settings.warmup),
            clip: (settings.clip > 0.0).then_some(settings.clip as f32),
            held: held(self.role),
            penalty_warm_up: steps(settings.lambda_warmup),
            target_l0: self.target_l0,
            resampling: (settings.dead == Dead::Resample).then_some(resampling),
        }
    }

    /// Estimated memory of a deeper encoder, bytes, beyond that of a linear one.
    pub fn extra_memory(&self, width: usize, plan: &Plan) -> f64 {
        let (d, n, b) = (width as f64, self.elements as f64, plan.batch as f64);
        // Beside the parameters: gradient and moments, and a checkpoint of them.
        let parameters = |count: f64| 8.0 * count;
        4.0 * match self.variant {
            Variant::TwoLayer(TwoLayer { hidden, .. }) => {
                let h = hidden as f64;
                parameters(h * (n + d)) + 2.0 * b * h
            }
            Variant::Lista(Lista { steps, .. }) => parameters(n * n) + (steps as f64 + 4.0) * b * n,
            _ => 0.0,
        }
    }
}
