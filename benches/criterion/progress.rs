//! `cargo bench -p hitl-benches --bench progress`

fn main() {
    hitl_benches::bench::main("progress");
}
