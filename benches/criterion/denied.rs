//! `cargo bench -p hitl-benches --bench denied`

fn main() {
    hitl_benches::bench::main("denied");
}
