//! Files that survive: written whole, checked when they are read again.

pub mod names;
