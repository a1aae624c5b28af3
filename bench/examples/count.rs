use jifen_bench::{rungs, workload::Workload};
fn main() {
    let n: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let w = Workload::canonical(1000, n, 1);
    match std::env::args().nth(1).unwrap().as_str() {
        "1" => {
            rungs::ledger(&w);
        }
        _ => {
            rungs::encoded(&w);
        }
    }
}
