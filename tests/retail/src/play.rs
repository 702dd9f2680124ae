//! The play: every file is sent three times in three orders, one node is cut off for a third of the months, and at the
//! end each node holds the published net units of every stock code, and as many events as were sent.

use std::net::SocketAddr;

use anyhow::{Result, anyhow, ensure};
use tillmesh_examples::client::Client;

use crate::books::Books;
use crate::collection::{Collection, Month};
use crate::deal::NODES;
use crate::fleet::Fleet;
use crate::journal::Journal;

/// How the months are played.
pub struct Play<'a> {
    /// The lines.
    pub collection: &'a Collection,
    /// The broker; none: one of the nodes embeds it.
    pub broker: Option<SocketAddr>,
    /// Runs beside the first selling of each month.
    pub beside: &'a Beside<'a>,
}

/// What runs beside the selling of a month. Its error ends the play.
pub type Beside<'a> = dyn Fn(&Selling) -> Result<()> + Sync + 'a;

/// A month that is being sold.
pub struct Selling {
    /// Its number, from 0.
    pub month: usize,
    /// How many there are.
    pub months: usize,
    /// A client of each node that is not cut off.
    pub nodes: Vec<Client>,
}

impl Play<'_> {
    /// Plays them.
    ///
    /// # Errors
    /// At the first thing that does not hold. The nodes' logs and stores are kept then, and their folder is named.
    pub fn run(&self) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let result = self.run_on(&Fleet::start(folder.path(), self.broker)?);
        if result.is_err() {
            eprintln!("the nodes' logs and stores stay in {}", folder.keep().display());
        }
        result
    }

    fn run_on(&self, fleet: &Fleet) -> Result<()> {
        let months: Vec<&Month> = self.collection.months.iter().collect();
        fleet.open(self.collection)?;
        self.sell_with_one_node_cut_off(fleet, &months)?;
        let books = Books::of(self.collection)?;
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
        fleet.check_journals(&Journal::of(self.collection))
    }

    /// The months in their order; the second third is sold while one node hears nobody and nobody hears it.
    fn sell_with_one_node_cut_off(&self, fleet: &Fleet, months: &[&Month]) -> Result<()> {
        let third = months.len() / 3;
        for (number, month) in months.iter().enumerate() {
            if number == third {
                fleet.cut()?;
            }
            if number == 2 * third {
                ensure!(!fleet.agrees()?, "the node that is cut off has heard what was sold since");
                fleet.mend();
            }
            let nodes = fleet.connected((third..2 * third).contains(&number));
            self.sell(fleet, month, &Selling { month: number, months: months.len(), nodes })?;
        }
        Ok(())
    }

    fn sell(&self, fleet: &Fleet, month: &Month, selling: &Selling) -> Result<()> {
        std::thread::scope(|scope| {
            let beside = scope.spawn(|| (self.beside)(selling));
            let sent = fleet.send(month);
            beside.join().map_err(|_| anyhow!("what runs beside the selling panicked"))??;
            sent
        })
    }
}
