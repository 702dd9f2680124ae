use bytes::Bytes;

use super::*;

fn whole(body: &str) -> Body {
    Body::Whole(Bytes::from(body.to_owned()))
}

fn inbound(body: &str, signature: &str) -> Inbound {
    let headers = vec![("X-Shopify-Hmac-Sha256".to_owned(), signature.to_owned())];
    Inbound { headers, body: whole(body) }
}

fn shopify() -> Signature {
    Signature::Shopify(Secret::new("hush".to_owned()))
}

/// The vector is the one that Shopify's client libraries test with (secret "hush", RFC 2104 HMAC with SHA-256).
#[test]
fn a_signed_webhook_is_taken_and_a_tampered_one_is_not() {
    let signed = "hMTq0K2x7oyOjoBwGYeTj5oxfnaVYXzbanUG9aajpKI=";
    assert!(check(&shopify(), &inbound("\"my secret message\"", signed)).is_ok());
    for (body, signature) in
        [("\"my invalid message\"", signed), ("\"my secret message\"", "YmxhaGJsYWgK"), ("\"my secret message\"", "??")]
    {
        let result = check(&shopify(), &inbound(body, signature));
        assert!(matches!(result, Err(ChannelError::Signature { .. })), "{body} {signature}");
    }
}

#[test]
fn a_webhook_without_a_signature_or_an_id_is_refused() {
    let bare = Inbound { headers: Vec::new(), body: whole("") };
    assert!(matches!(check(&shopify(), &bare), Err(ChannelError::Signature { .. })));
    let name = Name::new("shop").unwrap();
    assert!(matches!(message_of(&name, &shopify(), &bare), Err(ChannelError::Header { .. })));
}

/// The vectors of the other schemes were made with OpenSSL: `openssl dgst -sha256 -hmac hush -binary | base64`.
#[test]
fn each_scheme_signs_what_its_channel_does_and_nothing_else() {
    let secret = || Secret::new("hush".to_owned());
    let square = |url: &str| Signature::Square { key: secret(), notification_url: url.to_owned() };
    let woocommerce = Signature::WooCommerce(secret());
    let body = "{\"event_id\":\"e-1\",\"type\":\"inventory.count.updated\"}";
    let inbound = |header: &str, signature: &str| Inbound {
        headers: vec![(header.to_owned(), signature.to_owned())],
        body: whole(body),
    };
    let bare = "nnQ1AX2EWY8/9i6ThfSNslYlSPDUkoHXxFrmn+DkrZ8=";
    let with_address = "23jo6/TvDg6dkPxsRiDg6yDKnQhxAIA3LZvIqD05bY0=";
    let (of_woocommerce, of_square) = ("X-WC-Webhook-Signature", "X-Square-Hmacsha256-Signature");
    assert!(check(&woocommerce, &inbound(of_woocommerce, bare)).is_ok());
    assert!(check(&woocommerce, &inbound(of_square, bare)).is_err());
    assert!(check(&square("https://node.example/hook"), &inbound(of_square, with_address)).is_ok());
    assert!(check(&square("https://node.example/hook"), &inbound(of_square, bare)).is_err());
    assert!(check(&square("https://node.example/hook/"), &inbound(of_square, with_address)).is_err());
}

#[test]
fn a_message_is_named_where_its_channel_names_it() {
    let name = Name::new("shop").unwrap();
    let secret = || Secret::new("hush".to_owned());
    let square = Signature::Square { key: secret(), notification_url: String::new() };
    let of = |signature: &Signature, headers: &[(&str, &str)], body: &str| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        message_of(&name, signature, &Inbound { headers, body: whole(body) })
    };
    let named = [("X-WC-Webhook-Delivery-ID", "7"), ("X-WC-Webhook-Topic", "order.created")];
    let message = of(&Signature::WooCommerce(secret()), &named, "{}").unwrap();
    assert_eq!(&*message.topic, "order.created");
    let other = of(&Signature::WooCommerce(secret()), &named, "{ }").unwrap();
    assert!(message.id.starts_with("7-") && message.id != other.id, "two deliveries of one second are two messages");
    let message = of(&square, &[], "{\"event_id\":\"e-1\",\"type\":\"order.created\"}").unwrap();
    assert_eq!((&*message.id, &*message.topic), ("e-1", "order.created"));
    for (body, field) in [("{\"type\":\"x\"}", "event_id"), ("{\"event_id\":\"e\"}", "type"), ("x", "event_id")] {
        let error = of(&square, &[], body).unwrap_err();
        assert!(matches!(&error, ChannelError::Body { field: found, .. } if *found == field), "{body}: {error}");
    }
}
