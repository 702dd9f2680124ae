//! One connection from CONNECT to its end.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use super::client::{Client, Event, Events};
use super::outlet::Pending;
use super::{Outlet, closed};
use crate::mqtt::mailbox::Mailbox;
use crate::mqtt::{LinkEvent, LinkOptions, MAX_PAYLOAD, Receipt, Session};

/// Topic filters in one SUBSCRIBE; AWS IoT Core takes no more.
const FILTERS_PER_SUBSCRIBE: usize = 8;

/// From CONNECT to the last SUBACK. Far above what a slow line needs, so that only a broker that never answers is left.
const SETUP_LIMIT: Duration = Duration::from_secs(15);

/// From PUBLISH to PUBACK. A broker that answers pings and acknowledges nothing for so long would hold the link full
/// for ever; a fresh connection is worth an attempt.
const ACKNOWLEDGE_LIMIT: Duration = Duration::from_secs(30);

/// What a shutdown waits for acknowledgements. Repair delivers what they do not cover.
const LEAVE_LIMIT: Duration = Duration::from_secs(2);

/// What a shutdown waits for DISCONNECT to be written.
const DISCONNECT_LIMIT: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// The link was shut down.
    Closed,
    /// Something broke; why, for people.
    Broken(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// So many SUBACKs are outstanding; None before CONNACK.
    SettingUp(Option<usize>),
    Up,
    /// Waiting for acknowledgements before DISCONNECT.
    Leaving,
    /// DISCONNECT was handed over, behind whatever the broker has not answered.
    Parting,
    /// DISCONNECT was handed over, before all else.
    Left,
}

pub(super) struct Connection<'a> {
    client: Client,
    options: &'a LinkOptions,
    outlet: &'a Outlet,
    mailbox: &'a mut Mailbox,
    closing: &'a mut watch::Receiver<bool>,
    up_since: &'a mut Option<Instant>,
    /// Which of the link's connections this is.
    number: u64,
    /// Publishes on their way by packet id.
    in_flight: HashMap<u16, Pending>,
    stage: Stage,
    stage_since: Instant,
}

impl<'a> Connection<'a> {
    pub(super) fn new(
        client: Client,
        options: &'a LinkOptions,
        outlet: &'a Outlet,
        mailbox: &'a mut Mailbox,
        closing: &'a mut watch::Receiver<bool>,
        up_since: &'a mut Option<Instant>,
    ) -> Self {
        let in_flight = HashMap::new();
        let (stage, stage_since) = (Stage::SettingUp(None), Instant::now());
        let number = outlet.begin();
        Self { client, options, outlet, mailbox, closing, up_since, number, in_flight, stage, stage_since }
    }

    pub(super) async fn run(mut self, mut events: Events) -> End {
        loop {
            let next = match self.next_event(&mut events).await {
                Ok(Event::Message { topic, payload, packet_id }) if self.options.session == Session::Kept => {
                    self.hand_over(&topic, &payload, packet_id).await
                }
                Ok(event) => self.handle(event),
                Err(end) => Err(end),
            };
            if let Err(end) = next {
                return end;
            }
        }
    }

    /// The next event of rumqttc. Its poll is never cancelled half way: it may have taken a packet from the stream that
    /// it has not acknowledged yet.
    async fn next_event(&mut self, events: &mut Events) -> Result<Event, End> {
        let mut poll = pin!(events.next());
        loop {
            let deadline = self.deadline();
            let stays = self.stays();
            tokio::select! {
                event = &mut poll => return event.map_err(|reason| self.broken(reason)),
                () = closed(self.closing), if stays => self.leave()?,
                () = self.mailbox.deliver_waiting(), if self.mailbox.is_waiting() => {}
                () = tokio::time::sleep_until(deadline) => self.overdue()?,
            }
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Connected => self.subscribe()?,
            Event::Subscribed { refused } => self.subscribed(refused)?,
            Event::Message { topic, payload, .. } => self.receive(&topic, &payload),
            Event::Sent(packet_id) => self.sent(packet_id)?,
            Event::Acknowledged { packet_id, refusal } => self.acknowledged(packet_id, refusal)?,
            // A publish that waits for another's packet id breaks the order by which acknowledgements are told apart.
            Event::OutOfIds => return broken("the MQTT client ran out of packet ids"),
            Event::Other => {}
        }
        Ok(())
    }

    fn subscribe(&mut self) -> Result<(), End> {
        self.outlet.connected(self.client.clone());
        let mut outstanding = 0;
        for filters in self.options.subscriptions.chunks(FILTERS_PER_SUBSCRIBE) {
            if !self.client.subscribe(filters) {
                return broken("the MQTT client took no subscription");
            }
            outstanding += 1;
        }
        self.enter(Stage::SettingUp(Some(outstanding)));
        self.up_if_complete();
        Ok(())
    }

    fn subscribed(&mut self, refused: bool) -> Result<(), End> {
        if refused {
            return broken("the MQTT broker refuses a subscription");
        }
        if let Stage::SettingUp(Some(outstanding)) = &mut self.stage {
            *outstanding = outstanding.saturating_sub(1);
        }
        self.up_if_complete();
        Ok(())
    }

    fn up_if_complete(&mut self) {
        if self.stage != Stage::SettingUp(Some(0)) {
            return;
        }
        self.enter(Stage::Up);
        *self.up_since = Some(self.stage_since);
        self.outlet.counters.connects.fetch_add(1, Relaxed);
        self.outlet.open(self.client.clone());
        self.mailbox.announce(LinkEvent::Up);
        tracing::info!("the MQTT link is up");
    }

    fn receive(&mut self, topic: &[u8], payload: &[u8]) {
        let counters = &self.outlet.counters;
        let size = payload.len();
        if size > MAX_PAYLOAD {
            counters.dropped_oversized.fetch_add(1, Relaxed);
            return;
        }
        let Some(room) = self.mailbox.room() else {
            counters.dropped_overflow.fetch_add(1, Relaxed);
            return;
        };
        counters.received.fetch_add(1, Relaxed);
        counters.received_bytes.fetch_add(size as u64, Relaxed);
        let topic = String::from_utf8_lossy(topic).into_owned();
        // A copy, because the original keeps the whole block alive that was read from the socket with it.
        room.send(LinkEvent::Message { topic, payload: Bytes::copy_from_slice(payload) });
    }

    /// Waits until there is room for a message that must not be missed: meanwhile nothing is read from the broker,
    /// which ends a connection that reads nothing for long, and sends the message again.
    async fn hand_over(&mut self, topic: &[u8], payload: &[u8], packet_id: Option<u16>) -> Result<(), End> {
        if !self.stays() {
            // Not acknowledged, so the broker sends it again.
            return Ok(());
        }
        let topic = String::from_utf8_lossy(topic).into_owned();
        let receipt = Receipt { connection: self.number, packet_id };
        if !self.options.subscriptions.iter().any(|filter| covers(filter, &topic)) {
            // The broker keeps subscriptions of earlier settings with the session.
            tracing::debug!(topic, "a message of a topic that is not subscribed to any more is passed over");
            return self.outlet.acknowledge(receipt).map_err(|error| End::Broken(error.to_string()));
        }
        let counters = &self.outlet.counters;
        counters.received.fetch_add(1, Relaxed);
        counters.received_bytes.fetch_add(payload.len() as u64, Relaxed);
        let message = LinkEvent::Owed { topic, payload: Bytes::copy_from_slice(payload), receipt };
        let setup_ends = self.stage_since + SETUP_LIMIT;
        tokio::select! {
            () = self.mailbox.hand_over(message) => Ok(()),
            () = closed(self.closing) => self.leave(),
            // What sets a connection up comes behind the message: nothing that lasts may stand before it.
            () = tokio::time::sleep_until(setup_ends), if matches!(self.stage, Stage::SettingUp(_)) => {
                Err(End::Broken("the receiver of the MQTT link is behind".to_owned()))
            }
        }
    }

    fn sent(&mut self, packet_id: u16) -> Result<(), End> {
        let Some(pending) = self.outlet.next_submitted() else {
            return broken("the MQTT client sent a message that nobody published");
        };
        self.in_flight.insert(packet_id, pending);
        Ok(())
    }

    fn acknowledged(&mut self, packet_id: u16, refusal: Option<String>) -> Result<(), End> {
        let Some(pending) = self.in_flight.remove(&packet_id) else {
            return broken("the MQTT broker acknowledged a message that was not sent");
        };
        if let Some(reason) = &refusal
            && self.outlet.counters.refused.fetch_add(1, Relaxed) == 0
        {
            tracing::warn!(reason, "the broker passes a message on to nobody; more of them are only counted");
        }
        self.outlet.acknowledged();
        // Nobody listens when the ticket was dropped.
        let _ = pending.acknowledge.send(refusal);
        if self.stage == Stage::Leaving && self.outlet.is_idle() {
            self.part()?;
        }
        Ok(())
    }

    /// Whether the link has not begun to take leave.
    const fn stays(&self) -> bool {
        matches!(self.stage, Stage::SettingUp(_) | Stage::Up)
    }

    fn leave(&mut self) -> Result<(), End> {
        self.outlet.refuse();
        match self.stage {
            Stage::SettingUp(None) => Err(End::Closed),
            _ if self.outlet.is_idle() => self.part(),
            _ => {
                self.enter(Stage::Leaving);
                Ok(())
            }
        }
    }

    /// Takes leave once the acknowledgements that were handed over are out, if there is room for that.
    fn part(&mut self) -> Result<(), End> {
        self.enter(Stage::Parting);
        if self.client.disconnect() { Ok(()) } else { self.disconnect_now() }
    }

    fn disconnect_now(&mut self) -> Result<(), End> {
        self.enter(Stage::Left);
        if self.client.disconnect_now() { Ok(()) } else { Err(End::Closed) }
    }

    fn overdue(&mut self) -> Result<(), End> {
        match self.stage {
            Stage::SettingUp(_) => broken("the MQTT broker did not answer in time"),
            Stage::Up if self.in_flight.values().all(|pending| pending.since.elapsed() < ACKNOWLEDGE_LIMIT) => Ok(()),
            Stage::Up => broken("the MQTT broker did not acknowledge a message in time"),
            Stage::Leaving | Stage::Parting => self.disconnect_now(),
            Stage::Left => Err(End::Closed),
        }
    }

    /// When [`Connection::overdue`] has to be called if nothing happens before.
    fn deadline(&self) -> Instant {
        match self.stage {
            Stage::SettingUp(_) => self.stage_since + SETUP_LIMIT,
            Stage::Up => {
                // With nothing in flight any time will do: the next publish makes an event, and this is asked again.
                let oldest = self.in_flight.values().map(|pending| pending.since).min();
                oldest.unwrap_or_else(Instant::now) + ACKNOWLEDGE_LIMIT
            }
            Stage::Leaving => self.stage_since + LEAVE_LIMIT,
            Stage::Parting | Stage::Left => self.stage_since + DISCONNECT_LIMIT,
        }
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.stage_since = Instant::now();
    }

    fn broken(&self, reason: String) -> End {
        match self.stage {
            Stage::Parting | Stage::Left => End::Closed,
            _ => End::Broken(reason),
        }
    }
}

/// Whether a subscription, shared or not, is to a topic.
fn covers(filter: &str, topic: &str) -> bool {
    let shared = filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/'));
    rumqttc::matches(topic, shared.map_or(filter, |(_, filter)| filter))
}

fn broken(reason: &str) -> Result<(), End> {
    Err(End::Broken(reason.to_owned()))
}
