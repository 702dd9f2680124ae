use super::*;

fn parsed(text: &str) -> BrokerUrl {
    text.parse().unwrap()
}

fn refused(text: &str) -> InvalidBrokerUrl {
    text.parse::<BrokerUrl>().unwrap_err()
}

#[test]
fn every_part_is_found() {
    let url = parsed("mqtt://till:s%3Acret@broker.store-7.example:1884");
    assert_eq!((url.host(), url.port()), ("broker.store-7.example", 1884));
    assert_eq!((url.user(), url.password()), (Some("till"), Some("s:cret")));
}

#[test]
fn what_is_left_out_has_its_default() {
    let url = parsed("mqtt://localhost");
    assert_eq!((url.host(), url.port(), url.user(), url.password()), ("localhost", 1883, None, None));
    assert_eq!(parsed("MQTT://localhost/"), url);
    assert_eq!(parsed("mqtt://till@localhost").password(), None);
}

#[test]
fn a_broker_over_tls_has_a_port_of_its_own() {
    let url = parsed("mqtts://till:s@broker");
    assert_eq!((url.is_tls(), url.port(), url.to_string()), (true, 8883, "mqtts://till@broker:8883".to_owned()));
    assert!(!parsed("mqtt://broker").is_tls());
    assert_eq!(parsed("mqtts://broker:1").port(), 1);
}

#[test]
fn addresses_of_both_families_are_hosts() {
    assert_eq!(parsed("mqtt://127.0.0.1:1").host(), "127.0.0.1");
    let url = parsed("mqtt://u:p@[::1]:1884");
    assert_eq!((url.host(), url.port()), ("::1", 1884));
    assert_eq!(url.to_string(), "mqtt://u@[::1]:1884");
    assert_eq!(parsed("mqtt://[::1]").port(), 1883);
}

#[test]
fn a_password_is_never_shown() {
    for text in ["mqtt://till:hunter2@broker", "mqtt://till:hun@ter2@broker", "mqtt://till:hunter2:x@broker"] {
        let url = parsed(text);
        for shown in [format!("{url}"), format!("{url:?}"), format!("{url:#?}")] {
            assert_eq!(shown, "mqtt://till@broker:1883");
        }
    }
}

#[test]
fn an_error_never_shows_a_password() {
    let texts = [
        "till:hunter2@broker",
        "http://till:hunter2@broker",
        "mqtts://till:hunter2@broker/path",
        "mqtt://till:hunter2@",
        "mqtt://till:hunter2@broker:0",
        "mqtt://till:hunter2@broker/path",
        "mqtt://till:hunter2%zz@broker",
        "mqtt://:hunter2@broker",
        "mqtt://till:hunter2",
    ];
    for text in texts {
        let error = refused(text);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn each_mistake_has_its_own_error() {
    assert_eq!(refused("broker:1883"), InvalidBrokerUrl::Scheme);
    assert_eq!(refused("ws://broker"), InvalidBrokerUrl::Scheme);
    assert_eq!(refused("mqtt://"), InvalidBrokerUrl::Host { host: String::new() });
    assert_eq!(refused("mqtt://a b"), InvalidBrokerUrl::Host { host: "a b".into() });
    assert_eq!(refused("mqtt://[::g]"), InvalidBrokerUrl::Host { host: "[::g]".into() });
    assert_eq!(refused("mqtt://broker:"), InvalidBrokerUrl::Port { port: "no number".into() });
    assert_eq!(refused("mqtt://broker:65536"), InvalidBrokerUrl::Port { port: "65536".into() });
    assert_eq!(refused("mqtt://broker:+5"), InvalidBrokerUrl::Port { port: "no number".into() });
    assert_eq!(refused("mqtt://broker/shop"), InvalidBrokerUrl::Path);
    assert_eq!(refused("mqtt://till:%ff@broker"), InvalidBrokerUrl::Login);
    assert_eq!(refused("mqtt://:secret@broker"), InvalidBrokerUrl::UserMissing);
}
