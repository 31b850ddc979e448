//! A range of addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses in CIDR notation: `10.0.0.0/8`, `2001:db8::/32`, or one address.
///
/// ```
/// use hitl_console::Cidr;
///
/// let balancers: Cidr = "10.1.0.0/16".parse()?;
/// assert!(balancers.contains("10.1.2.3".parse()?));
/// assert!(balancers.contains("::ffff:10.1.2.3".parse()?), "the same address, as IPv6 writes it");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr {
    base: IpAddr,
    bits: u8,
}

/// The error for a text that is not a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a range is an address, or an address and how many bits of it count: 10.0.0.0/8")]
pub struct ParseCidrError(());

impl Cidr {
    /// Returns whether an address is in the range. An IPv4 address that is written as an IPv6 one
    /// is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                prefix(base.to_bits().into(), self.bits, 32)
                    == prefix(address.to_bits().into(), self.bits, 32)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                prefix(base.to_bits(), self.bits, 128) == prefix(address.to_bits(), self.bits, 128)
            }
            _ => false,
        }
    }
}

/// Returns the first bits of an address that has `width` of them.
fn prefix(address: u128, bits: u8, width: u8) -> u128 {
    address.checked_shr(u32::from(width.saturating_sub(bits))).unwrap_or(0)
}

impl From<IpAddr> for Cidr {
    fn from(address: IpAddr) -> Self {
        let base = address.to_canonical();
        Self { base, bits: if base.is_ipv4() { 32 } else { 128 } }
    }
}

impl FromStr for Cidr {
    type Err = ParseCidrError;

    fn from_str(text: &str) -> Result<Self, ParseCidrError> {
        let bad = ParseCidrError(());
        let Some((address, bits)) = text.split_once('/') else {
            return text.parse::<IpAddr>().map(Self::from).map_err(|_| bad);
        };
        let base: IpAddr = address.parse().map_err(|_| bad.clone())?;
        let digits = bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits: u8 = bits.parse().ok().filter(|_| digits).ok_or(bad.clone())?;
        // A range of IPv4 addresses in IPv6 notation would contain none: they are compared as IPv4.
        if bits > if base.is_ipv4() { 32 } else { 128 } || base != base.to_canonical() {
            return Err(bad);
        }
        Ok(Self { base, bits })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    fn has(text: &str, address: &str) -> bool {
        range(text).contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_has_what_begins_with_its_bits() {
        assert!(has("10.0.0.0/8", "10.255.0.1") && !has("10.0.0.0/8", "11.0.0.1"));
        assert!(has("10.1.2.3/8", "10.9.9.9"), "the other bits do not count");
        assert!(has("192.0.2.7", "192.0.2.7") && !has("192.0.2.7", "192.0.2.8"));
        assert!(has("0.0.0.0/0", "1.2.3.4") && !has("0.0.0.0/0", "::1"));
        assert!(has("2001:db8::/32", "2001:db8:1::1") && !has("2001:db8::/32", "2001:db9::1"));
        assert!(has("::/0", "2001:db8::1") && !has("::/0", "1.2.3.4"));
        assert!(has("10.0.0.0/8", "::ffff:10.0.0.1") && has("::ffff:10.0.0.1", "10.0.0.1"));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "10",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "::/129",
            "a/8",
            "10.0.0.0/8/8",
            "::ffff:10.0.0.0/104",
            "10.0.0.0 /8",
            "proxy.example.com",
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(ParseCidrError(())), "{text}");
        }
    }
}
