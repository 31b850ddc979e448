//! The freezes in force, which claims read where the data is.

/// The name under which the stores keep [`FREEZES`](hitl_core::store::FREEZES), like every value of
/// the gate with a prefix.
pub(crate) const KEPT: &str = "mark.freezes";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_read_the_value_that_the_gate_writes() {
        assert_eq!(KEPT, format!("mark.{}", hitl_core::store::FREEZES));
    }
}
