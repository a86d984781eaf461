//! Storage of results: files are written whole, and checked when they are read again.

pub mod checkpoint;
pub mod checksums;
pub mod folder;
pub mod made;
pub mod names;
pub mod resumed;
pub mod snapshot;
pub mod system;
pub mod temporary;
