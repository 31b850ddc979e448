//! `cargo bench -p hitl-benches --bench full`

fn main() {
    hitl_benches::bench::main("full");
}
