//! `cargo bench -p hitl-benches --bench quick`

fn main() {
    hitl_benches::bench::main("quick");
}
