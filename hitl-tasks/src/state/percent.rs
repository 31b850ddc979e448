//! Percentages. Pure.

use serde::Serializer;

/// Clamps to 0..=100; NaN becomes 0.
pub(crate) fn clamped(progress: f64) -> f64 {
    if progress.is_nan() { 0.0 } else { progress.clamp(0.0, 100.0) }
}

/// Returns `done` (percent times weight) of `weight` as a whole percentage; 0 if `weight` is 0.
pub(crate) fn rounded_percent(done: f64, weight: f64) -> u8 {
    if weight <= 0.0 {
        return 0;
    }
    whole(done / weight)
}

/// Rounds to a whole percentage.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100")]
pub(crate) fn whole(percent: f64) -> u8 {
    clamped(percent).round() as u8
}

/// Serializes whole percentages as integers: dashboards compare with integers, and `100.0` is not
/// one in every language.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) fn whole_if_possible<S: Serializer>(progress: &f64, to: S) -> Result<S::Ok, S::Error> {
    if progress.fract() == 0.0 {
        to.serialize_u8(whole(*progress))
    } else {
        to.serialize_f64(*progress)
    }
}
