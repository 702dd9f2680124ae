use super::*;

fn routed(uri: &str) -> Option<String> {
    inner(&uri.parse().unwrap()).map(|uri| uri.to_string())
}

#[test]
fn an_action_is_a_segment_within() {
    assert_eq!(routed("/v1/carts/abc:checkout").as_deref(), Some("/v1/carts/abc/~checkout"));
    assert_eq!(routed("/v1/carts/abc%3Acheckout?x=1").as_deref(), Some("/v1/carts/abc/~checkout?x=1"));
    for action in ["claim", "fork", "merge"] {
        assert_eq!(routed(&format!("/v1/carts/abc:{action}")), Some(format!("/v1/carts/abc/~{action}")));
    }
    assert_eq!(outer("/v1/carts/{id}/~checkout"), "/v1/carts/{id}:checkout");
}

#[test]
fn colons_elsewhere_stay() {
    for uri in ["/v1/carts/abc", "/v1/carts/abc:other", "/v1/carts/abc/lines/a:checkout", "/v1/products/a:checkout"] {
        assert_eq!(routed(uri), None, "{uri}");
    }
    assert_eq!(routed("/v1/sales:import"), None);
}

#[test]
fn the_address_within_is_none_from_outside() {
    assert_eq!(routed("/v1/carts/abc/~checkout").as_deref(), Some("/v1/carts/abc/%7Echeckout"));
}
