//! What goes wrong while fleets trade: brokers die, links break their promises.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tillmesh_brokers::broker::Broker;
use tillmesh_brokers::lane::{Counts, Odds};
use tillmesh_brokers::proxy::Proxy;
use tillmesh_examples::client::{Client, wait_until};
use tillmesh_examples::month::Progress;
use tillmesh_retail::play::Selling;

/// How often a broker dies.
const KILLS: u64 = 3;
/// How long nodes may take to find a broker again: longer than their longest pause between attempts.
const FOUND: Duration = Duration::from_secs(90);
/// Of a hundred messages thirteen suffer. At more than that brokers are not slow, they are broken.
const ODDS: Odds = Odds { drop: 400, duplicate: 300, delay: 200, reorder: 400, cut: 20 };

/// Kills a broker while its nodes are connected and trade, deletes what it kept, and starts it again.
pub struct Killer(Mutex<Victim>);

struct Victim {
    broker: Broker,
    kills: u64,
}

impl Killer {
    /// Will kill this broker.
    pub fn new(broker: Broker) -> Self {
        Self(Mutex::new(Victim { broker, kills: 0 }))
    }

    /// Kills it when the replay is a quarter through, half, and three quarters. The store that is asked waits for the
    /// broker to return, the others sell on.
    pub fn at_line(&self, progress: &Progress<'_>) -> Result<()> {
        let Ok(mut victim) = self.0.try_lock() else { return Ok(()) };
        let due = progress.sold * (KILLS + 1) / progress.lines;
        if due > victim.kills && victim.kills < KILLS { victim.kill(progress.nodes) } else { Ok(()) }
    }

    /// Kills it in the middle of each third of the months.
    pub fn in_month(&self, selling: &Selling) -> Result<()> {
        let third = selling.months / 3;
        if selling.month % third == third / 2 { self.victim().kill(&selling.nodes) } else { Ok(()) }
    }

    /// That it did all that.
    pub fn check(&self) -> Result<()> {
        let kills = self.victim().kills;
        ensure!(kills == KILLS, "the broker was killed {kills} times instead of {KILLS}");
        Ok(())
    }

    fn victim(&self) -> MutexGuard<'_, Victim> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Victim {
    fn kill(&mut self, nodes: &[Client]) -> Result<()> {
        for node in nodes {
            wait_until(&format!("{} has found the broker", node.url()), FOUND, || {
                Ok(node.get("/v1/node")?["link"]["state"] == "up")
            })?;
        }
        self.broker.kill_and_wipe()?;
        self.kills += 1;
        self.broker.restart()
    }
}

/// A link to a broker that drops, duplicates, delays and reorders messages, and cuts connections.
pub struct BadLink {
    proxy: Proxy,
    seed: u64,
}

impl BadLink {
    /// A link to this broker. `TILLMESH_LINK_SEED` says another seed than 1.
    pub fn to(broker: &Broker) -> Result<Self> {
        let seed =
            std::env::var("TILLMESH_LINK_SEED").map_or(Ok(1), |text| text.parse()).context("TILLMESH_LINK_SEED")?;
        Ok(Self { proxy: Proxy::start(broker.address(), ODDS, seed)?, seed })
    }

    /// Where nodes connect.
    pub const fn address(&self) -> SocketAddr {
        self.proxy.address()
    }

    /// Its URL, as `--broker` takes it.
    pub fn url(&self) -> String {
        format!("mqtt://{}", self.address())
    }

    /// Adds the seed to what failed; what did not fail must have met every trouble.
    pub fn judge(&self, result: Result<()>) -> Result<()> {
        let counts = self.proxy.counts();
        println!("the link: {counts:?}");
        let Counts { messages: _, dropped, duplicated, delayed, reordered, cut, stray } = counts;
        result
            .and_then(|()| {
                ensure!(
                    [dropped, duplicated, delayed, reordered, cut].iter().all(|count| *count > 0),
                    "not every trouble came"
                );
                ensure!(stray == 0, "{stray} acknowledgements of what was never sent");
                Ok(())
            })
            .with_context(|| format!("{counts:?}; the same odds again: TILLMESH_LINK_SEED={}", self.seed))
    }
}
