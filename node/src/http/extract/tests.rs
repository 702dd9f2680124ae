use axum::extract::Request;
use axum::http::HeaderValue;
use serde_json::Value;
use tillmesh_core::id::Name;

use super::*;

fn name(problem: &Problem) -> String {
    problem.to_string().split(':').next().unwrap_or_default().to_owned()
}

fn headers(keys: &[&'static [u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for key in keys {
        headers.append("idempotency-key", HeaderValue::from_bytes(key).unwrap());
    }
    headers
}

fn key(method: &Method, path: &str, keys: &[&'static [u8]], body: &[u8]) -> Result<Key, Problem> {
    Key::of(method, &path.parse().unwrap(), &headers(keys), body)
}

async fn write(body: Body, media: &str) -> Result<Value, Problem> {
    let request = Request::builder().uri("/v1/sales").header("content-type", media).body(body).unwrap();
    Write::<Value>::from_request(request, &()).await.map(|write| write.body)
}

#[test]
fn a_key_is_visible_ascii() {
    for good in ["a", "order#12/3", "~"] {
        assert!(check_key("key", good).is_ok(), "{good}");
    }
    let long = "k".repeat(MAX_KEY + 1);
    for bad in ["", "a b", "a\u{e4}", "tab\t", &long] {
        assert_eq!(name(&check_key("key", bad).unwrap_err()), "invalid-idempotency-key", "{bad:?}");
    }
    assert!(check_key("key", &long[1..]).is_ok());
}

#[test]
fn a_key_is_given_once() {
    let twice = key(&Method::POST, "/v1/sales", &[b"a", b"a"], b"");
    assert_eq!(name(&twice.unwrap_err()), "invalid-idempotency-key");
    assert!(key(&Method::POST, "/v1/sales", &[b"\xff"], b"").is_err());
}

#[test]
fn method_path_and_body_tell_requests_apart() {
    let digest = |method, path, body: &[u8]| key(method, path, &[b"k"], body).unwrap().digest;
    let one = digest(&Method::POST, "/v1/carts/a/lines", b"{}");
    assert_eq!(one, digest(&Method::POST, "/v1/carts/a/lines", b"{}"));
    assert_ne!(one, digest(&Method::POST, "/v1/carts/b/lines", b"{}"));
    assert_ne!(one, digest(&Method::PATCH, "/v1/carts/a/lines", b"{}"));
    assert_ne!(one, digest(&Method::POST, "/v1/carts/a/lines", b"{ }"));
}

#[test]
fn parameters_are_known_and_given_once() {
    let params = |query: &str| Params::read(&format!("/v1/stock?{query}").parse().unwrap());
    assert_eq!(name(&params("location=a&location=b").unwrap_err()), "invalid-parameter");
    let mut given = params("location=store%2D1&loc=x").unwrap();
    assert_eq!(given.id::<Name>("location").unwrap().unwrap().as_str(), "store-1");
    assert_eq!(name(&given.finish().unwrap_err()), "invalid-parameter");
    assert_eq!(name(&params("location=a%20b").unwrap().id::<Name>("location").unwrap_err()), "invalid-parameter");
    assert!(params("state=ope").unwrap().word("state", &["open"]).is_err());
}

#[tokio::test]
async fn a_body_has_a_limit_stated_or_not() {
    let large = vec![b' '; MAX_BODY + 1];
    let stated = Request::builder().header("content-length", large.len()).body(Body::empty()).unwrap();
    let (parts, body) = stated.into_parts();
    assert_eq!(name(&read_body(&parts.headers, body, MAX_BODY).await.unwrap_err()), "body-too-large");
    let streamed = futures_util::stream::iter(
        large.chunks(1_000).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect::<Vec<_>>(),
    );
    let unstated = write(Body::from_stream(streamed), "application/json").await;
    assert_eq!(name(&unstated.unwrap_err()), "body-too-large");
}

#[tokio::test]
async fn a_body_is_json_and_says_so() {
    assert_eq!(write(Body::from("{}"), "Application/JSON; charset=utf-8").await.unwrap(), serde_json::json!({}));
    for media in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        let refused = write(Body::from("{}"), media).await.unwrap_err();
        assert_eq!(name(&refused), "unsupported-media-type", "{media}");
    }
}

#[tokio::test]
async fn a_request_without_a_body_takes_none() {
    let request = |body| Request::builder().method("DELETE").uri("/v1/carts/a/lines/b").body(body).unwrap();
    assert!(Key::from_request(request(Body::empty()), &()).await.is_ok());
    assert!(Key::from_request(request(Body::from("{}")), &()).await.is_err());
}
