//! `cargo bench -p hitl-benches --bench postgres`

fn main() {
    hitl_benches::bench::main("postgres");
}
