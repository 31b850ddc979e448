//! `cargo bench -p hitl-benches --bench render`

fn main() {
    hitl_benches::bench::main("render");
}
