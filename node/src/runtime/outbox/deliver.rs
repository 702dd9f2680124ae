//! Sending: one message after the other, each until the channel has it or never will.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tillmesh_core::id::Name;

use super::super::channel_link::{Brokers, Way};
use super::super::letters::{DeadLetter, Stage};
use super::super::{SubmitError, now};
use super::{Lane, OutboxError, Outgoing};
use crate::config::{DeliverTo, DeliverySettings, Secret, fill_topic};
use crate::metrics::Labels;
use crate::mqtt::{Link, LinkError};
use crate::webhook::{Answer, Endpoint, Post};

/// How many messages are read at a time.
const BATCH: usize = 16;
/// The first wait after a failure; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait: a channel that is back is told within minutes.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How often an endpoint may fail (5xx) at one message before it becomes a dead letter and the next gets its turn: an
/// hour and a half. One that cannot be reached is waited for, however long.
const MAX_FAILURES: u32 = 24;

/// How much of a topic is in the name of a file: with the rest a name has room on every file system.
const MAX_TOPIC_IN_NAME: usize = 64;

/// Where messages go.
pub(super) enum Target {
    Addresses { endpoint: Endpoint, url: Option<String>, by_topic: BTreeMap<String, String> },
    Folder(PathBuf),
    Topic { link: Arc<Link>, topic: String },
}

impl Target {
    pub(super) fn new(channel: &Name, settings: &DeliverySettings, brokers: &Brokers) -> Result<Self, OutboxError> {
        Ok(match settings.to.clone() {
            DeliverTo::Addresses { url, by_topic } => {
                let addresses: Vec<_> = url.iter().chain(by_topic.values()).map(String::as_str).collect();
                let endpoint = Endpoint::new(settings.ca_file.as_deref(), &addresses)?;
                Self::Addresses { endpoint, url, by_topic }
            }
            DeliverTo::Folder(folder) => Self::Folder(folder),
            DeliverTo::Topic { link, topic } => {
                // What the broker says of the connection shows in what comes of publishing.
                let (link, _events) = brokers.connect(channel, link.as_ref(), Way::Out)?;
                Self::Topic { link, topic }
            }
        })
    }
}

/// Sends until the task is aborted or the node stops.
pub(super) async fn run(lane: Arc<Lane>, target: Arc<Target>) {
    let mut waiting = lane.waiting.subscribe();
    loop {
        if waiting.wait_for(|waiting| *waiting > 0).await.is_err() {
            return;
        }
        let messages = lane.first(BATCH);
        let messages = match messages {
            Ok(messages) => messages,
            Err(error) => {
                tracing::error!(channel = %lane.channel.name, %error, "cannot read what is to be sent");
                lane.note_trouble(Some(error.to_string()));
                tokio::time::sleep(LONGEST_WAIT).await;
                continue;
            }
        };
        for (number, outgoing) in messages {
            let outgoing = Arc::new(outgoing);
            let refused = settle(&lane, &target, number, &outgoing).await;
            if !finish(&lane, number, &outgoing, refused).await {
                return;
            }
            tokio::time::sleep(lane.settings.pace()).await;
        }
    }
}

/// Sends a message until the channel has it or never will: then this is why.
async fn settle(lane: &Arc<Lane>, target: &Arc<Target>, number: u64, outgoing: &Arc<Outgoing>) -> Option<String> {
    let (mut wait, mut failures) = (FIRST_WAIT, 0);
    loop {
        let attempt = {
            let (lane, target, outgoing) = (Arc::clone(lane), Arc::clone(target), Arc::clone(outgoing));
            let attempt = tokio::task::spawn_blocking(move || attempt(&lane, &target, number, &outgoing)).await;
            attempt.unwrap_or_else(|error| Answer::Later { reason: error.to_string(), failed: true, after: None })
        };
        let (reason, after) = match attempt {
            Answer::Taken => return None,
            Answer::Refused(reason) => return Some(reason),
            Answer::Later { reason, failed, after } => {
                failures += u32::from(failed);
                (reason, after)
            }
        };
        if failures >= MAX_FAILURES {
            return Some(format!("{reason}, {failures} times"));
        }
        count(lane, "retried");
        lane.note_trouble(Some(reason));
        tokio::time::sleep(after.map_or(wait, |after| after.max(wait))).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Takes a message out of the line once it is delivered, or kept as a dead letter. False: the node stops.
async fn finish(lane: &Lane, number: u64, outgoing: &Outgoing, refused: Option<String>) -> bool {
    loop {
        let done = match &refused {
            None => lane.remove(number).await.map(|()| true),
            Some(reason) => bury(lane, number, outgoing, reason).await,
        };
        match done {
            Ok(true) => break,
            Err(SubmitError::Stopping) => return false,
            Ok(false) => lane.note_trouble(Some("no room for another dead letter".to_owned())),
            Err(error) => lane.note_trouble(Some(error.to_string())),
        }
        tokio::time::sleep(FIRST_WAIT).await;
    }
    count(lane, if refused.is_some() { "refused" } else { "delivered" });
    lane.note_trouble(refused);
    true
}

/// False where there is no room for it: then it stays in line.
async fn bury(lane: &Lane, number: u64, outgoing: &Outgoing, reason: &str) -> Result<bool, SubmitError> {
    let id = outgoing.id.to_string();
    let letter = DeadLetter {
        topic: outgoing.message.topic.clone(),
        content_type: outgoing.message.content_type.clone(),
        ordering_key: outgoing.message.ordering_key.clone(),
        first_at: outgoing.made_at,
        last_at: now(),
        ..DeadLetter::new(&lane.channel.name, Stage::Delivery, &id, "refused", reason.to_owned())
    };
    if lane.letters.keep(letter, &outgoing.message.body).await?.is_none() {
        return Ok(false);
    }
    lane.remove(number).await.map(|()| true)
}

fn count(lane: &Lane, outcome: &str) {
    lane.channel.metrics.deliveries.get_or_create(&Labels::new(lane.channel.name.as_str(), outcome)).inc();
}

fn attempt(lane: &Lane, target: &Target, number: u64, outgoing: &Outgoing) -> Answer {
    match target {
        Target::Addresses { endpoint, url, by_topic } => {
            let topic = outgoing.message.topic.as_ref();
            match by_topic.get(topic).or(url.as_ref()) {
                Some(url) => post(endpoint, &lane.settings, url, number, outgoing),
                None => Answer::Refused(format!("the settings have no address for the topic {topic}")),
            }
        }
        Target::Folder(folder) => match write(folder, number, outgoing) {
            Ok(()) => Answer::Taken,
            Err(error) => later(format!("cannot write into {}: {error}", folder.display())),
        },
        Target::Topic { link, topic } => publish(link, topic, number, outgoing),
    }
}

/// Waits for the broker's acknowledgement: not on a thread that serves requests.
fn publish(link: &Link, topic: &str, number: u64, outgoing: &Outgoing) -> Answer {
    let topic = fill_topic(topic, &outgoing.message.topic, &outgoing.id.to_string(), number);
    match link.publish(&topic, outgoing.message.body.clone().into()) {
        Ok(ticket) => match tokio::runtime::Handle::current().block_on(ticket.answered()) {
            Ok(None) => Answer::Taken,
            Ok(Some(refusal)) => {
                let reason = format!("the broker does not pass it on: {refusal}");
                Answer::Later { reason, failed: true, after: None }
            }
            Err(lost) => later(lost.to_string()),
        },
        Err(error @ (LinkError::TooLarge { .. } | LinkError::Topic { .. })) => Answer::Refused(error.to_string()),
        Err(error @ (LinkError::Full | LinkError::Down)) => later(error.to_string()),
    }
}

/// What is this node's fault, or nobody's, is tried again for as long as it takes.
const fn later(reason: String) -> Answer {
    Answer::Later { reason, failed: false, after: None }
}

fn post(endpoint: &Endpoint, settings: &DeliverySettings, url: &str, number: u64, outgoing: &Outgoing) -> Answer {
    let (id, number, message) = (outgoing.id.to_string(), number.to_string(), &outgoing.message);
    let signature = match settings.secret.as_ref().map(|secret| sign(secret, &message.body)).transpose() {
        Ok(signature) => signature,
        // Never without a signature that the settings ask for.
        Err(error) => return later(format!("the message cannot be signed: {error}")),
    };
    let mut headers = vec![
        ("Content-Type", message.content_type.as_ref()),
        ("X-Message-Id", id.as_str()),
        ("Idempotency-Key", id.as_str()),
        ("X-Message-Number", number.as_str()),
        ("X-Topic", message.topic.as_ref()),
    ];
    headers.extend(signature.as_deref().map(|signature| ("X-Signature", signature)));
    headers.extend(settings.token.as_ref().map(|(name, token)| (name.as_str(), token.expose_text())));
    endpoint.post(&Post { url, headers: &headers, body: &message.body })
}

fn sign(secret: &Secret, body: &[u8]) -> Result<String, hmac::digest::InvalidLength> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose())?;
    mac.update(body);
    Ok(data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()))
}

/// A file appears whole or not at all, under a name that sorts by when it was made and is the same each time.
fn write(folder: &Path, number: u64, outgoing: &Outgoing) -> io::Result<()> {
    let signs = outgoing.message.topic.chars().take(MAX_TOPIC_IN_NAME);
    let topic: String = signs.map(|sign| if sign.is_ascii_alphanumeric() { sign } else { '-' }).collect();
    let name = format!("{number:012}-{topic}-{}.{}", outgoing.id, extension(&outgoing.message.content_type));
    let partial = folder.join(format!(".{name}.partial"));
    let mut file = File::create(&partial)?;
    file.write_all(&outgoing.message.body)?;
    file.sync_all()?;
    fs::rename(&partial, folder.join(name))?;
    File::open(folder)?.sync_all()
}

fn extension(content_type: &str) -> &'static str {
    match content_type.split(';').next().unwrap_or_default().trim() {
        "application/json" | "application/ld+json" => "json",
        "application/xml" | "text/xml" => "xml",
        "text/csv" => "csv",
        "text/tab-separated-values" => "tsv",
        "application/edi-x12" | "application/EDI-X12" => "x12",
        "application/edifact" | "application/EDIFACT" => "edi",
        _ => "txt",
    }
}
