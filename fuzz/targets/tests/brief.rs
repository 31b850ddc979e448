//! Runs each target briefly: its initial inputs, and random mutations of them.

#![expect(clippy::panic, reason = "a helper fails as its test does")]

use hitl_fuzz_targets::TARGETS;

/// The number of inputs for each target, unless `HITL_FUZZ_INPUTS` is set.
const INPUTS: usize = 300;

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % n.max(1)
    }
}

fn changed(data: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = dice.below(data.len() + 1);
    match dice.below(7) {
        0 if at < data.len() => data[at] ^= 1 << dice.below(8),
        1 if at < data.len() => drop(data.remove(at)),
        2 => data.insert(at, u8::try_from(dice.below(256)).unwrap_or(0)),
        3 => data.truncate(at),
        4 => {
            // A part of another input.
            let from = dice.below(other.len() + 1);
            let until = (from + dice.below(24)).min(other.len());
            data.splice(at..at, other[from..until].iter().copied());
        }
        5 => {
            // A part of its own, repeated.
            let until = (at + dice.below(16)).min(data.len());
            let again = data[at..until].to_vec();
            data.splice(at..at, again);
        }
        _ => data.insert(at, b"\"\\{}[]:,= \n\xff\xe2"[dice.below(13)]),
    }
}

/// Returns the kept corpus of a target: inputs that earlier long runs found, each a line of
/// hexadecimal digits.
fn kept(name: &str) -> Vec<Vec<u8>> {
    let file = format!("{}/../kept/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).unwrap_or_default();
        u8::from_str_radix(pair, 16).unwrap_or_else(|error| panic!("{file}: {error}"))
    };
    text.lines().map(|line| line.as_bytes().chunks(2).map(byte).collect()).collect()
}

#[test]
fn every_target_takes_what_long_runs_found() {
    for (name, target, _) in TARGETS {
        let inputs = kept(name);
        assert!(inputs.len() > 10, "{name}: a corpus of {}", inputs.len());
        for input in inputs {
            target(&input);
        }
    }
}

#[test]
fn every_target_takes_what_it_is_given() {
    let inputs = std::env::var("HITL_FUZZ_INPUTS").ok().and_then(|n| n.parse().ok());
    for (name, target, seeds) in TARGETS {
        let mut dice = Dice(name.len() as u64 + 1);
        for seed in *seeds {
            target(seed.as_bytes());
        }
        target(&[]);
        for _ in 0..inputs.unwrap_or(INPUTS) {
            let mut data = seeds[dice.below(seeds.len())].as_bytes().to_vec();
            let other = seeds[dice.below(seeds.len())].as_bytes();
            if dice.below(2) == 0 {
                // Two texts in one input.
                data.push(0xFF);
                data.extend_from_slice(other);
            }
            for _ in 0..=dice.below(6) {
                changed(&mut data, other, &mut dice);
            }
            target(&data);
        }
    }
}
