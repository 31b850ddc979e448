//! Random bytes from the operating system, and from nowhere else.

/// An error for an operating system that returned no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct RandomnessError(());

/// Returns random bytes from the operating system, fit for keys and tokens.
///
/// # Errors
///
/// [`RandomnessError`] if the operating system returns none.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], RandomnessError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| RandomnessError(()))?;
    Ok(bytes)
}
