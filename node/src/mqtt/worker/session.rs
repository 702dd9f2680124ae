//! What a client of MQTT 5 knows of a session that its broker kept.

use std::future::{Ready, ready};

use rumqttc_v5 as v5;
use v5::{PersistedAckMode, PersistedSession, SessionStore, SessionStoreError, SessionStoreKey};

/// The version of its records that rumqttc reads.
const FORMAT: u16 = 1;

/// Says of every session that nothing of this client is under way in it. So it is: what a connection had under way its
/// caller was told to be lost, and what it did not acknowledge the broker sends again.
///
/// Without a record rumqttc takes a session for another's, and neither subscribes nor publishes in it.
#[derive(Debug)]
pub(super) struct NothingUnderWay {
    /// As the options say it: a record is held against them.
    pub session_expiry: Option<u32>,
    pub inflight_limit: Option<u16>,
}

impl SessionStore for NothingUnderWay {
    fn load<'a>(&'a self, key: &'a SessionStoreKey) -> Answer<'a, Option<PersistedSession>> {
        let session = PersistedSession {
            format_version: FORMAT,
            client_id: key.client_id().to_owned(),
            clean_start: false,
            session_expiry_interval: self.session_expiry,
            outgoing_inflight_upper_limit: self.inflight_limit,
            ack_mode: PersistedAckMode::Manual,
            last_pkid: 0,
            last_puback: 0,
            replay: Vec::new(),
            incoming_qos2: Vec::new(),
        };
        at_once(Some(session))
    }

    fn save<'a>(&'a self, _: &'a SessionStoreKey, _: &'a PersistedSession) -> Answer<'a, ()> {
        at_once(())
    }

    fn clear<'a>(&'a self, _: &'a SessionStoreKey) -> Answer<'a, ()> {
        at_once(())
    }
}

/// What rumqttc waits for.
type Answer<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, SessionStoreError>> + Send + 'a>>;

fn at_once<T: Send + 'static>(value: T) -> std::pin::Pin<Box<Ready<Result<T, SessionStoreError>>>> {
    Box::pin(ready(Ok(value)))
}
