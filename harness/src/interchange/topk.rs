//! Checks for tools whose only variant is topk.

use kernels::sae::{Parameters, TopK, Variant};

use super::native::name;

/// Returns the k of a topk model, for a tool that has no other variant.
///
/// # Errors
/// If the model is of another variant; the message says what can be done.
pub fn k_of(tool: &str, parameters: &Parameters) -> Result<usize, String> {
    let way_out = match parameters.variant() {
        Variant::TopK(TopK { k, .. }) => return Ok(k),
        Variant::TwoLayer(_) | Variant::Lista(_) => "",
        _ => ", or this one with --to saelens",
    };
    Err(format!(
        "{tool} has no variant like {}: it keeps the k largest values of a code; export a topk model{way_out}",
        name(parameters.variant())
    ))
}
