//! Order lines of a real shop on five nodes, each a process: every node ends with the published net units of every
//! stock code, however often and in whatever order the files are sent, although one node is cut off for a third of the
//! months.
//!
//! The lines lie where `TILLMESH_FIXTURES` says, in `online_retail`. Without it a small sample of the same format,
//! written by hand, is played. The executable is the one that was built beside this test, by `cargo build -p tillmesh`.

mod books;
mod fleet;
mod journal;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use tillmesh_retail::collection::{Collection, Month};
use tillmesh_retail::deal::NODES;

use books::Books;
use fleet::Fleet;
use journal::Journal;

fn collection() -> Collection {
    let folder = std::env::var_os("TILLMESH_FIXTURES").map_or_else(
        || {
            println!("TILLMESH_FIXTURES is not set: the wide run is left out, the sample is played");
            Path::new(env!("CARGO_MANIFEST_DIR")).join("sample")
        },
        |fixtures| PathBuf::from(fixtures).join("online_retail"),
    );
    Collection::read(&folder).unwrap()
}

#[test]
fn lines_add_up_to_the_published_totals_to_the_tenth_of_a_penny() {
    let collection = collection();
    assert!(collection.months.len() >= 3, "one month before the cut, one during it, one after it");
    assert_eq!(collection.sums(), collection.totals);
}

#[test]
fn five_nodes_hold_the_published_net_units_however_often_the_files_are_sent() {
    play(&collection()).unwrap();
}

fn play(collection: &Collection) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fleet = Fleet::start(folder.path())?;
    let months: Vec<&Month> = collection.months.iter().collect();
    fleet.open(collection)?;
    sell_with_one_node_cut_off(&fleet, &months)?;
    let books = Books::of(collection);
    fleet.agree_on(&books)?;
    println!("every node holds the net units of {} codes at {} locations", books.codes(), NODES.len());

    let backwards: Vec<&Month> = months.iter().rev().copied().collect();
    let (early, late) = months.split_at(months.len() / 2);
    for again in [backwards, [late, early].concat()] {
        for month in again {
            fleet.send_again(month)?;
        }
        fleet.agree_on(&books)?;
        println!("everything was sent again, and nothing changed");
    }
    fleet.check_journals(&Journal::of(collection))
}

/// The months in their order; the second third is sold while one node hears nobody and nobody hears it.
fn sell_with_one_node_cut_off(fleet: &Fleet, months: &[&Month]) -> Result<()> {
    let third = months.len() / 3;
    for (number, month) in months.iter().enumerate() {
        if number == third {
            fleet.cut()?;
        }
        if number == 2 * third {
            ensure!(!fleet.agrees()?, "the node that is cut off has heard what was sold since");
            fleet.mend();
        }
        fleet.send(month)?;
    }
    Ok(())
}
