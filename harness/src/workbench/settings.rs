//! The settings of a training on activations.

use crate::sae::training::{BATCH, learning_rate};
use crate::settings::range::{above, increasing, positive, so_that, worded};

crate::words! {
    /// A variant of sparse autoencoder.
    #[serde(rename_all = "kebab-case")]
    pub enum Kind {
        /// The k largest entries of a code, and an auxiliary loss that brings dead elements back.
        #[serde(rename = "topk")]
        #[strum(serialize = "topk")]
        TopK,
        /// TopK with k as the mean over a batch, and a threshold by which codes are read.
        #[serde(rename = "batch-topk")]
        #[strum(serialize = "batch-topk")]
        BatchTopK,
        /// BatchTopK, where the first elements of the dictionary reconstruct by themselves too.
        Matryoshka,
        /// Codes above a learnt threshold, and a penalty on their number.
        #[serde(rename = "jumprelu")]
        #[strum(serialize = "jumprelu")]
        JumpRelu,
        /// ReLU codes and an L1 penalty, elements of norm 1.
        L1,
        /// L1 with one matrix for encoder and decoder.
        L1Tied,
        /// Codes that gates switch on, and an L1 penalty on the gates alone.
        Gated,
        /// ReLU codes from an encoder with a hidden layer, and an L1 penalty.
        TwoLayer,
        /// ReLU codes from a few unrolled steps of a learnt iteration, and an L1 penalty.
        Lista,
    }
}

crate::words! {
    /// The role of a model in the tables: one that was asked for, or a baseline.
    pub enum Role {
        /// A model that was asked for.
        Model,
        /// The same model with a random decoder that is not trained.
        RandomDecoder,
        /// The same model with a random encoder, of which only biases and thresholds are trained.
        RandomEncoder,
        /// The best reconstruction from as many principal components as a model has active elements.
        Pca,
    }
}

crate::words! {
    /// The baselines that models are compared with.
    #[serde(rename_all = "kebab-case")]
    pub enum Baselines {
        /// No baselines: models stand alone.
        None,
        /// The same models with a frozen random decoder or encoder, and principal components.
        Random,
    }
}

crate::words! {
    /// The rule that keeps the penalty of l1 from shrinking codes while the rows of the decoder grow.
    #[serde(rename_all = "kebab-case")]
    pub enum DecoderNorm {
        /// Rows of the decoder have norm 1.
        Unit,
        /// Rows of the decoder have any norm, by which the penalty of each code is multiplied.
        Penalised,
    }
}

crate::words! {
    /// The treatment of elements that have not fired for long.
    #[serde(rename_all = "kebab-case")]
    pub enum Dead {
        /// An auxiliary loss, by which dead elements learn what the others leave over.
        Auxiliary,
        /// A new start of a dead element towards a row that is reconstructed badly.
        Resample,
        /// Dead elements are left as they are.
        None,
    }
}

crate::words! {
    /// The normalisation of activations before they are trained on.
    #[serde(rename_all = "kebab-case")]
    pub enum Normalise {
        /// Activations are left as they are.
        None,
        /// The mean is subtracted.
        Mean,
        /// The mean is subtracted, and all values are divided by one number, so that columns have a variance of 1 in
        /// the mean.
        Scale,
    }
}

crate::words! {
    /// The treatment of rows that hold a NaN or an infinite value.
    #[serde(rename_all = "kebab-case")]
    pub enum NonFinite {
        /// The first such row ends the training before it has begun.
        Refuse,
        /// Such rows are left out and counted.
        Skip,
    }
}

crate::settings! {
    /// Settings of a training. Every combination of the lists is a model.
    pub struct Settings {
        /// Variant: topk (the k largest entries of a code), batch-topk (k in the mean over a batch, and codes that are read
        /// by a threshold), matryoshka (batch-topk whose first elements reconstruct by themselves too), jumprelu (learnt
        /// thresholds, and a penalty on the number of active elements), l1 (ReLU codes and an L1 penalty), l1-tied (one
        /// matrix for encoder and decoder), gated (gates that are penalised, and magnitudes that are not), two-layer (l1
        /// with a hidden layer in the encoder) or lista (l1 with a few unrolled steps of ISTA as the encoder: their ReLU with a
        /// bias is the proximal map of an L1 penalty on codes that are not negative, so it has no other penalty).
        variant: Kind = Kind::TopK;
        /// Numbers of active elements k, for topk, batch-topk and matryoshka.
        k: Vec<usize> = vec![32], in increasing(1..=64, 1..=1 << 20);
        /// Coefficients λ of the penalty, for the other variants, for an error that is summed over the columns of normalised
        /// activations; for jumprelu what an active element costs, else what a unit of a code does. Unless told otherwise
        /// one that suits the variant.
        lambda: Vec<f64> = vec![2.0], in worded("1 to 64 numbers from 1e-12 to 1e6, increasing", increasing(1..=64, 1e-12..=1e6));
        /// Numbers of active elements that λ is steered to, for the variants with a penalty; every one is a model, and
        /// `lambda` is what λ starts from, of which it is a hundredth to a hundred times. It is steered no faster than
        /// weights follow at the learning rate, so a training of a few hundred steps may end before its target.
        /// None, and λ stays as it is.
        target_l0: Vec<f64> = vec![], in worded("0 to 64 numbers from 1e-12 to 1e6, increasing", increasing(0..=64, 1e-12..=1e6));
        /// Numbers of elements of a dictionary; eight times the width of the activations unless told otherwise.
        elements: Vec<usize> = vec![4096], in increasing(1..=64, 1..=1 << 22);
        /// The seed of the first model; it decides on its first weights. The order of the rows is that of the first seed.
        seed: u64 = 0, in 0..=1 << 48;
        /// Number of seeds: every model is trained once for each.
        seeds: u64 = 1, in 1..=1000;
        /// What is trained and measured beside every model: random (the same with a random decoder that is not trained, and
        /// with a random encoder of which only biases and thresholds are trained, which takes three times as long in all;
        /// and, up to 4,096 columns, as many principal components as the model has active elements, but not on several layers
        /// or for transcoders: those of what is read say nothing of what is reconstructed) or none.
        baselines: Baselines = Baselines::Random;
        /// Rows that each model is trained on in all, to the end of the last batch, over as many passes as it takes.
        samples: u64 = 1 << 22, in 1..=1 << 50;
        /// Rows in a batch.
        batch: usize = 2048, in BATCH;
        /// Learning rate of Adam for a dictionary of 16,384 elements; for n elements it is √(16384/n) times that (Gao et
        /// al., Scaling and evaluating sparse autoencoders, 2024).
        // On 128 columns of a sentence model's activations, at 1,024 elements, an L0 of 16, 2,048 steps of 2,048 rows and
        // gradients that are not clipped, models explain these percentages of the variance at rates of 2, 4, 8 and 16e-4:
        // topk 77, 78, 78, 79; jumprelu 73, 75, 77, 79; l1 46, 53, 58, 63. In four times as many steps topk comes to 78 at
        // 2e-4 and 79 at 8e-4, l1 to 64 and 68.
        learning_rate: f64 = 8e-4, in learning_rate();
        /// Share of the steps, at the start, over which the learning rate rises along a line.
        // Without a rise and without clipping, 64 % of the elements of a two-layer model of 512 elements die on 384 columns;
        // the other variants do as well either way.
        warmup: f64 = 0.05, in 0.0..=1.0;
        /// Share of the steps, at the start, over which λ rises along a line. An element that the penalty switches off
        /// before it has learned anything stays dead, so more of them die without such a rise. λ is steered to
        /// `target_l0`, where there is one, from a fifth of all steps after the end of the rise.
        lambda_warmup: f64 = 0.25, in 0.0..=1.0;
        /// Norm of the gradient over all parameters of a model, to which a longer one is shortened; 0 for none.
        // The first gradients are large, and Adam's second moments keep them. At 1,024 elements, an L0 of 16 and 586 steps
        // of 256 rows of 128 columns, two-layer explains 65 % of the variance with clipping and 47 % without, lista 65 and
        // 39 % (98 % of its elements die without); at 512 elements l1 56 and 46 %, l1-tied 57 and 34 %, gated 72 and 67 %,
        // topk 74 and 73 %.
        clip: f64 = 1.0, in so_that(
            "0, or 1e-30 to 3e38",
            |clip: &f64| *clip == 0.0 || (1e-30..=f64::from(f32::MAX)).contains(clip),
        );
        /// Share of the steps, at the end, over which the learning rate falls to 0 along a line.
        cooldown: f64 = 0.2, in 0.0..=1.0;
        /// Share of the rows that are held out from training, for the measures.
        held_out: f64 = 0.05, in worded("above 0 and at most 0.5", above(0.0).at_most(0.5));
        /// Most held-out rows that models are measured on.
        measured: u64 = 1 << 16, in 1..=1 << 40;
        /// Consecutive rows that stay together where rows are shuffled. 1 is a random order of all rows, for data that fit
        /// into memory. From a disk single rows are read slowly; 128, say, makes blocks of as many, which come in random
        /// order, and their rows in random order within a window of blocks. Whole blocks are held out then, and rows behind
        /// the last whole one are not trained on.
        shuffle_block: u64 = 1, in 1..=1 << 20;
        /// Blocks in a window, where `shuffle_block` is above 1. The system reads a window ahead, so two of them should fit
        /// into memory.
        shuffle_window: u64 = 1024, in 1..=1 << 20;
        /// What is done with rows that hold a NaN or an infinite value: refuse (the first of them ends the training before it
        /// has begun) or skip (they are left out and counted).
        nonfinite: NonFinite = NonFinite::Refuse;
        /// What is done to activations before training: none, mean (the mean is subtracted) or scale (then all are divided
        /// by one number, so that columns have a variance of 1 in the mean: a model that knows the mean alone then has a
        /// squared error of 1 a column on any data, against which λ and other coefficients weigh alike; division by the mean
        /// norm of rows, as other tools have it, does not give that). Saved models take raw activations all the same.
        normalise: Normalise = Normalise::Scale;
        /// What is done for dead elements: auxiliary (an auxiliary loss, which topk, batch-topk and matryoshka have),
        /// resample (every `dead_after` rows, up to the cooldown, they start anew towards rows that are reconstructed badly;
        /// Bricken et al., Towards Monosemanticity, 2023) or none. Unless told otherwise the auxiliary loss where there is
        /// one, else nothing.
        dead: Dead = Dead::Auxiliary;
        /// Rows without firing after which an element counts as dead; a sixteenth of `samples` unless told otherwise.
        dead_after: u64 = 1 << 18, in 1..=1 << 50;
        /// Coefficient of the auxiliary loss of topk, batch-topk and matryoshka, for a squared error summed over columns; 0
        /// for none.
        auxiliary: f64 = 0.03125, in 0.0..=1e6;
        /// Parts of the dictionary that reconstruct by themselves in matryoshka, beside the whole: shares of its elements,
        /// of which they are the first. (Those of Bussmann et al. are 128, 512 and 2,048 of 4,096.)
        prefixes: Vec<f64> = vec![0.03125, 0.125, 0.5], in worded("1 to 15 numbers above 0 and below 1, increasing", increasing(1..=15, above(0.0).below(1.0)));
        /// What keeps the penalty of l1 from shrinking codes while the rows of the decoder grow: unit (they have norm 1;
        /// normalize_sae_decoder of SAELens) or penalised (they have any norm, by which the penalty of each code is
        /// multiplied; scale_sparsity_penalty_by_decoder_norm of SAELens). The other variants have rows of norm 1.
        decoder_norm: DecoderNorm = DecoderNorm::Unit;
        /// Thresholds that jumprelu starts from, for normalised activations.
        threshold: f64 = 1.0, in 0.0..=1e6;
        /// Width of the window around its threshold in which a pre-activation tells jumprelu how to move it, for normalised
        /// activations.
        bandwidth: f64 = 1.0, in positive();
        /// Width of the hidden layer of two-layer, in multiples of the width of the activations; from 2 on, it starts as the
        /// linear encoder.
        hidden: f64 = 2.0, in above(0.0).at_most(1000.0);
        /// Steps of the iteration that lista unrolls; it holds the products of all pairs of elements, so its dictionaries
        /// should be small.
        unrolled: usize = 3, in 1..=64;
    }
}
