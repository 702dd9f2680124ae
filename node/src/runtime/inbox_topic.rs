//! Topics of MQTT: each message that comes over them is one of a channel, acknowledged to the broker once what it means
//! is durable, or it is kept as a dead letter. Until then the broker sends it again.
//!
//! MQTT 3.1.1 gives messages no ids: the same bytes over the same topic are the same message, and count once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tillmesh_core::channel::ChannelMessage;
use tillmesh_core::id::Name;
use tokio::sync::mpsc::Receiver;

use super::channels::{Body, ChannelError, Source};
use super::{Inner, now};
use crate::mqtt::{Link, LinkEvent, MAX_PAYLOAD, Receipt};

/// The first wait before a message is tried again; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait. What is behind the message waits as well, at the broker.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long a message that its plugin asks to be given again may hold up what is behind it: what waits for an article
/// or an order that is on its way has it within the hour, and what does not is for people.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// How long to wait until an acknowledgement may be taken that was not.
const SOON: Duration = Duration::from_millis(50);

/// The topics of a channel, being heard.
pub(super) struct Heard {
    pub channel: Name,
    /// What messages are about, where the settings say so.
    pub topic: Option<String>,
    pub link: Arc<Link>,
    pub events: Receiver<LinkEvent>,
}

/// Takes messages until the task is aborted.
pub(super) async fn run(inner: Arc<Inner>, heard: Heard) {
    let Heard { channel, topic, link, mut events } = heard;
    while let Some(event) = events.recv().await {
        match event {
            LinkEvent::Up => inner.channels.note_trouble(&channel, Source::Topics, None),
            LinkEvent::Down { reason } => {
                let trouble = format!("the broker is not connected: {reason}");
                inner.channels.note_trouble(&channel, Source::Topics, Some(trouble));
            }
            LinkEvent::Owed { topic: came_over, payload, receipt } => {
                let message = message(&channel, topic.as_deref().unwrap_or(&came_over), &came_over, &payload);
                settle(&inner, &channel, message, payload).await;
                acknowledge(&link, receipt).await;
            }
            // Only sessions that are not kept have these.
            LinkEvent::Message { .. } => {}
        }
    }
    tracing::error!(%channel, "the link of a channel ended: its topics are not heard until the node starts again");
}

fn message(channel: &Name, topic: &str, came_over: &str, payload: &[u8]) -> ChannelMessage {
    let hash = Sha256::new().chain_update(came_over.as_bytes()).chain_update([0]).chain_update(payload).finalize();
    ChannelMessage {
        channel: channel.clone(),
        id: format!("mqtt-{}", data_encoding::HEXLOWER.encode(&hash[..16])).into(),
        topic: topic.into(),
        content_type: "application/octet-stream".into(),
        received_at: now(),
        body: payload.to_vec(),
    }
}

/// How long a message is waited for.
struct Patience {
    wait: Duration,
    /// How long it was its plugin that asked to wait. Whatever else is in the way is the node's, and passes with it.
    asked: Duration,
}

impl Patience {
    const fn new() -> Self {
        Self { wait: FIRST_WAIT, asked: Duration::ZERO }
    }

    /// How long to wait before the message is tried again.
    fn next(&mut self, is_the_plugins: bool) -> Duration {
        let wait = self.wait;
        self.wait = (wait * 2).min(LONGEST_WAIT);
        self.asked = if is_the_plugins { self.asked + wait } else { Duration::ZERO };
        wait
    }

    fn is_over(&self) -> bool {
        self.asked >= PATIENCE
    }
}

/// Returns once the message needs nobody any more: what it means is durable, or it is a dead letter.
async fn settle(inner: &Inner, channel: &Name, message: ChannelMessage, payload: Bytes) {
    let mut patience = Patience::new();
    let mut given_up = None;
    loop {
        let taken = if let Some(error) = given_up.take() {
            inner.channels.refuse(channel, message.clone(), error).await
        } else if payload.len() > MAX_PAYLOAD {
            inner.channels.refuse(channel, message.clone(), ChannelError::MessageTooLarge { limit: MAX_PAYLOAD }).await
        } else {
            // Whole: whoever published it has nothing more to send, so a dead letter must hold all of it.
            inner.channels.receive_checked(channel, message.clone(), Body::Whole(payload.clone())).await
        };
        let error = match taken {
            Ok(_) => break,
            Err(error @ ChannelError::DeadLetter { .. }) => {
                tracing::warn!(%channel, message = %message.id, %error, "nothing is made of a message");
                break;
            }
            Err(error) => error,
        };
        tracing::warn!(%channel, message = %message.id, %error, "cannot take a message now");
        inner.channels.note_trouble(channel, Source::Topics, Some(error.to_string()));
        let is_the_plugins = matches!(&error, ChannelError::Failure { .. });
        tokio::time::sleep(patience.next(is_the_plugins)).await;
        given_up = patience.is_over().then(|| ChannelError::GivenUp { error: Box::new(error) });
    }
    inner.channels.note_trouble(channel, Source::Topics, None);
}

async fn acknowledge(link: &Link, receipt: Receipt) {
    while link.acknowledge(receipt).is_err() {
        tokio::time::sleep(SOON).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_its_plugin_asks_for_again_is_given_up_after_an_hour_of_asking_and_no_other() {
        let mut patience = Patience::new();
        let waits = (0..1_000).take_while(|_| !patience.is_over() && patience.next(true) <= LONGEST_WAIT).count();
        // 1, 2, 4, 8, 16 and 32 seconds, then minutes.
        assert_eq!(waits, 6 + 59);
        let mut of_the_node = Patience::new();
        assert!((0..1_000).all(|_| of_the_node.next(false) <= LONGEST_WAIT));
        assert!(!of_the_node.is_over() && of_the_node.next(true) == LONGEST_WAIT && !of_the_node.is_over());
    }
}
