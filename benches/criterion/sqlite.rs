//! `cargo bench -p hitl-benches --bench sqlite`

fn main() {
    hitl_benches::bench::main("sqlite");
}
