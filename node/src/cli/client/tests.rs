use super::*;

#[test]
fn a_sku_with_a_slash_stays_one_segment() {
    assert_eq!(encode("10/2 l"), "10%2F2%20l");
    assert_eq!(encode("caf\u{e9}:a~b"), "caf%C3%A9%3Aa~b");
}

#[test]
fn who_cannot_reach_a_node_is_told_how_to_start_one() {
    let error = Client::new("http://127.0.0.1:1").get("/v1/node").unwrap_err();
    assert!(error.to_string().contains("http://127.0.0.1:1"), "{error}");
    assert!(hint(&error).unwrap().contains("tillmesh run"));
}

#[test]
fn a_problem_says_what_to_do() {
    let refused = |kind: &str| anyhow::Error::from(ClientError::Refused { detail: "no".into(), kind: kind.into() });
    assert!(hint(&refused("/problems/cart-empty")).is_some());
    assert!(hint(&refused("/problems/invalid-field")).is_none(), "its detail says everything");
    assert!(hint(&refused("/problems/of-a-newer-node")).is_none());
}
