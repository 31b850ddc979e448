//! Medians, because other load on a machine only ever makes some samples longer.

/// The middle of the values, and half the distance between their quartiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Middle {
    pub median: f64,
    /// Half the interquartile range.
    pub spread: f64,
}

/// Returns the median of some values, of which there is at least one.
pub fn middle(mut values: Vec<f64>) -> Middle {
    values.sort_by(f64::total_cmp);
    let median = quantile(&values, 0.5);
    Middle { median, spread: (quantile(&values, 0.75) - quantile(&values, 0.25)) / 2.0 }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "indices of a few samples"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_does_not_follow_outliers() {
        let found = middle(vec![5.0, 1.0, 2.0, 3.0, 1_000.0]);
        assert_eq!(found, Middle { median: 3.0, spread: 1.5 });
        assert_eq!(middle(vec![7.0]), Middle { median: 7.0, spread: 0.0 });
        assert_eq!(middle(vec![1.0, 2.0]), Middle { median: 1.5, spread: 0.25 });
    }
}
