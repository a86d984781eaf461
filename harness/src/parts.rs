//! A computation that many processes share: the plan of its units, the share of each part, the folders that parts write
//! to, and whether together they hold everything. Each kind of computation says what a unit is by an implementation of
//! [`Parted`](whole::Parted).

pub mod commands;
pub mod folders;
pub mod plan;
pub mod share;
pub mod status;
pub mod wanted;
pub mod whole;

pub use commands::Commands;
pub use share::Share;
pub use wanted::Wanted;
