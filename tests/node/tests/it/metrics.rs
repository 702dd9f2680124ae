//! Metrics.

use serde_json::json;

use crate::support::shop::{channels, goods};
use crate::support::{Node, Setup, eventually};

/// The value of a series, by its name and labels as Prometheus writes them.
fn value(node: &Node, series: &str) -> Option<f64> {
    let text = node.get("/metrics").text();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok())
}

#[track_caller]
fn is(node: &Node, series: &str, expected: f64) {
    assert_eq!(value(node, series), Some(expected), "{series} in\n{}", node.get("/metrics").text());
}

#[test]
fn what_a_node_does_is_counted() {
    let till = Setup::new("till").location("shop").with_broker().start();
    let kiosk = Setup::new("kiosk").location("shop").linked_to(till.broker()).start();
    let answer = till.get("/metrics");
    let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(media)));
    assert!(answer.text().ends_with("# EOF\n"));
    till.sell("sale-1", "A", 1);
    till.sell("sale-2", "A", 1);
    till.post("/v1/stock/transfers", "transfer", &json!({ "to": "depot", "lines": [{ "sku": "A", "quantity": 1 }] }));
    is(&till, r#"tillmesh_commands_total{kind="sell",outcome="done"}"#, 2.0);
    is(&till, r#"tillmesh_commands_total{kind="transfer",outcome="refused"}"#, 1.0);
    is(&till, "tillmesh_commits_total", 2.0);
    is(&till, "tillmesh_commit_seconds_count", 2.0);
    is(&till, "tillmesh_commit_group_count", 2.0);
    is(&till, r#"tillmesh_http_requests_total{method="POST",route="/v1/sales",status="201"}"#, 2.0);
    is(&till, r#"tillmesh_http_requests_total{method="POST",route="/v1/stock/transfers",status="409"}"#, 1.0);
    is(&till, r#"tillmesh_http_request_seconds_count{method="POST",route="/v1/sales"}"#, 2.0);
    for node in [&till, &kiosk] {
        eventually("the link is up", || value(node, r#"tillmesh_link_up{link="mqtt"}"#) == Some(1.0));
    }
    eventually("the kiosk has heard", || kiosk.on_hand("A") == Some(-2));
    let heard = r#"tillmesh_messages_received_total{kind="digest",link="mqtt"}"#;
    eventually("digests are heard", || value(&kiosk, heard).is_some_and(|count| count > 0.0));
    eventually("what the link dropped is shown", || {
        value(&kiosk, r#"tillmesh_messages_dropped_total{kind="oversized",link="mqtt"}"#) == Some(0.0)
    });
    eventually("rows are written behind", || value(&till, "tillmesh_unwritten_rows") == Some(0.0));
    assert!(till.get("/metrics").text().contains(r#"tillmesh_messages_sent_total{kind="changes""#));
}

#[test]
fn how_a_plugin_s_call_ended_is_told_apart() {
    let node = Setup::new("till").settings(&channels()).start();
    for (id, topic) in ["honest", "fail", "trap", "loop", "bad-sku"].into_iter().enumerate() {
        let request = node.request("POST", "/v1/channels/odd/inbound").header("X-Message-Id", &id.to_string());
        request.header("X-Topic", topic).body(b"x").send();
    }
    for outcome in ["done", "failure", "trap", "limit", "answer"] {
        let call = format!(r#"{{plugin="misbehaving",hook="translate",outcome="{outcome}"}}"#);
        is(&node, &format!("tillmesh_plugin_calls_total{call}"), 1.0);
    }
    let of = |what: &str| value(&node, &format!(r#"tillmesh_plugin_{what}{{plugin="misbehaving",hook="translate"}}"#));
    assert!(of("fuel_sum").is_some_and(|fuel| fuel > 1e6));
    assert_eq!((of("fuel_count"), of("seconds_count")), (Some(5.0), Some(5.0)));
    is(&node, r#"tillmesh_commands_total{kind="channel",outcome="done"}"#, 1.0);
}

#[test]
fn what_a_plugin_counts_is_shown_and_however_much_it_makes_up_is_bounded() {
    let node = Setup::new("till").settings(&channels()).start();
    for id in ["1", "2"] {
        let request = node.request("POST", "/v1/channels/odd/inbound").header("X-Message-Id", id);
        request.header("X-Topic", "metrics").body(b"x").send();
    }
    is(&node, r#"tillmesh_plugin_counter_total{plugin="misbehaving",counter="rows"}"#, 10.0);
    assert_eq!(node.get("/metrics").text().matches("tillmesh_plugin_counter_total{").count(), 32);
}

#[test]
fn whatever_clients_make_up_is_one_series() {
    let node = Setup::new("till").start();
    for number in 0..20 {
        node.request("POST", &format!("/v1/{number}")).json(&goods("A", 1)).send();
        node.request(&format!("METHOD{number}"), "/v1/sales").send();
    }
    is(&node, r#"tillmesh_http_requests_total{method="POST",route="none",status="404"}"#, 20.0);
    is(&node, r#"tillmesh_http_requests_total{method="other",route="/v1/sales",status="405"}"#, 20.0);
}
