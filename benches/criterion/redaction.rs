//! `cargo bench -p hitl-benches --bench redaction`

fn main() {
    hitl_benches::bench::main("redaction");
}
