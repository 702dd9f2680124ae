//! Backups of running nodes, and what is made of them.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::shop::sale_of;
use crate::support::{Node, Setup, component, eventually, stderr, stdout, tillmesh};

/// Saves a node to a file and gives what was said.
#[track_caller]
fn save(node: &Node, file: &Path) -> Value {
    let output = tillmesh(&["backup", file.to_str().unwrap(), "--json", "--url", &node.url()]);
    assert!(output.status.success(), "{}", stderr(&output));
    let said: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let metadata = fs::metadata(file).unwrap();
    assert_eq!((said["bytes"].as_u64(), metadata.permissions().mode() & 0o777), (Some(metadata.len()), 0o600));
    said
}

/// Puts a backup in the place of a node's store and starts the node.
#[track_caller]
fn restore(node: &mut Node, file: &Path) {
    node.terminate();
    node.delete_data();
    let output = tillmesh(&[
        "restore",
        file.to_str().unwrap(),
        "--node",
        node.name(),
        "--data",
        node.data().to_str().unwrap(),
        "--json",
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let said: Value = serde_json::from_str(&stdout(&output)).unwrap();
    node.restart();
    assert_eq!(node.get("/v1/node").ok()["epoch"], said["epoch"]);
}

#[track_caller]
fn refusal(arguments: &[&str]) -> String {
    let output = tillmesh(arguments);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""), "{arguments:?}");
    stderr(&output)
}

#[test]
fn a_restored_node_holds_everything_and_begins_a_new_epoch_with_receipts_of_its_own() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("till.backup");
    let mut till = Setup::new("till").start();
    till.put_product("A", 250);
    till.receive("receipt", "A", 100);
    let cart = till.cart_of("cart", "A", 2);
    let sold = till.sell("sale-1", "A", 3);
    let before = (till.state(), till.get("/v1/node").ok());
    let said = save(&till, &file);
    assert_eq!((&said["position"], &before.1["position"]), (&before.1["position"], &said["position"]));
    till.sell("sale-2", "A", 4);
    restore(&mut till, &file);
    assert_eq!(till.state(), before.0);
    assert_eq!(till.get(&format!("/v1/carts/{cart}")).ok()["state"], "open");
    assert_ne!(till.get("/v1/node").ok()["epoch"], before.1["epoch"]);
    let again = till.post("/v1/sales", "sale-1", &sale_of("A", 3));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.ok(), sold);
    let order = till.sell("sale-3", "A", 5);
    assert!(order["receipt_number"].as_str().unwrap().ends_with("-1"), "{order}");
    assert_ne!(order["receipt_number"], sold["receipt_number"]);
    assert_eq!(till.on_hand("A"), Some(92));
}

#[test]
fn a_backup_made_while_the_node_sells_joins_its_fleet_and_all_agree() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("till.backup");
    let till = Setup::new("till").location("shop").with_broker().start();
    let mut spare = Setup::new("spare").location("shop").linked_to(till.broker()).start();
    till.receive("receipt", "A", 100_000);
    let begun = AtomicBool::new(false);
    let done = AtomicBool::new(false);
    let (said, sold) = std::thread::scope(|scope| {
        let selling = scope.spawn(|| {
            let mut sold = 0;
            while !done.load(Ordering::SeqCst) {
                sold += 1;
                till.sell(&format!("sale-{sold}"), "A", 1);
                begun.store(true, Ordering::SeqCst);
            }
            sold
        });
        eventually("sales begin", || begun.load(Ordering::SeqCst));
        let before = till.position();
        let said = save(&till, &file);
        eventually("it sells on", || till.position() > said["position"].as_u64().unwrap());
        done.store(true, Ordering::SeqCst);
        assert!(said["position"].as_u64().unwrap() >= before);
        (said, selling.join().unwrap())
    });
    assert!(said["position"].as_u64().unwrap() < till.position());
    restore(&mut spare, &file);
    let order = spare.sell("spare-sale", "A", 2);
    assert!(order["receipt_number"].as_str().unwrap().ends_with("-1"), "{order}");
    let left = Some(100_000 - sold - 2);
    eventually("both know every sale", || till.on_hand("A") == left && spare.on_hand("A") == left);
    eventually("both hold the same", || till.state() == spare.state());
}

#[test]
fn a_node_makes_one_backup_at_a_time() {
    let folder = TempDir::new().unwrap();
    // More than two sockets hold, so that a client that does not read keeps its backup going.
    let mut big = fs::read(component("shopify")).unwrap();
    big.extend([0, 0x80, 0x80, 0x80, 0x10, 1, b'x']);
    big.resize(big.len() + (32 << 20) - 2, 7);
    let path = folder.path().join("big.wasm");
    fs::write(&path, big).unwrap();
    let node = Setup::new("till").settings(&format!("[plugins.big]\ncomponent = {path:?}\n")).start();
    let first = {
        let mut stream = TcpStream::connect(node.address()).unwrap();
        stream.write_all(b"GET /v1/backup HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut stream = BufReader::new(stream);
        let mut status = String::new();
        stream.read_line(&mut status).unwrap();
        assert!(status.starts_with("HTTP/1.1 200"), "{status:?}");
        stream
    };
    let answer = node.get("/v1/backup");
    assert_eq!((answer.status, answer.problem().as_str()), (409, "backup-running"));
    let file = folder.path().join("second");
    let said = refusal(&["backup", file.to_str().unwrap(), "--url", &node.url()]);
    assert!(said.contains("backup") && said.contains("hint:  A node makes one backup at a time."), "{said}");
    assert!(!file.exists());
    drop(first);
    eventually("there is room again", || node.get("/v1/backup").status == 200);
    save(&node, &file);
}

#[test]
fn backup_and_restore_overwrite_nothing_and_take_no_damaged_file() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let node = Setup::new("till").start();
    node.receive("receipt", "A", 1);
    fs::write(path("precious"), "precious").unwrap();
    let said = refusal(&["backup", &path("precious"), "--url", &node.url()]);
    assert!(said.contains("never overwrites"), "{said}");
    assert_eq!(fs::read_to_string(path("precious")).unwrap(), "precious");
    save(&node, Path::new(&path("backup")));
    let mut bytes = fs::read(path("backup")).unwrap();
    fs::write(path("cut"), &bytes[..bytes.len() - 1]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path("changed"), bytes).unwrap();
    let restore = |file: &str| refusal(&["restore", &path(file), "--node", "b", "--data", &path("b")]);
    assert!(restore("precious").contains("it is not a backup of a node"));
    for file in ["cut", "changed"] {
        let said = restore(file);
        assert!(said.contains("the backup is damaged") && said.contains("hint:"), "{said}");
    }
    assert!(!Path::new(&path("b/tillmesh.redb")).exists());
    let data = node.data().to_str().unwrap().to_owned();
    let said = refusal(&["restore", &path("backup"), "--node", "till", "--data", &data]);
    assert!(said.contains("holds a store already") && said.contains("hint:"), "{said}");
}
