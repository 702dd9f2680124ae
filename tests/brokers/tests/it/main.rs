//! Published trade data over real brokers: every node ends with the published truth, to the last unit.
//!
//! The executable is the one that was built beside this test, by `cargo build -p tillmesh`. A broker that is not on
//! this machine is left out, with a word about it. Tests that are ignored are long: `tests/run --all` runs them too.

mod support;
mod trouble;
mod wiped;

use anyhow::Result;
use tillmesh_brokers::broker::{Broker, Kind};
use tillmesh_examples::month::Month;
use tillmesh_retail::collection::Collection;
use tillmesh_retail::play::Play;

use support::with_broker;
use trouble::{BadLink, Killer};

/// A test for each broker; those after `ignored` are long.
macro_rules! on_every_broker {
    ($(fn $name:ident = $case:expr; short: [$($short:ident)*], long: [$($long:ident)*];)*) => {
        $(
            mod $name {
                use super::*;

                $(
                    #[test]
                    fn $short() {
                        with_broker(kinds::$short, $case);
                    }
                )*
                $(
                    #[test]
                    #[ignore = "long: tests/run --all"]
                    fn $long() {
                        with_broker(kinds::$long, $case);
                    }
                )*
            }
        )*
    };
}

/// The brokers by the names of their tests.
#[allow(non_upper_case_globals, reason = "they name tests")]
mod kinds {
    use super::Kind;

    pub(super) const embedded: Kind = Kind::Embedded;
    pub(super) const mosquitto: Kind = Kind::Mosquitto;
    pub(super) const nats: Kind = Kind::Nats;
    pub(super) const rabbitmq: Kind = Kind::RabbitMq;
}

on_every_broker! {
    fn a_killed_broker_returns_to_its_address_and_has_forgotten_everything = wiped::forgets;
        short: [embedded mosquitto nats], long: [rabbitmq];
    fn a_month_of_eight_stores_converges = month;
        short: [mosquitto nats rabbitmq], long: [embedded];
    fn a_month_converges_although_the_broker_is_killed_and_wiped_three_times = month_with_dying_broker;
        short: [mosquitto], long: [embedded nats rabbitmq];
    fn a_month_converges_over_a_link_that_breaks_every_promise = month_over_bad_link;
        short: [mosquitto], long: [embedded nats rabbitmq];
    fn a_month_converges_although_nodes_crash_and_one_loses_its_disk = month_with_crashing_nodes;
        short: [], long: [embedded mosquitto nats rabbitmq];
    fn nine_months_of_a_shop_converge = nine_months;
        short: [], long: [embedded mosquitto nats rabbitmq];
    fn nine_months_converge_although_the_broker_is_killed_and_wiped_three_times = nine_months_with_dying_broker;
        short: [], long: [embedded mosquitto nats rabbitmq];
    fn nine_months_converge_over_a_link_that_breaks_every_promise = nine_months_over_bad_link;
        short: [], long: [embedded mosquitto nats rabbitmq];
}

fn month(broker: Broker) -> Result<()> {
    Month { broker: Some(broker.url()), ..Month::default() }.play()
}

fn month_with_crashing_nodes(broker: Broker) -> Result<()> {
    Month { broker: Some(broker.url()), crashes: 3, rebuild: true, twice: true, ..Month::default() }.play()
}

fn month_with_dying_broker(broker: Broker) -> Result<()> {
    let url = broker.url();
    let killer = Killer::new(broker);
    Month { broker: Some(url), watch: &|progress| killer.at_line(progress), ..Month::default() }.play()?;
    killer.check()
}

fn month_over_bad_link(broker: Broker) -> Result<()> {
    let link = BadLink::to(&broker)?;
    link.judge(Month { broker: Some(link.url()), ..Month::default() }.play())
}

fn nine_months(broker: Broker) -> Result<()> {
    let collection = Collection::at_hand()?;
    Play { collection: &collection, broker: Some(broker.address()), beside: &|_| Ok(()) }.run()
}

fn nine_months_with_dying_broker(broker: Broker) -> Result<()> {
    let (collection, address) = (Collection::at_hand()?, broker.address());
    let killer = Killer::new(broker);
    Play { collection: &collection, broker: Some(address), beside: &|selling| killer.in_month(selling) }.run()?;
    killer.check()
}

fn nine_months_over_bad_link(broker: Broker) -> Result<()> {
    let (collection, link) = (Collection::at_hand()?, BadLink::to(&broker)?);
    link.judge(Play { collection: &collection, broker: Some(link.address()), beside: &|_| Ok(()) }.run())
}
