//! The figures of `multilayer`, from its tables.
use crate::figure::Figure;
use crate::table::Tables;
pub const NAMES: &[&str] = &[];
pub fn draw(_tables: &Tables) -> Vec<Figure> {
    Vec::new()
}
