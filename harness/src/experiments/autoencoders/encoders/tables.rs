//! The table of `encoders`.

use super::model::{Encoder, Model};
use super::reading::Codes;
use crate::table::{Column, Table, TableSpec};

pub static ENCODERS: TableSpec = TableSpec {
    name: "encoders",
    about: "One dictionary: how its codes were found while it was trained, and how codes found otherwise do on it. \
        Losses are ‖x − x̂‖² + λ Σ c, means over samples.",
    columns: &[
        Column::text(
            "source",
            "synthetic, or the residual stream x_l of a model of `multilayer`, scaled to variance 1",
        ),
        Column::word(
            "encoder",
            &[
                Encoder::Linear.name(),
                Encoder::TwoLayer.name(),
                Encoder::Lista.name(),
                Encoder::Free.name(),
                Encoder::Truth.name(),
            ],
            "linear, two-layer, lista, free-codes (FISTA in training too) or true-features (FISTA on the features \
             that the data are made of)",
        ),
        Column::real("lambda", "1", "L1 coefficient"),
        Column::int("seed", "", "seed"),
        Column::text("end", "trained, or how it diverged"),
        Column::real(
            "mmcs",
            "1",
            "mean over the known directions (true features; at x_0 input embeddings) of the largest cosine with an element",
        ),
        Column::real(
            "l0",
            "elements",
            "active elements of the encoder's own codes, mean",
        ),
        Column::real("explained_variance", "1", "of its own codes"),
        Column::real("loss", "1", "of its own codes"),
        Column::real(
            "fista_l0",
            "elements",
            "active elements of the best codes for the same loss on its dictionary",
        ),
        Column::real("fista_explained_variance", "1", "of these"),
        Column::real("fista_loss", "1", "of these"),
        Column::real(
            "omp_explained_variance",
            "1",
            "of codes by orthogonal matching pursuit on its dictionary, with as many active elements",
        ),
        Column::real(
            "known_explained_variance",
            "1",
            "of its own codes with each element replaced by the known direction that it is matched with",
        ),
    ],
};

/// All of them, in order.
pub fn tabulate(models: &[Model]) -> Vec<Table> {
    let mut table = Table::new(&ENCODERS);
    for model in models {
        let reading = model.reading.as_ref().ok();
        let end = model
            .reading
            .as_ref()
            .map_or_else(String::as_str, |_| "trained");
        let of = |codes: Option<Codes>, what: fn(Codes) -> f64| codes.map_or(f64::NAN, what).into();
        let [own, fista, omp] = [
            reading.map(|r| r.own),
            reading.map(|r| r.fista),
            reading.map(|r| r.omp),
        ];
        let on_known = reading.and_then(|r| r.on_known);
        table.push([
            model.source.as_str().into(),
            model.encoder.name().into(),
            model.lambda.into(),
            model.seed.into(),
            end.into(),
            reading.map_or(f64::NAN, |r| r.mmcs).into(),
            of(own, |c| c.l0),
            of(own, |c| c.explained_variance),
            of(own, |c| c.loss),
            of(fista, |c| c.l0),
            of(fista, |c| c.explained_variance),
            of(fista, |c| c.loss),
            of(omp, |c| c.explained_variance),
            of(on_known, |c| c.explained_variance),
        ]);
    }
    vec![table]
}
