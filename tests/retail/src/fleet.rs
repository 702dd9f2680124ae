//! Five nodes over one broker; the link of one of them can be cut.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::collection::{Collection, Month};
use crate::deal::{NODES, movements, openings};
use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;
use tillmesh_examples::client::{Client, wait_until};
use tillmesh_examples::node::{Node, NodeOptions, executable, free_address};
use tillmesh_examples::proxy::Proxy;

use crate::books::Books;
use crate::journal::Journal;

/// The node that embeds the broker where there is no other: the one that lives when another is cut off.
const BROKER: usize = 4;
/// The node whose link can be cut.
const CUT_OFF: usize = 3;
/// How long nodes may take to agree once everything was sent.
const AGREE: Duration = Duration::from_secs(180);

/// The nodes, in the order of [`NODES`].
pub struct Fleet {
    nodes: Vec<Node>,
    link: Proxy,
}

impl Fleet {
    /// Starts the nodes, each with a folder of its own below `folder`. Without a broker one of them embeds it.
    ///
    /// # Errors
    /// When one does not start.
    pub fn start(folder: &Path, broker: Option<SocketAddr>) -> Result<Self> {
        let (executable, address) = (executable()?, broker.map_or_else(free_address, Ok)?);
        let link = Proxy::start(address)?;
        let broker = |node| match node {
            BROKER if broker.is_none() => ["--embedded-broker".to_owned(), address.to_string()],
            CUT_OFF => ["--broker".to_owned(), format!("mqtt://{}", link.address())],
            _ => ["--broker".to_owned(), format!("mqtt://{address}")],
        };
        let start = |node: usize| {
            Node::start(NodeOptions {
                executable: executable.clone(),
                name: NODES[node].to_owned(),
                location: NODES[node].to_owned(),
                folder: folder.to_path_buf(),
                listen: free_address()?,
                broker: broker(node),
                promotions: None,
            })
        };
        let nodes = (0..NODES.len()).map(start).collect::<Result<_>>()?;
        Ok(Self { nodes, link })
    }

    /// Books each location's opening stock in.
    ///
    /// # Errors
    /// When a node refuses or does not answer.
    pub fn open(&self, collection: &Collection) -> Result<()> {
        self.everywhere(|node, client| import(client, &openings(collection.rows(), node), false))
    }

    /// Sends a month for the first time, at all nodes at once.
    ///
    /// # Errors
    /// When a node refuses or has it already.
    pub fn send(&self, month: &Month) -> Result<()> {
        self.send_month(month, false)
    }

    /// Sends a month that was sent before.
    ///
    /// # Errors
    /// When a node refuses or takes anything for new.
    pub fn send_again(&self, month: &Month) -> Result<()> {
        self.send_month(month, true)
    }

    /// Cuts a node off and waits until it knows.
    ///
    /// # Errors
    /// When it does not notice.
    pub fn cut(&self) -> Result<()> {
        self.link.cut();
        let client = &self.nodes[CUT_OFF].client;
        wait_until("the node is cut off", AGREE, || Ok(client.get("/v1/node")?["link"]["state"] == "down"))
    }

    /// Mends its link.
    pub fn mend(&self) {
        self.link.mend();
    }

    /// Whether the node that can be cut off holds what another one does.
    ///
    /// # Errors
    /// When one does not answer.
    pub fn agrees(&self) -> Result<bool> {
        Ok(Books::at(&self.nodes[CUT_OFF].client)? == Books::at(&self.nodes[BROKER].client)?)
    }

    /// Waits until every node holds these books.
    ///
    /// # Errors
    /// At the node that does not in time.
    pub fn agree_on(&self, books: &Books) -> Result<()> {
        self.everywhere(|node, client| {
            let mut found = Books::default();
            let result = wait_until("the books are those of the lines", AGREE, || {
                found = Books::at(client)?;
                Ok(found == *books)
            });
            let difference = || format!("{}: {}", NODES[node], found.difference(books).unwrap_or_default());
            result.with_context(difference)?;
            ensure!(found.net_units() == books.net_units(), "equal books have other net units");
            Ok(())
        })
    }

    /// Compares each node's log.
    ///
    /// # Errors
    /// At the node that logged something else.
    pub fn check_journals(&self, expected: &Journal) -> Result<()> {
        self.everywhere(|node, client| {
            ensure!(Journal::at(client)? == *expected, "{}: other events than were sent", NODES[node]);
            Ok(())
        })
    }

    /// A client of each node, but for the one that is cut off if it is.
    pub fn connected(&self, cut: bool) -> Vec<Client> {
        let nodes = self.nodes.iter().enumerate().filter(|(node, _)| !cut || *node != CUT_OFF);
        nodes.map(|(_, node)| node.client.clone()).collect()
    }

    fn send_month(&self, month: &Month, repeated: bool) -> Result<()> {
        self.everywhere(|node, client| {
            let lines: Vec<Value> = movements(&month.rows, node).iter().map(|movement| movement.to_json()).collect();
            import(client, &lines, repeated).with_context(|| format!("{} at {}", month.name, NODES[node]))
        })
    }

    /// Does something at every node at once.
    fn everywhere(&self, act: impl Fn(usize, &Client) -> Result<()> + Sync) -> Result<()> {
        let act = &act;
        std::thread::scope(|scope| {
            let nodes = self.nodes.iter().enumerate();
            let threads: Vec<_> = nodes.map(|(node, it)| scope.spawn(move || act(node, &it.client))).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, Result<()>>| {
                thread.join().map_err(|_| anyhow!("a thread panicked"))?
            };
            // All are joined before the first error is given.
            threads.into_iter().map(join).collect::<Vec<_>>().into_iter().collect()
        })
    }
}

/// Imports lines; each must be taken, for the first time or as a repetition.
fn import(client: &Client, lines: &[Value], repeated: bool) -> Result<()> {
    let mut wrong = None;
    client.import("/v1/sales:import", lines, |answer| {
        if answer["status"] != 201 || answer["repeated"] != repeated {
            wrong.get_or_insert(answer);
        }
    })?;
    wrong.map_or(Ok(()), |answer| Err(anyhow!("unexpected answer: {answer}")))
}
