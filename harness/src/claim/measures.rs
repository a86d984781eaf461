//! The measurements for every claim, which are written to `measures.csv`.

crate::rows! {
    /// Every condition of every claim at every seed, in the claim and in its control.
    pub struct Measurement in "measures" {
        /// name of the claim
        claim: String [""],
        /// options of a cell of the claim's specification curve; empty at the point setting, which its verdict is for
        setting: String [""],
        /// yes or no: the options are those of the point setting
        point: bool [""],
        /// what is bounded
        measure: String [""],
        /// the bound it must keep
        bound: String [""],
        /// seed
        seed: u64 [""],
        /// measured for the claim
        value: f64 [""],
        /// measured in the control
        control_value: f64 [""],
        /// yes or no: the claim keeps the bound
        holds: bool [""],
        /// yes or no: the control keeps it
        control_holds: bool [""],
        /// why the value is missing, where that is known
        missing: String [""],
        /// why the control's value is missing, where that is known
        control_missing: String [""],
    }
}
