use super::*;
use crate::config::Secret;

fn inbound(body: &str, signature: &str) -> Inbound {
    let headers = vec![("X-Shopify-Hmac-Sha256".to_owned(), signature.to_owned())];
    Inbound { headers, body: Bytes::from(body.to_owned()) }
}

fn shopify() -> Signature {
    Signature::Shopify(Secret::new(b"hush".to_vec()))
}

/// The vector is the one that Shopify's client libraries test with (secret "hush", RFC 2104 HMAC with SHA-256).
#[test]
fn a_signed_webhook_is_taken_and_a_tampered_one_is_not() {
    let signed = "hMTq0K2x7oyOjoBwGYeTj5oxfnaVYXzbanUG9aajpKI=";
    assert!(check_signature(&shopify(), &inbound("\"my secret message\"", signed)).is_ok());
    for (body, signature) in
        [("\"my invalid message\"", signed), ("\"my secret message\"", "YmxhaGJsYWgK"), ("\"my secret message\"", "??")]
    {
        let result = check_signature(&shopify(), &inbound(body, signature));
        assert!(matches!(result, Err(ChannelError::Signature { .. })), "{body} {signature}");
    }
}

#[test]
fn a_webhook_without_a_signature_or_an_id_is_refused() {
    let bare = Inbound { headers: Vec::new(), body: Bytes::new() };
    assert!(matches!(check_signature(&shopify(), &bare), Err(ChannelError::Signature { .. })));
    let name = Name::new("shop").unwrap();
    assert!(matches!(message_of(&name, &shopify(), &bare), Err(ChannelError::Header { .. })));
}
