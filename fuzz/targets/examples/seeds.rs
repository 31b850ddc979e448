//! Prints the initial inputs of a fuzz target, each as a line of hexadecimal digits.

use std::fmt::Write as _;

use hitl_fuzz_targets::TARGETS;

fn main() -> Result<(), String> {
    let wanted = std::env::args().nth(1).ok_or("name a target")?;
    let target = TARGETS.iter().find(|(name, ..)| *name == wanted);
    let (_, _, seeds) = target.ok_or_else(|| format!("there is no target {wanted}"))?;
    for seed in *seeds {
        let line = seed.bytes().fold(String::new(), |mut line, byte| {
            // Writing to a String cannot fail.
            let _ = write!(line, "{byte:02x}");
            line
        });
        println!("{line}");
    }
    Ok(())
}
