//! Order lines of a real shop on five nodes, each a process: every node ends with the published net units of every
//! stock code, however often and in whatever order the files are sent, although one node is cut off for a third of the
//! months.
//!
//! The lines lie where `TILLMESH_FIXTURES` says, in `online_retail`. Without it a small sample of the same format,
//! written by hand, is played. The executable is the one that was built beside this test, by `cargo build -p tillmesh`.

use tillmesh_retail::collection::Collection;
use tillmesh_retail::play::Play;

#[test]
fn lines_add_up_to_the_published_totals_to_the_tenth_of_a_penny() {
    let collection = Collection::at_hand().unwrap();
    assert!(collection.months.len() >= 3, "one month before the cut, one during it, one after it");
    assert_eq!(collection.sums(), collection.totals);
}

#[test]
fn five_nodes_hold_the_published_net_units_however_often_the_files_are_sent() {
    let collection = Collection::at_hand().unwrap();
    Play { collection: &collection, broker: None, beside: &|_| Ok(()) }.run().unwrap();
}
