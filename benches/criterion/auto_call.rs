//! `cargo bench -p hitl-benches --bench auto_call`

fn main() {
    hitl_benches::bench::main("auto_call");
}
