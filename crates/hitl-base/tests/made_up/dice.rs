//! Pseudo-random letters, words and passwords.

pub(crate) const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
pub(crate) const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
pub(crate) const DIGITS: &str = "0123456789";
pub(crate) const HEX: &str = "0123456789abcdef";

/// A pseudo-random generator that yields the same values every time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    pub(crate) fn of(&mut self, alphabet: &str, length: usize) -> String {
        let all: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| all[self.below(all.len())]).collect()
    }

    pub(crate) fn alnum(&mut self, length: usize) -> String {
        self.of(&[UPPER, LOWER, DIGITS].concat(), length)
    }

    pub(crate) fn word(&mut self, length: usize) -> String {
        self.of(&[UPPER, LOWER, DIGITS, "_-"].concat(), length)
    }

    pub(crate) fn base64(&mut self, length: usize) -> String {
        self.of(&[UPPER, LOWER, DIGITS, "+/"].concat(), length)
    }

    pub(crate) fn hex(&mut self, length: usize) -> String {
        self.of(HEX, length)
    }

    pub(crate) fn uuid(&mut self) -> String {
        let h = self.hex(32);
        format!("{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// Returns a password of the kind people choose.
    pub(crate) fn password(&mut self) -> String {
        match self.below(5) {
            0 => format!(
                "{}{}{}",
                self.pick(&["Summer", "Tiger", "hunter", "Dragon", "qwerty"]),
                self.below(9_000) + 10,
                self.pick(&["!", "#", "", "?"])
            ),
            1 => self.of(&[UPPER, LOWER, DIGITS, "!@#%^*_-+"].concat(), 12),
            2 => self.alnum(16),
            3 => format!("{}-{}-{}", self.of(LOWER, 6), self.of(LOWER, 6), self.below(99) + 1),
            _ => self.alnum(24),
        }
    }
}
