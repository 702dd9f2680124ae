//! Where a node listens, and how it ends.

use crate::support::{Setup, command, stderr, tillmesh};

const FLAG: &str = "--allow-network-access-without-authentication";

#[test]
fn an_address_that_others_can_reach_is_refused_without_the_flag_that_names_the_risk() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for wide in [["--listen", "0.0.0.0:0"], ["--listen", "[::]:0"], ["--embedded-broker", "0.0.0.0:0"]] {
        let mut arguments = vec!["run", "--node", "till", "--data", data.to_str().unwrap(), "--log", "error"];
        arguments.extend(["--listen", "127.0.0.1:0"].iter().filter(|_| wide[0] != "--listen"));
        arguments.extend(wide);
        let output = tillmesh(&arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{wide:?}: {said}");
        assert!(
            said.contains(wide[1]) && said.contains("others can reach this address") && said.contains(FLAG),
            "{said}"
        );
        assert!(!data.exists(), "nothing was begun");
    }
}

#[test]
fn with_the_flag_a_wide_address_is_taken_with_a_warning() {
    let settings = "[http]\nallow_network_access_without_authentication = true\nallowed_hosts = [\"till.example\"]\n";
    let node = Setup::new("till").settings(settings).wide().start();
    assert!(node.log().contains("there is no access control"), "{}", node.log());
    let call = |host: &str| node.request("GET", "/health").header("Host", host).send().status;
    assert_eq!((call("till.example"), call("192.0.2.7"), call("evil.example")), (200, 200, 421));
}

#[test]
fn a_wrong_setting_is_named_with_its_line_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("node.toml");
    for (text, says) in [
        ("[node]\nfleet = \"a\"\nregoin = \"b\"\n", ["line 3", "regoin"]),
        ("[http]\nlisten = \"here\"\n", ["http.listen", "IP:PORT"]),
        ("[plugins.p]\ncomponent = \"no.wasm\"\n", ["plugin p", "no.wasm"]),
        ("[plugins.p]\ncomponent = \"node.toml\"\n", ["plugin p", "no WebAssembly"]),
    ] {
        std::fs::write(&config, text).unwrap();
        let data = folder.path().join("data");
        let output = command()
            .args(["run", "--node", "till", "--log", "error", "--config", config.to_str().unwrap()])
            .args(["--data", data.to_str().unwrap()])
            .output()
            .unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(says.iter().all(|piece| said.contains(piece)), "{says:?}: {said}");
    }
}

#[test]
fn a_store_that_a_node_has_open_is_not_opened_again() {
    let node = Setup::new("till").start();
    node.sell("sale", "A", 1);
    let output =
        tillmesh(&["run", "--node", "till", "--listen", "127.0.0.1:0", "--data", node.data().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(node.on_hand("A"), Some(-1));
}
