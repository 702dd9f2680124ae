//! What must be so with every broker, over either version of MQTT.

use bytes::Bytes;
use rumqttc::{AsyncClient, Event, MqttOptions, Outgoing, Packet, PublishOptions};

use super::support::{At, Client, Product, TestBroker, options, until, within};
use crate::mqtt::{
    LinkError, LinkEvent, LinkOptions, MAX_PAYLOAD, MAX_UNACKNOWLEDGED, Protocol, PublishLost, Session, TicketState,
    Will,
};

macro_rules! with_every_broker {
    ($($(#[$doc:meta])* async fn $name:ident($broker:ident: TestBroker) $body:block)*) => {
        $(
            mod $name {
                use super::*;

                #[allow(unused_mut, reason = "not every case stops its broker")]
                async fn case(mut $broker: TestBroker) $body

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn embedded() {
                    case(TestBroker::start(Product::Embedded, Protocol::V3).await.unwrap()).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn embedded_over_mqtt_5() {
                    case(TestBroker::start(Product::Embedded, Protocol::V5).await.unwrap()).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn mosquitto() {
                    if let Some(broker) = TestBroker::start(Product::Mosquitto, Protocol::V3).await {
                        case(broker).await;
                    }
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn mosquitto_over_mqtt_5() {
                    if let Some(broker) = TestBroker::start(Product::Mosquitto, Protocol::V5).await {
                        case(broker).await;
                    }
                }
            }
        )*
    };
}

with_every_broker! {
    async fn two_links_hear_each_other_and_only_what_they_subscribed_to(broker: TestBroker) {
        let mut till = Client::up(broker.at, "till", &["shop/till/+", "all/#"]).await;
        let mut web = Client::up(broker.at, "web", &["shop/web/+", "all/#"]).await;

        web.say("shop/web2/x", "nobody hears this").await;
        web.say("shop/till/x", "for the till").await;
        till.say("shop/web/y", "for the web").await;
        assert_eq!(till.message().await, ("shop/till/x".into(), Bytes::from_static(b"for the till")));
        assert_eq!(web.message().await, ("shop/web/y".into(), Bytes::from_static(b"for the web")));

        till.say("all/a/b/c", "for both").await;
        assert_eq!(till.message().await.0, "all/a/b/c");
        assert_eq!(web.message().await.0, "all/a/b/c");
        let seen = till.link.statistics();
        assert_eq!((seen.published, seen.acknowledged, seen.received, seen.connects), (2, 2, 2, 1));
        assert_eq!((seen.published_bytes, seen.received_bytes), (11 + 8, 12 + 8));
    }

    async fn more_subscriptions_than_fit_one_packet_all_work(broker: TestBroker) {
        let filters: Vec<String> = (0..50).map(|i| format!("many/{i}")).collect();
        let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
        let mut client = Client::up(broker.at, "many", &filters).await;
        for filter in &filters {
            client.say(filter, "x").await;
            assert_eq!(client.message().await.0, *filter);
        }
    }

    async fn the_largest_payload_arrives_and_a_larger_one_is_refused_before_it_is_sent(broker: TestBroker) {
        let mut client = Client::up(broker.at, "large", &["large"]).await;
        let refused = client.link.publish("large", vec![1; MAX_PAYLOAD + 1].into());
        assert_eq!(refused.unwrap_err(), LinkError::TooLarge { bytes: MAX_PAYLOAD + 1 });
        assert_eq!(client.link.unacknowledged(), 0);

        let largest = Bytes::from(vec![2; MAX_PAYLOAD]);
        let published = client.link.publish("large", largest.clone()).unwrap();
        within("an acknowledgement", published.acknowledged()).await.unwrap();
        assert!(client.message().await.1 == largest);
        assert_eq!(client.link.statistics().published, 1);
    }

    async fn a_link_is_busy_until_the_broker_acknowledges_and_tells_when_it_is_idle(broker: TestBroker) {
        let client = Client::up(broker.at, "busy", &[]).await;
        let mut count = client.link.watch_unacknowledged();
        assert_eq!(*count.borrow_and_update(), 0);

        let mut tickets: Vec<_> =
            (0..20).map(|_| client.link.publish("busy", Bytes::from_static(b"x")).unwrap()).collect();
        assert!(count.has_changed().unwrap());
        within("the link to be idle", count.wait_for(|count| *count == 0)).await.unwrap();
        assert_eq!(client.link.unacknowledged(), 0);
        let last = tickets.pop().unwrap();
        within("the last ticket", last.acknowledged()).await.unwrap();
        for ticket in &mut tickets {
            until("a ticket to be acknowledged", async || ticket.state() == TicketState::Acknowledged).await;
            assert_eq!(ticket.state(), TicketState::Acknowledged);
        }
        assert_eq!(client.link.statistics().acknowledged, 20);
    }

    async fn a_link_returns_by_itself_after_its_broker_was_away_and_hears_again(broker: TestBroker) {
        let mut till = Client::up(broker.at, "till", &["news/#"]).await;
        let mut web = Client::up(broker.at, "web", &[]).await;
        for round in 1..=2 {
            broker.stop().await;
            till.wait_down().await;
            web.wait_down().await;
            assert!(!web.link.is_up());
            assert_eq!(web.link.publish("news/1", Bytes::new()).unwrap_err(), LinkError::Down);
            assert_eq!(web.link.unacknowledged(), 0);

            broker.run().await;
            till.wait_up().await;
            web.wait_up().await;
            web.say("news/1", "heard after the return").await;
            assert_eq!(till.message().await.1, "heard after the return");
            let seen = till.link.statistics();
            assert_eq!((seen.connects, seen.disconnects), (round + 1, round));
        }
    }

    async fn two_links_of_one_client_id_cut_each_other_off_only_until_one_goes_by_another(broker: TestBroker) {
        let first = Client::up(broker.at, "twin", &[]).await;
        let mut second = Client::up(broker.at, "twin", &["news/#"]).await;
        until("one hears the other", async || {
            // It is taken only while this link is up, and heard only while the other one is up as well.
            let _ = first.link.publish("news/1", Bytes::from_static(b"here"));
            let mut heard = std::iter::from_fn(|| second.events.try_recv().ok());
            heard.any(|event| matches!(event, LinkEvent::Message { .. }))
        })
        .await;
    }

    async fn publishing_on_while_the_broker_dies_loses_messages_and_nothing_else(broker: TestBroker) {
        let mut client = Client::up(broker.at, "stubborn", &[]).await;
        let (mut taken, mut tickets) = (0, Vec::new());
        loop {
            match client.link.publish("stubborn", Bytes::from_static(&[0; 1000])) {
                Ok(ticket) => tickets.push(ticket),
                Err(LinkError::Full) => tokio::task::yield_now().await,
                Err(error) => break assert_eq!(error, LinkError::Down),
            }
            taken += 1;
            if taken == 200 {
                broker.stop().await;
            }
        }
        let (mut acknowledged, mut lost) = (0, 0);
        for ticket in tickets {
            match within("a verdict", ticket.acknowledged()).await {
                Ok(()) => acknowledged += 1,
                Err(PublishLost) => lost += 1,
            }
        }
        let seen = client.link.statistics();
        assert_eq!((seen.acknowledged, seen.published), (acknowledged, acknowledged + lost));
        assert_eq!(client.link.unacknowledged(), 0);
        broker.run().await;
        client.wait_up().await;
        client.say("stubborn", "goes on").await;
    }

    async fn the_will_is_published_when_a_client_vanishes(broker: TestBroker) {
        let mut witness = Client::up(broker.at, "witness", &["gone/+"]).await;
        let will = Will { topic: "gone/till".into(), payload: Bytes::from_static(b"vanished") };
        let options_of_till = crate::mqtt::LinkOptions { will: Some(will), ..options(broker.at, "till", &[]) };
        let mut till = Client::start(options_of_till);
        till.wait_up().await;
        drop(till);
        assert_eq!(witness.message().await, ("gone/till".into(), Bytes::from_static(b"vanished")));
    }

    async fn the_will_is_not_published_after_a_shutdown(broker: TestBroker) {
        let mut witness = Client::up(broker.at, "witness", &["gone/+"]).await;
        let will = |name: &str| Will { topic: format!("gone/{name}"), payload: Bytes::from_static(b"vanished") };
        let mut polite = Client::start(crate::mqtt::LinkOptions {
            will: Some(will("polite")),
            ..options(broker.at, "polite", &[])
        });
        let mut rude = Client::start(crate::mqtt::LinkOptions {
            will: Some(will("rude")),
            ..options(broker.at, "rude", &[])
        });
        polite.wait_up().await;
        rude.wait_up().await;

        let ticket = polite.link.publish("gone/last", Bytes::from_static(b"last words")).unwrap();
        within("the shutdown", polite.link.shutdown()).await;
        assert_eq!(ticket.acknowledged().await, Ok(()));
        assert_eq!(polite.link.publish("gone/late", Bytes::new()).unwrap_err(), LinkError::Down);
        within("a second shutdown", polite.link.shutdown()).await;
        assert_eq!(within("the end of events", polite.events.recv()).await, None);
        assert_eq!(witness.message().await.0, "gone/last");

        // The will of a later vanishing is the next thing to be heard, so the first one's never came.
        drop(rude);
        assert_eq!(witness.message().await.0, "gone/rude");
    }

    async fn an_oversized_message_of_a_foreign_client_is_dropped_and_the_line_stays_up(broker: TestBroker) {
        let mut client = Client::up(broker.at, "victim", &["poison/#"]).await;
        let sizes = [MAX_PAYLOAD + 1, 200_000, 1_000_000];
        // More than brokers leave unacknowledged at a time: each must be acknowledged for the next ones to come.
        for _ in 0..30 {
            for size in sizes {
                foreign_publish(broker.at.address, "poison/x", size, false).await;
            }
        }
        foreign_publish(broker.at.address, "poison/y", MAX_PAYLOAD, false).await;
        let (topic, payload) = client.message().await;
        assert_eq!((topic.as_str(), payload.len()), ("poison/y", MAX_PAYLOAD));
        let seen = client.link.statistics();
        assert_eq!((seen.dropped_oversized, seen.received, seen.connects, seen.disconnects), (90, 1, 1, 0));
    }

    async fn a_kept_session_brings_what_came_meanwhile_and_again_what_was_not_acknowledged(broker: TestBroker) {
        let kept = || LinkOptions { session: Session::Kept, ..options(broker.at, "shop", &["orders/#"]) };
        let sender = Client::up(broker.at, "sender", &[]).await;
        let mut shop = Client::start(kept());
        shop.wait_up().await;
        sender.say("orders/1", "one").await;
        sender.say("orders/2", "two").await;
        let (first, receipt) = shop.owed().await;
        assert_eq!((first.as_str(), shop.owed().await.0.as_str()), ("orders/1", "orders/2"));
        acknowledge(&shop, receipt).await;
        shop.link.shutdown().await;
        sender.say("orders/3", "three").await;

        let mut shop = Client::start(kept());
        let again = [shop.owed().await, shop.owed().await];
        assert_eq!(again.each_ref().map(|(topic, _)| topic.as_str()), ["orders/2", "orders/3"]);
        for (_, receipt) in again {
            acknowledge(&shop, receipt).await;
        }
        shop.link.shutdown().await;

        let mut shop = Client::start(kept());
        shop.wait_up().await;
        // What was acknowledged does not come again: the next thing to be heard is new.
        sender.say("orders/4", "four").await;
        assert_eq!(shop.owed().await.0, "orders/4");
    }

    async fn topics_that_are_not_subscribed_to_any_more_are_not_heard_although_the_session_is_kept(broker: TestBroker) {
        let kept = |topics: &[&str]| LinkOptions { session: Session::Kept, ..options(broker.at, "shop", topics) };
        let sender = Client::up(broker.at, "sender", &[]).await;
        let mut shop = Client::start(kept(&["wrong/#", "orders/#"]));
        shop.wait_up().await;
        shop.link.shutdown().await;
        sender.say("wrong/1", "no order").await;
        sender.say("orders/1", "one").await;
        let mut shop = Client::start(kept(&["orders/#"]));
        assert_eq!(shop.owed().await.0, "orders/1");
    }

    async fn a_backlog_beyond_what_the_receiver_holds_is_taken_one_by_one(broker: TestBroker) {
        let kept = || LinkOptions { session: Session::Kept, ..options(broker.at, "shop", &["orders/#"]) };
        let sender = Client::up(broker.at, "sender", &[]).await;
        let mut shop = Client::start(kept());
        shop.wait_up().await;
        shop.link.shutdown().await;
        let all = 3 * MAX_UNACKNOWLEDGED;
        for number in 0..all {
            let ticket = sender.link.publish(&format!("orders/{number}"), Bytes::from_static(b"x")).unwrap();
            within("an acknowledgement", ticket.acknowledged()).await.unwrap();
        }
        let mut shop = Client::start(kept());
        for number in 0..all {
            let (topic, receipt) = shop.owed().await;
            assert_eq!(topic, format!("orders/{number}"));
            until("room for an acknowledgement", async || shop.link.acknowledge(receipt).is_ok()).await;
        }
    }

    async fn of_a_kept_session_no_more_is_read_than_the_receiver_takes(broker: TestBroker) {
        let kept = LinkOptions { session: Session::Kept, ..options(broker.at, "shop", &["orders/#"]) };
        let mut shop = Client::start(kept);
        shop.wait_up().await;
        let sender = Client::up(broker.at, "sender", &[]).await;
        let all = 3 * MAX_UNACKNOWLEDGED;
        for number in 0..all {
            let ticket = sender.link.publish(&format!("orders/{number}"), Bytes::from_static(b"x")).unwrap();
            within("an acknowledgement", ticket.acknowledged()).await.unwrap();
        }
        for number in 0..all {
            let (topic, receipt) = shop.owed().await;
            assert_eq!(topic, format!("orders/{number}"));
            until("room for an acknowledgement", async || shop.link.acknowledge(receipt).is_ok()).await;
        }
        assert_eq!((shop.link.statistics().dropped_overflow, shop.link.statistics().disconnects), (0, 0));
    }

    async fn a_receiver_that_falls_behind_loses_messages_and_not_the_line(broker: TestBroker) {
        let slow = Client::up(broker.at, "slow", &["flood"]).await;
        let fast = Client::up(broker.at, "fast", &[]).await;
        let mut count = fast.link.watch_unacknowledged();
        let mut sent = 0;
        until("an overflow", async || {
            while let Ok(ticket) = fast.link.publish("flood", Bytes::from_static(b"drop")) {
                drop(ticket);
                sent += 1;
            }
            within("the publisher to be idle", count.wait_for(|count| *count == 0)).await.unwrap();
            slow.link.statistics().dropped_overflow > 0
        })
        .await;
        let Client { link, mut events } = slow;
        let mut heard = 0;
        until("all to be counted", async || {
            while let Ok(event) = events.try_recv() {
                assert!(matches!(event, LinkEvent::Message { .. }), "{event:?}");
                heard += 1;
            }
            heard + link.statistics().dropped_overflow == sent
        })
        .await;
        assert_eq!((link.statistics().received, link.statistics().disconnects), (heard, 0));
    }
}

/// Acknowledges a message, and waits until the broker has heard it: what is published behind it is acknowledged.
async fn acknowledge(client: &Client, receipt: crate::mqtt::Receipt) {
    until("an acknowledgement is taken", async || client.link.acknowledge(receipt).is_ok()).await;
    until("something behind it is taken", async || client.link.is_up()).await;
    // rumqttc may write one publish before what was handed over before it, and not a second one.
    client.say("aside", "beside it").await;
    client.say("aside", "behind it").await;
}

/// The embedded broker lets a client in again before it has read what that one said last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_right_before_a_shutdown_does_not_come_again() {
    for protocol in [Protocol::V3, Protocol::V5] {
        let Some(broker) = TestBroker::start(Product::Mosquitto, protocol).await else { return };
        let kept = || LinkOptions { session: Session::Kept, ..options(broker.at, "shop", &["orders/#"]) };
        let sender = Client::up(broker.at, "sender", &[]).await;
        let mut shop = Client::start(kept());
        shop.wait_up().await;
        for number in 0..20 {
            sender.say(&format!("orders/{number}"), "an order").await;
            let (topic, receipt) = shop.owed().await;
            assert_eq!(topic, format!("orders/{number}"));
            shop.link.acknowledge(receipt).unwrap();
            shop.link.shutdown().await;
            shop = Client::start(kept());
        }
    }
}

/// The embedded broker keeps no oversized retained message, so only Mosquitto can send one again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oversized_retained_message_does_not_keep_a_link_off_the_line() {
    let Some(broker) = TestBroker::start(Product::Mosquitto, Protocol::V3).await else { return };
    foreign_publish(broker.at.address, "poison/kept", 1_000_000, true).await;
    for protocol in [Protocol::V3, Protocol::V5, Protocol::V3] {
        let mut client = Client::up(At { protocol, ..broker.at }, "victim", &["poison/#"]).await;
        until("the retained message", async || client.link.statistics().dropped_oversized == 1).await;
        client.say("poison/fine", "heard").await;
        assert_eq!(client.message().await.0, "poison/fine");
        assert_eq!(client.link.statistics().disconnects, 0);
        client.link.shutdown().await;
    }
}

/// Publishes once with QoS 1 by a client that is not ours, and waits for the acknowledgement.
async fn foreign_publish(address: std::net::SocketAddr, topic: &str, size: usize, retain: bool) {
    let mut options = MqttOptions::new("foreign", (address.ip().to_string(), address.port()));
    options.set_max_packet_size(1 << 24, 1 << 24);
    let (client, mut event_loop) = AsyncClient::builder(options).capacity(4).build();
    client.publish(topic, vec![7; size], PublishOptions::at_least_once().retain(retain)).await.unwrap();
    let disconnected = async {
        loop {
            match event_loop.poll().await.unwrap() {
                Event::Incoming(Packet::PubAck(_)) => client.disconnect().await.unwrap(),
                Event::Outgoing(Outgoing::Disconnect) => return,
                _ => {}
            }
        }
    };
    within("a foreign publish", disconnected).await;
}
