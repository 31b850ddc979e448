//! `cargo bench -p hitl-benches --bench growth`

fn main() {
    hitl_benches::bench::main("growth");
}
