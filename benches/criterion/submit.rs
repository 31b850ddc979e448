//! `cargo bench -p hitl-benches --bench submit`

fn main() {
    hitl_benches::bench::main("submit");
}
