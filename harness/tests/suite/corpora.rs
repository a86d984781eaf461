//! The corpora that the fuzzers start from, and inputs that once broke a reader, through all readers of foreign bytes.
//! `.ci/long fuzz` searches for more.

#[path = "../../fuzz/src/lib.rs"]
mod readers;

use std::path::Path;

#[test]
fn every_reader_copes_with_its_corpus() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, read) in readers::READERS {
        let entries = std::fs::read_dir(corpora.join(name)).expect("a corpus for every reader");
        let files: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
        assert!(!files.is_empty(), "{name}");
        for file in files {
            let bytes = std::fs::read(&file).expect("a readable file");
            // The output is captured, and shown where a reader panics.
            println!("{}", file.display());
            read(&bytes);
        }
    }
}
