//! Which client id the next connection goes by.

use std::time::Duration;

use tokio::sync::watch;

use crate::mqtt::Session;
use crate::mqtt::link::MAX_CLIENT_ID;

/// How long a line must have been up for the next break to count as the first. Longer than it takes a broker to refuse
/// what a client does after connecting, so that such a quarrel slows down.
pub(super) const STABLE_AFTER: Duration = Duration::from_secs(10);

/// How many lines in a row end soon after they were up before the next one goes by a client id of its own. A broker
/// that restarts ends one or two.
const QUARREL: u32 = 3;

/// The client id that the link was given; behind it a suffix once somebody else seems to have the same, a copy of this
/// store as a rule. A broker lets only one of two such clients in, so that they never hear each other, and neither
/// hears that it is not alone.
#[derive(Debug)]
pub(super) struct ClientIds {
    given: watch::Receiver<String>,
    /// None: the given one is kept to, whatever happens.
    suffix: Option<String>,
    cut_short: u32,
    refused: u32,
}

impl ClientIds {
    /// The seed is that of the link, different at every node and start. Where the broker keeps a session, which goes by
    /// the client id, there is one client id alone.
    pub(super) fn new(given: watch::Receiver<String>, seed: [u8; 32], session: Session) -> Self {
        let [.., a, b, c] = seed;
        let suffix = (session == Session::Clean).then(|| format!("-{a:02x}{b:02x}{c:02x}"));
        Self { given, suffix, cut_short: 0, refused: 0 }
    }

    /// For the next connection.
    pub(super) fn next(&mut self) -> String {
        // Another one was given, which may be this client's alone.
        if self.given.has_changed().unwrap_or(false) {
            self.cut_short = 0;
        }
        let mut client_id = self.given.borrow_and_update().clone();
        if self.is_apart()
            && let Some(suffix) = &self.suffix
        {
            client_id.truncate(MAX_CLIENT_ID - suffix.len());
            client_id.push_str(suffix);
        }
        client_id
    }

    /// Notes how long a line was up. It says whether the next ones go by another client id for that.
    pub(super) fn note_end(&mut self, lasted: Duration) -> bool {
        let was_apart = self.is_apart();
        self.refused = 0;
        if lasted < STABLE_AFTER {
            self.cut_short = self.cut_short.saturating_add(1);
        } else if !was_apart {
            self.cut_short = 0;
        }
        self.is_apart() && !was_apart
    }

    /// Notes that no line came about. A broker may take this client under the id that it was given alone: after as many
    /// failures that one is tried again.
    pub(super) fn note_failure(&mut self) {
        self.refused = if self.is_apart() { self.refused + 1 } else { 0 };
        if self.refused >= QUARREL {
            (self.cut_short, self.refused) = (0, 0);
        }
    }

    const fn is_apart(&self) -> bool {
        self.suffix.is_some() && self.cut_short >= QUARREL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(300);

    fn ids(given: &str) -> (watch::Sender<String>, ClientIds) {
        let (sender, receiver) = watch::channel(given.to_owned());
        (sender, ClientIds::new(receiver, [0xab; 32], Session::Clean))
    }

    #[test]
    fn lines_that_are_cut_short_again_and_again_get_a_client_id_of_their_own_and_keep_it() {
        let (_sender, mut ids) = ids("till");
        assert!(!ids.note_end(SHORT) && !ids.note_end(SHORT));
        assert_eq!(ids.next(), "till");
        assert!(ids.note_end(SHORT), "it is said once");
        assert_eq!(ids.next(), "till-ababab");
        assert!(!ids.note_end(STABLE_AFTER), "the plain one would begin the quarrel again");
        assert_eq!(ids.next(), "till-ababab");
    }

    #[test]
    fn a_line_that_lasted_ends_the_count() {
        let (_sender, mut ids) = ids("till");
        assert!(!ids.note_end(SHORT) && !ids.note_end(SHORT) && !ids.note_end(STABLE_AFTER) && !ids.note_end(SHORT));
        assert_eq!(ids.next(), "till");
    }

    #[test]
    fn a_client_whose_session_is_kept_keeps_its_client_id() {
        let (_sender, receiver) = watch::channel("till".to_owned());
        let mut ids = ClientIds::new(receiver, [0xab; 32], Session::Kept);
        assert_eq!([SHORT; 4].map(|lasted| ids.note_end(lasted)), [false; 4]);
        assert_eq!(ids.next(), "till");
    }

    #[test]
    fn a_client_id_that_is_given_later_is_used_as_it_is() {
        let (sender, mut ids) = ids("till");
        assert_eq!([SHORT; 3].map(|lasted| ids.note_end(lasted)), [false, false, true]);
        sender.send_replace("other".to_owned());
        assert_eq!(ids.next(), "other");
    }

    #[test]
    fn a_broker_that_takes_the_given_client_id_alone_gets_it_back() {
        let (_sender, mut ids) = ids("till");
        ids.note_failure();
        assert_eq!([SHORT; 3].map(|lasted| ids.note_end(lasted)), [false, false, true]);
        ids.note_failure();
        ids.note_failure();
        assert_eq!(ids.next(), "till-ababab", "a broker may be down for a moment");
        ids.note_failure();
        assert_eq!(ids.next(), "till");
    }

    #[test]
    fn the_longest_client_id_stays_within_what_brokers_take() {
        let (_sender, mut ids) = ids(&"x".repeat(MAX_CLIENT_ID));
        assert_eq!([SHORT; 3].map(|lasted| ids.note_end(lasted)), [false, false, true]);
        let apart = ids.next();
        assert!(apart.len() == MAX_CLIENT_ID && apart.ends_with("-ababab"), "{apart}");
    }
}
