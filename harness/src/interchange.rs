//! Sparse autoencoders in folders: those of this harness, and those of other tools.

pub mod codes;
mod config;
pub mod dense;
#[cfg(test)]
mod examples;
mod files;
mod fold;
mod native;
pub mod saelens;
pub mod sentence_transformers;
pub mod sparsify;
mod tensors;
mod topk;

use std::path::Path;

use kernels::sae::Parameters;

use crate::error::{Error, Result};
use crate::input::{read_result, read_settings};

pub use files::{Damaged, Files};
pub use fold::{fold, read_raw};
pub use native::{decode, name, write};

/// Reads the model in a folder, whichever tool wrote it, or in a file `model.safetensors`.
///
/// # Errors
/// If there is no model, it is damaged, or none of our variants can represent it.
pub fn read(path: &Path) -> Result<Parameters> {
    let wrong = |file: &Path, why| Error::input(format!("cannot read {}: {why}", file.display()));
    if path.extension().is_some_and(|extension| extension == "npy") {
        return Err(Error::input(format!(
            "{} is no model: name the folder of one, before --data",
            path.display()
        )));
    }
    let file = match path.is_dir() {
        true => path.join(native::FILE),
        false => path.to_path_buf(),
    };
    if sentence_transformers::is_folder(path) {
        return Err(Error::input(format!(
            "{} is a SparseAutoEncoder of sentence-transformers, which has codes and no reconstructions; name the model that it \
             was exported from",
            path.display()
        )));
    }
    if !path.is_dir() || file.exists() {
        return decode(&read_result(&file)?).map_err(|why| wrong(&file, why));
    }
    type Decode = fn(&str, &[u8]) -> Result<Parameters, Damaged>;
    let foreign: [(Files, Decode); 2] = [
        (saelens::FILES, saelens::decode),
        (sparsify::FILES, sparsify::decode),
    ];
    for (files, decode) in foreign {
        let weights = path.join(files.weights);
        if weights.exists() {
            let config = read_settings(&path.join(files.config))?;
            return decode(&config, &read_result(&weights)?)
                .map_err(|(file, why)| wrong(&path.join(file), why));
        }
    }
    Err(Error::input(format!(
        "{} holds no model: there is no {} in it, which `harness sae train` writes for each model in models/, no {} of \
         SAELens and no {} of sparsify",
        path.display(),
        native::FILE,
        saelens::FILES.weights,
        sparsify::FILES.weights,
    )))
}

#[cfg(test)]
mod tests {
    use kernels::sae::{Shape, TopK, Variant};
    use kernels::{Exec, Isa};

    use super::examples::example;
    use super::*;
    use crate::store::folder::Folder;

    #[test]
    fn folders_are_told_apart_and_what_holds_no_model_is_named() {
        let shape = Shape {
            width: 2,
            dictionary: 4,
        };
        let model = example(shape, Variant::TopK(TopK { k: 1, aux: None }));
        let all = tempfile::tempdir().unwrap();
        let exec = Exec::serial(Isa::detect());
        let folder = |name: &str| Folder::create(&all.path().join(name)).unwrap();
        write(&model, &folder("ours"), ".").unwrap();
        let saelens = saelens::encode(exec, &model).unwrap();
        saelens::FILES.write(saelens, &folder("saelens")).unwrap();
        let sparsify = sparsify::encode(&model).unwrap();
        sparsify::FILES
            .write(sparsify, &folder("sparsify"))
            .unwrap();
        for name in ["ours", "saelens", "sparsify"] {
            assert_eq!(read(&all.path().join(name)).unwrap(), model, "{name}");
        }
        let error = |name: &str| read(&all.path().join(name)).unwrap_err().to_string();
        std::fs::create_dir(all.path().join("none")).unwrap();
        for file in [
            "model.safetensors",
            "sae_weights.safetensors",
            "sae.safetensors",
        ] {
            assert!(error("none").contains(file), "{}", error("none"));
        }
        let module = sentence_transformers::encode(&model).unwrap();
        let folder = folder("module");
        sentence_transformers::FILES.write(module, &folder).unwrap();
        let said = error("module");
        assert!(
            said.contains("module is a SparseAutoEncoder of sentence-transformers"),
            "{said}"
        );
        let config = all.path().join("saelens/cfg.json");
        std::fs::write(&config, "{}").unwrap();
        assert!(error("saelens").contains("saelens/cfg.json: metadata.sae_lens_version"));
        std::fs::remove_file(&config).unwrap();
        assert!(error("saelens").starts_with("cannot read"));
        std::fs::write(all.path().join("sparsify/sae.safetensors"), "1").unwrap();
        assert!(error("sparsify").contains("sparsify/sae.safetensors: it is no"));
    }
}
