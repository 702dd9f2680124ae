//! Commands that need no running node: the check of a store, the making of one, and the demonstration.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rebuild::trade;
use crate::support::http::Request;
use crate::support::shop::usd;
use crate::support::{Setup, command, eventually, stderr, stdout, tillmesh};

/// A text that stands as it is in events and in a row of a projection.
const MARK: &str = "mark-7319";

fn verify(data: &Path) -> Output {
    tillmesh(&["verify", "--node", "till", "--fleet", "tests", "--data", data.to_str().unwrap(), "--json"])
}

fn report(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

#[test]
fn a_check_finds_one_altered_byte_in_an_envelope_or_in_a_projection() {
    let mut node = Setup::new("till").start();
    node.put("/v1/products/A", "product", &json!({ "name": MARK, "price": usd(250) })).ok();
    node.receive("receipt", "A", 9);
    let line = json!({ "sku": "A", "quantity": 2, "amount": usd(500) });
    let sale = json!({ "lines": [line], "customer_ref": MARK });
    node.post("/v1/sales", "sale", &sale).ok();
    let running = verify(&node.data());
    assert_eq!(running.status.code(), Some(1));
    assert!(stderr(&running).contains("hint:  Stop the node first."), "{}", stderr(&running));
    node.terminate();
    let sound = verify(&node.data());
    let said = report(&sound);
    assert_eq!((sound.status.code(), &said["faults"], &said["commits"]), (Some(0), &json!(0), &json!(3)), "{said}");
    assert!(said["rows"].as_u64().unwrap() > 0, "{said}");
    let store = fs::read(node.data().join("tillmesh.redb")).unwrap();
    let marks = (0..store.len()).filter(|at| store[*at..].starts_with(MARK.as_bytes()));
    let mut told = String::new();
    for at in marks {
        let altered = TempDir::new().unwrap();
        let mut store = store.clone();
        store[at] ^= 1;
        fs::write(altered.path().join("tillmesh.redb"), store).unwrap();
        let output = verify(altered.path());
        let said = report(&output);
        // A place that the database has left is nobody's any more.
        assert_eq!(output.status.success(), said["faults"] == 0, "{said}");
        told += &format!("{}\n", said["first_faults"]);
    }
    assert!(told.contains("commit 3, envelope 0: its signature does not hold"), "{told}");
    assert!(told.contains("1 rows are not what the log says, 0 are missing"), "{told}");
}

#[test]
fn a_check_finds_nothing_wrong_with_stores_whose_nodes_were_killed() {
    let mut till = Setup::new("till").location("shop").with_broker().start();
    let mut kiosk = Setup::new("kiosk").location("shop").linked_to(till.broker()).start();
    eventually("the kiosk is linked", || kiosk.get("/v1/node").ok()["link"]["state"] == "up");
    trade(&till, &kiosk);
    eventually("both hold the same", || till.state() == kiosk.state());
    for node in [&mut till, &mut kiosk] {
        node.kill();
        let data = node.data();
        let arguments = ["verify", "--node", node.name(), "--fleet", "tests", "--data", data.to_str().unwrap()];
        let output = tillmesh(&arguments);
        assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
        assert!(stdout(&output).contains("All is well"), "{}", stdout(&output));
    }
}

#[test]
fn a_check_is_of_the_store_of_that_node_in_that_fleet() {
    let mut node = Setup::new("till").start();
    node.receive("receipt", "A", 9);
    node.terminate();
    let data = node.data();
    let data = data.to_str().unwrap();
    let other = tillmesh(&["verify", "--node", "kiosk", "--fleet", "tests", "--data", data]);
    assert!(stderr(&other).contains("the store belongs to node till, not to kiosk"), "{}", stderr(&other));
    let fleet = tillmesh(&["verify", "--node", "till", "--fleet", "north", "--data", data]);
    assert_eq!(fleet.status.code(), Some(1));
    assert!(stdout(&fleet).contains("these were checked for north"), "{}", stdout(&fleet));
    let none = TempDir::new().unwrap();
    let missing = verify(none.path());
    assert!(stderr(&missing).contains("holds no store"), "{}", stderr(&missing));
    assert_eq!(fs::read_dir(none.path()).unwrap().count(), 0, "a check makes no store");
}

#[test]
fn a_new_node_starts_in_the_epoch_and_with_the_settings_that_it_was_made_with() {
    let mut node = Setup::new("till").start();
    let data = node.data();
    let arguments = ["init", "--node", "till", "--location", "shop", "--data", data.to_str().unwrap(), "--json"];
    let refused = tillmesh(&arguments);
    assert!(stderr(&refused).contains("holds a store already"), "{}", stderr(&refused));
    node.terminate();
    node.delete_data();
    let made = tillmesh(&arguments);
    assert!(made.status.success(), "{}", stderr(&made));
    let said: Value = serde_json::from_str(&stdout(&made)).unwrap();
    let config = said["config"].as_str().unwrap();
    let checked = tillmesh(&["verify", "--config", config]);
    assert!(checked.status.success(), "{}{}", stdout(&checked), stderr(&checked));
    node.restart();
    assert_eq!(node.get("/v1/node").ok()["epoch"], said["epoch"]);
    let before = fs::read(config).unwrap();
    assert!(stderr(&tillmesh(&arguments)).contains("init never overwrites"));
    assert_eq!(fs::read(config).unwrap(), before);
}

#[test]
fn the_demonstration_is_a_filled_shop_that_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let mut command = command();
    command.args(["demo", "--listen", "127.0.0.1:0"]).env("TMPDIR", folder.path());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    output.read_line(&mut first).unwrap();
    let url = first.split_whitespace().find(|word| word.starts_with("http://")).unwrap().trim_end_matches('.');
    let stock = Request::new("GET", format!("{url}/v1/stock")).send().ok();
    assert_eq!(stock["items"].as_array().map(Vec::len), Some(5), "{stock}");
    assert!(fs::read_dir(folder.path()).unwrap().count() > 0);
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(rest.contains("curl -s http://") && rest.contains("--broker mqtt://"), "{rest}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
