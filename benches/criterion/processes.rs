//! `cargo bench -p hitl-benches --bench processes`

fn main() {
    hitl_benches::bench::main("processes");
}
