//! `cargo bench -p hitl-benches --bench policy`

fn main() {
    hitl_benches::bench::main("policy");
}
