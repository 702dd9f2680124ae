use super::*;

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

#[cfg(feature = "broker")]
#[tokio::test]
async fn it_says_where_it_listens_and_frees_the_address_when_it_stops() {
    let broker = EmbeddedBroker::start(any_port(), EmbeddedBrokerOptions::default()).await.unwrap();
    let address = broker.address();
    assert_ne!(address.port(), 0);
    tokio::net::TcpStream::connect(address).await.unwrap();

    broker.shutdown().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    let again = EmbeddedBroker::start(address, EmbeddedBrokerOptions::default()).await.unwrap();
    assert_eq!(again.address(), address);
    again.shutdown().await;
}

#[cfg(feature = "broker")]
#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = tokio::net::TcpListener::bind(any_port()).await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = EmbeddedBroker::start(address, EmbeddedBrokerOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[cfg(feature = "broker")]
#[tokio::test]
async fn bounds_of_nothing_are_refused() {
    let default = EmbeddedBrokerOptions::default;
    for options in [
        EmbeddedBrokerOptions { max_connections: 0, ..default() },
        EmbeddedBrokerOptions { max_packet: 1_023, ..default() },
        EmbeddedBrokerOptions { max_queued_messages: 0, ..default() },
        EmbeddedBrokerOptions { max_queued_bytes: 0, ..default() },
    ] {
        assert!(EmbeddedBroker::start(any_port(), options.clone()).await.is_err(), "{options:?}");
    }
}

#[cfg(not(feature = "broker"))]
#[tokio::test]
async fn without_the_feature_the_error_names_it() {
    let error = EmbeddedBroker::start(any_port(), EmbeddedBrokerOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("feature `broker`"), "{error}");
}
