//! `cargo bench -p hitl-benches --bench shutdown`

fn main() {
    hitl_benches::bench::main("shutdown");
}
