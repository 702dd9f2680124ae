//! Trading partners: what a message means and what its sender is told of it belong together.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::http::{Answer, Request};
use crate::support::{Node, Setup, component, eventually};

/// An order of three lines; the second is three pieces of TEA.
const ORDER: &str = include_str!("../../../../plugins/x12/fixtures/850.x12");
/// How many pieces of TEA an order asks for.
const PIECES: u64 = 3;
/// How often the node is killed while orders come in, and how many orders it takes before each.
const KILLS: usize = 5;
const ORDERS: usize = 8;
/// How many messages for a channel wait at most.
const MAX_WAITING: usize = 1_000;

/// A node with a partner who is told what happens where `deliver` says.
fn start(deliver: &str) -> Node {
    let settings = format!(
        "[plugins.x12]\ncomponent = {:?}\n[channels.partner]\nplugin = \"x12\"\nsignature = \"none\"\n\
         [channels.partner.settings]\nown-id = \"SHOP\"\npartner-id = \"BUYER\"\n\
         [channels.partner.deliver]\n{deliver}\n",
        component("x12")
    );
    let node = Setup::new("till").settings(&settings).start();
    node.put("/v1/products/TEA", "tea", &json!({ "name": "Tea", "gtin": "036000291452" })).ok();
    node
}

/// The order under numbers of its own.
fn order(number: usize) -> String {
    let order = ORDER.replace("PO-4711", &format!("PO-{number}")).replace("000000224", &format!("{number:09}"));
    order.replace("*77*X*", &format!("*{number}*X*")).replace("GE*1*77~", &format!("GE*1*{number}~"))
}

/// None where the node at this address does not answer.
fn try_send(url: &str, id: &str, body: &str) -> Option<Answer> {
    let request = Request::new("POST", format!("{url}/v1/channels/partner/inbound")).header("X-Message-Id", id);
    request.header("X-Topic", "x12").body(body.as_bytes()).try_send()
}

fn send(node: &Node, id: &str, body: &str) -> Answer {
    try_send(&node.url(), id, body).expect("the node answers")
}

fn waiting(node: &Node) -> usize {
    let channels = node.get("/v1/channels").ok();
    usize::try_from(channels["items"][0]["delivery"]["waiting"].as_u64().unwrap()).unwrap()
}

/// How many orders the node holds.
fn held(node: &Node) -> u64 {
    node.get("/v1/stock/TEA").ok()["promised"].as_u64().unwrap() / PIECES
}

/// What the partner was told, in the order of its files.
fn told(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().path());
    let is_done = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "x12");
    let mut paths: Vec<_> = entries.filter(is_done).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn a_trading_partner_is_answered_whatever_becomes_of_its_message_and_told_so_under_numbers_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(&format!("folder = {:?}", folder.path()));
    let answered = |answer: &Value| answer["acknowledgement"]["body"].as_str().unwrap().to_owned();
    let taken = send(&node, "1", ORDER).ok();
    assert_eq!(taken["events"][0]["kind"], json!("promise"));
    assert!(answered(&taken).contains("AK9*A*1*1*1~") && answered(&taken).contains("*000000001*0*P*"), "{taken}");
    let broken = ORDER.replace("PO-4711", "PO-4712").replace("IEA*1*000000224", "IEA*1*000000225");
    let refused = send(&node, "2", &broken);
    assert_eq!((refused.status, refused.problem().as_str()), (422, "message-malformed"));
    assert!(answered(&refused.json()).contains("TA1*000000224*261128*0930*R*001~"), "{}", refused.text());
    node.receive("in", "TEA", 5);
    eventually("all is told", || waiting(&node) == 0 && told(&folder).len() >= 4);
    let texts = told(&folder);
    let numbers: BTreeSet<_> = texts.iter().map(|text| text[90..99].to_owned()).collect();
    assert_eq!(numbers.len(), texts.len(), "no two interchanges have one number: {texts:?}");
    let of = |what: &str| texts.iter().filter(|text| text.contains(what)).count();
    assert!(of("ST*997*") == 2 && of("ST*846*") >= 2, "{texts:?}");
}

#[test]
fn of_every_order_that_is_held_its_sender_is_told_whenever_the_node_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = start(&format!("folder = {:?}", folder.path()));
    let next = AtomicUsize::new(1);
    for kill in 1..=KILLS {
        let url = node.url();
        std::thread::scope(|scope| {
            // Nobody sends again what was not answered: what was begun is done whole or not at all.
            scope.spawn(|| {
                let next = || next.fetch_add(1, Ordering::SeqCst);
                while let Some(answer) = Some(next()).and_then(|it| try_send(&url, &it.to_string(), &order(it))) {
                    answer.ok();
                }
            });
            eventually("orders come in", || next.load(Ordering::SeqCst) > kill * ORDERS);
            node.kill();
        });
        node.restart();
    }
    eventually("all is told", || waiting(&node) == 0);
    let texts = told(&folder);
    let of = |number: &usize| texts.iter().filter(|text| text.contains(&format!("AK1*PO*{number}~"))).count();
    let sent: Vec<usize> = (1..next.load(Ordering::SeqCst)).collect();
    assert!(sent.iter().all(|number| of(number) <= 1), "{texts:?}");
    assert_eq!(sent.iter().map(of).sum::<usize>() as u64, held(&node), "{texts:?}");
}

#[test]
fn where_no_answer_can_be_put_in_line_nothing_is_done_and_the_sender_is_told_to_come_again() {
    // A port at which nobody listens.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let node = start(&format!("url = \"http://{nobody}/\""));
    let mut taken = 0;
    let refused = loop {
        let answer = send(&node, &taken.to_string(), &order(taken));
        if answer.status != 200 {
            break answer;
        }
        taken += 1;
    };
    assert_eq!((refused.status, refused.problem().as_str()), (503, "overloaded"), "{}", refused.text());
    assert!(refused.text().contains("1000 messages for the channel wait already"), "{}", refused.text());
    assert_eq!((held(&node), waiting(&node) >= MAX_WAITING), (taken as u64, true));
    assert_eq!(node.get("/v1/dead-letters").ok()["items"], json!([]));
}

#[test]
fn a_file_that_cannot_be_moved_is_taken_and_answered_once() {
    let (folder, watched) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let watch = format!("[channels.partner.watch]\nfolder = {:?}\ntopic = \"x12\"", watched.path());
    let node = start(&format!("folder = {:?}\n{watch}", folder.path()));
    let done = watched.path().join("done");
    // Where a folder should be: nothing can be moved into it.
    std::fs::write(&done, "").unwrap();
    std::fs::write(watched.path().join("1.x12"), ORDER).unwrap();
    let trouble = || node.get("/v1/channels").ok()["items"][0]["trouble"].clone();
    eventually("it cannot be moved", || trouble() != Value::Null);
    // What is written later is taken once the folder was looked at again.
    std::fs::write(watched.path().join("0.x12"), order(2)).unwrap();
    eventually("the other one is taken", || held(&node) == 2);
    std::fs::remove_file(&done).unwrap();
    eventually("both are moved", || done.join("1.x12").exists() && done.join("0.x12").exists());
    eventually("all is told", || waiting(&node) == 0);
    let answers = told(&folder).iter().filter(|text| text.contains("ST*997*")).count();
    assert_eq!(answers, 2, "each is answered once");
}
