//! What a link hears goes to the engine.

use std::sync::Arc;

use bytes::Bytes;
use tillmesh_core::sync::Incoming;
use tokio::sync::{mpsc, watch};

use super::{Carried, LinkName, LinkState};
use crate::metrics::{LinkLabel, Metrics};
use crate::mqtt::LinkEvent;
use crate::mqtt::topic::Topic;
use crate::runtime::now;
use crate::runtime::thread::{Heard, Jobs};

pub(super) struct Listener {
    pub name: LinkName,
    pub carried: Carried,
    pub jobs: Jobs,
    pub state: watch::Sender<LinkState>,
    pub metrics: Arc<Metrics>,
}

impl Listener {
    pub(super) async fn run(self, mut events: mpsc::Receiver<LinkEvent>) {
        while let Some(event) = events.recv().await {
            match event {
                LinkEvent::Up => {
                    tracing::info!(link = %self.name, "the broker is connected");
                    self.gauge(1);
                    self.state.send_replace(LinkState::Up { since: now() });
                    self.jobs.hear(Heard::Up).await;
                }
                LinkEvent::Down { reason } => self.down(reason),
                LinkEvent::Message { topic, payload } | LinkEvent::Owed { topic, payload, .. } => {
                    self.message(&topic, payload).await
                }
            }
        }
    }

    fn down(&self, reason: String) {
        self.gauge(0);
        self.state.send_modify(|state| {
            let since = match state {
                LinkState::Down { since, .. } => *since,
                _ => now(),
            };
            if !matches!(state, LinkState::Down { .. }) {
                tracing::warn!(link = %self.name, reason, "the broker is not connected; the node goes on by itself");
            }
            *state = LinkState::Down { since, reason };
        });
    }

    /// What has no topic of this fleet's protocol is foreign and left alone, and so are scopes that are not carried.
    async fn message(&self, topic: &str, payload: Bytes) {
        let Ok(Topic { fleet, scope, kind, node }) = topic.parse::<Topic>() else { return };
        if fleet != self.carried.fleet || !self.carried.admits(&scope) {
            return;
        }
        let incoming = Incoming { scope, kind, from: node, payload: payload.to_vec() };
        self.jobs.hear(Heard::Message(self.name, incoming)).await;
    }

    fn gauge(&self, up: i64) {
        self.metrics.link_up.get_or_create(&LinkLabel::new(self.name.as_str())).set(up);
    }
}
