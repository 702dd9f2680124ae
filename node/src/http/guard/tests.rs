use axum::http::HeaderValue;

use super::*;

fn listening(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

fn is_known(host: &str, listen: &str, allowed: &[&str]) -> bool {
    let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
    check_host(host, listening(listen), &allowed).is_ok()
}

fn may_write(method: &Method, origin: Option<&'static str>, host: &str) -> bool {
    let mut headers = HeaderMap::new();
    origin.map(|origin| headers.insert(header::ORIGIN, HeaderValue::from_static(origin)));
    check_origin(method, &headers, host).is_ok()
}

#[test]
fn loopback_is_always_known() {
    for host in
        ["localhost", "localhost:7210", "127.0.0.1:7210", "127.8.8.8", "[::1]:7210", "[::1]", "node.localhost:1"]
    {
        assert!(is_known(host, "127.0.0.1:7210", &[]), "{host}");
    }
}

#[test]
fn a_name_that_somebody_else_controls_is_not() {
    for host in
        ["evil.example", "evil.example:7210", "localhost.evil.example", "127.0.0.1.evil.example", "", "10.0.0.5"]
    {
        assert!(!is_known(host, "127.0.0.1:7210", &[]), "{host}");
    }
}

#[test]
fn the_address_that_is_listened_on_and_allowed_names_are_known() {
    assert!(is_known("10.0.0.5:7210", "10.0.0.5:7210", &[]));
    assert!(!is_known("10.0.0.6:7210", "10.0.0.5:7210", &[]));
    assert!(is_known("10.0.0.6:7210", "0.0.0.0:7210", &[]));
    assert!(!is_known("till.shop.example", "0.0.0.0:7210", &[]));
    assert!(is_known("till.shop.example:7210", "0.0.0.0:7210", &["Till.Shop.Example"]));
    assert!(is_known("till.shop.example:7210", "0.0.0.0:7210", &["till.shop.example:7210"]));
}

#[test]
fn a_page_of_another_origin_may_not_write() {
    let host = "127.0.0.1:7210";
    assert!(may_write(&Method::POST, None, host));
    assert!(may_write(&Method::POST, Some("http://127.0.0.1:7210"), host));
    for origin in ["http://evil.example", "null", "http://127.0.0.1:8080", "http://localhost:7210", "file://"] {
        assert!(!may_write(&Method::POST, Some(origin), host), "{origin}");
        assert!(may_write(&Method::GET, Some(origin), host), "{origin}");
    }
}
