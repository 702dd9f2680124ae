//! The interface as its users know it: what changes here changes for them. After a change that is meant,
//! `INSTA_UPDATE=always cargo test -p tillmesh-node-tests` writes the snapshots anew.

use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{Setup, command, stderr, stdout, tillmesh};

/// Where no node listens: ports below 1024 are not given to programs that ask for any.
const NOBODY: &str = "http://127.0.0.1:1";

#[test]
fn the_command_line_explains_itself() {
    let mut text = String::new();
    explain(&mut Vec::new(), &mut text);
    assert_snapshot!("help", text);
}

/// The help of a command and of every command below it.
fn explain(words: &mut Vec<String>, text: &mut String) {
    let arguments: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
    let output = tillmesh(&arguments);
    assert!(output.status.success(), "{words:?}: {}", stderr(&output));
    let help = stdout(&output);
    *text += &format!("$ tillmesh {}\n{help}\n", arguments.join(" "));
    let below = help.split_once("Commands:\n").map_or("", |(_, rest)| rest);
    for line in below.lines().take_while(|line| !line.is_empty()) {
        // A description that is wrapped is indented further.
        let command = line.strip_prefix("  ").filter(|line| !line.starts_with(' '));
        if let Some(name) = command.and_then(|line| line.split_whitespace().next()) {
            words.push(name.to_owned());
            explain(words, text);
            words.pop();
        }
    }
}

#[test]
fn a_command_whose_reader_stops_reading_ends_without_a_word() {
    let node = Setup::new("till").start();
    node.put_product("A", 250);
    let day = ["day", "report", "--url", &node.url()];
    for arguments in [&day[..], &["stock", "A", "--url", &node.url()], &["stock", "A", "--json", "--url", &node.url()]]
    {
        let mut child = command().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(0)), "{arguments:?}");
    }
}

#[test]
fn errors_of_the_command_line_say_what_is_wrong_and_what_to_do() {
    let node = Setup::new("till").start();
    let url = node.url();
    let commands: [&[&str]; 8] = [
        &["stock", "A", "--url", NOBODY],
        &["stock", "A", "--url", &url],
        &["stock", "receipt", "A", "--url", &url],
        &["stock", "receipt", "A=0", "--url", &url],
        &["stock", "transfer", "--to", "depot", "A=1", "--url", &url],
        &["cart", "show", "no", "--url", &url],
        &["sales", "import", "/no/such/file", "--url", &url],
        &["sell"],
    ];
    let mut text = String::new();
    for arguments in commands {
        let output = tillmesh(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
        let code = output.status.code().unwrap();
        let said = stderr(&output).replace(&url, "URL");
        text += &format!("$ tillmesh {}\n{said}exit code {code}\n\n", arguments.join(" ").replace(&url, "URL"));
    }
    assert_snapshot!("errors", text);
}

#[test]
fn commands_show_what_the_node_holds() {
    let node = Setup::new("till").start();
    node.put_product("A", 250);
    node.receive("receipt", "A", 5);
    node.sell("sale", "A", 2);
    let run = |arguments: &[&str]| {
        let output = tillmesh(&[arguments, &["--url", &node.url()]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    let text = [run(&["stock", "A"]), run(&["stock", "list"])].join("\n");
    assert_snapshot!("stock", text);
    let shown: Value = serde_json::from_str(&run(&["stock", "A", "--json"])).unwrap();
    assert_eq!(shown, node.get("/v1/stock/A").ok());
    let status: Value = serde_json::from_str(&run(&["status", "--json"])).unwrap();
    assert_eq!(status["node"]["node"], "till");
    run(&["stock", "count", "A=9", "--key", "count"]);
    run(&["stock", "count", "A=9", "--key", "count"]);
    assert_eq!(node.on_hand("A"), Some(9));
}

#[test]
fn a_cart_goes_from_beginning_to_receipt_on_the_command_line() {
    let node = Setup::new("till").start();
    node.put_product("A", 250);
    let run = |arguments: &[&str]| {
        let output = tillmesh(&[&["cart"], arguments, &["--json", "--url", &node.url()]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        serde_json::from_str::<Value>(&stdout(&output)).unwrap()
    };
    let cart = run(&["create", "--customer", "customer-7"])["id"].as_str().unwrap().to_owned();
    run(&["add", &cart, "A", "3"]);
    run(&["set", &cart, "A", "2"]);
    assert_eq!(run(&["list", "--customer", "customer-7"])[0]["total"]["amount"], 500);
    let order = run(&["checkout", &cart, "--tender", "card"]);
    assert_eq!((&order["total"], &order["total"]), (&order["tenders"][0]["amount"], &order["subtotal"]));
    let shown = tillmesh(&["order", "show", order["id"].as_str().unwrap(), "--url", &node.url()]);
    assert!(stdout(&shown).contains("5.00 USD"), "{}", stdout(&shown));
}

#[test]
fn the_description_of_the_api_lists_its_calls() {
    let node = Setup::new("till").start();
    let document = node.get("/openapi.json").ok();
    assert_eq!(document["openapi"], "3.1.0");
    let mut lines = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let statuses: Vec<&str> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
            lines.push(format!("{path} {} {}", method.to_uppercase(), statuses.join(" ")));
        }
    }
    lines.sort();
    let text = lines.join("\n");
    assert_snapshot!("calls", text);
}
