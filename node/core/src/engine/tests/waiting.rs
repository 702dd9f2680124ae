//! Rows that wait to be written.

use super::*;

/// Lines of a receipt, receipts of a commit, commits.
const LINES: usize = 400;
const RECEIPTS: usize = 10;
const COMMITS: usize = 12;

fn receipt(first: usize) -> Command {
    let line = |number: usize| Line { sku: sku(&format!("sku {number}")), quantity: 1 };
    Command::Receive { location: None, lines: (first..first + LINES).map(line).collect() }
}

#[test]
fn rows_that_wait_stay_bounded_however_many_each_commit_changes() {
    let mut node = Node::new("till", 1);
    let changed = RECEIPTS * LINES;
    for commit in 0..COMMITS {
        for number in 0..RECEIPTS {
            let _outcome = node.submit(Request::now(receipt(commit * changed + number * LINES))).unwrap();
        }
        node.commit();
        let waiting = node.engine.committed().unwritten();
        // What may wait, and what this commit and the one before changed: stock, and little else.
        assert!(waiting <= 8_192 + 2 * (changed + 100), "{waiting} rows wait after commit {commit}");
    }
    assert_eq!(node.engine.committed().stock.len(), COMMITS * changed);
}
