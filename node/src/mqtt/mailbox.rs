//! The bounded queue from the worker to whoever holds the receiver of a link.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::LinkEvent;

/// Messages that do not fit are refused, changes of state wait: a receiver that fell behind loses messages but always
/// learns, in order, that the line went down and came up.
#[derive(Debug)]
pub(super) struct Mailbox {
    sender: mpsc::Sender<LinkEvent>,
    /// At most two: the end of a line that the receiver knew as up, and the beginning of the next.
    waiting: VecDeque<LinkEvent>,
}

impl Mailbox {
    pub(super) fn new(capacity: usize) -> (Self, mpsc::Receiver<LinkEvent>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self { sender, waiting: VecDeque::new() }, receiver)
    }

    /// Passes a change of state on, now or as soon as there is room.
    pub(super) fn announce(&mut self, change: LinkEvent) {
        if matches!(change, LinkEvent::Down { .. }) {
            // What nobody has heard of yet, and what is no longer so, need not be told.
            self.waiting.clear();
        }
        self.waiting.push_back(change);
        self.flush();
    }

    /// Room for a message, if there is any.
    pub(super) fn room(&mut self) -> Option<mpsc::Permit<'_, LinkEvent>> {
        self.flush();
        if self.waiting.is_empty() { self.sender.try_reserve().ok() } else { None }
    }

    /// Whether a change of state waits for room.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Waits for room and passes the first waiting change on. May be cancelled at any time without losing anything.
    pub(super) async fn deliver_waiting(&mut self) {
        let Ok(permit) = self.sender.reserve().await else {
            self.waiting.clear();
            return;
        };
        if let Some(change) = self.waiting.pop_front() {
            permit.send(change);
        }
    }

    /// Passes a message on, behind every change of state, as soon as there is room. Nobody may be there to take it.
    pub(super) async fn hand_over(&mut self, message: LinkEvent) {
        while self.is_waiting() {
            self.deliver_waiting().await;
        }
        if let Ok(permit) = self.sender.reserve().await {
            permit.send(message);
        }
    }

    fn flush(&mut self) {
        while let Some(change) = self.waiting.pop_front() {
            match self.sender.try_send(change) {
                Ok(()) => {}
                Err(TrySendError::Full(change)) => {
                    self.waiting.push_front(change);
                    return;
                }
                Err(TrySendError::Closed(_)) => self.waiting.clear(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(mailbox: &mut Mailbox, message: LinkEvent) -> bool {
        mailbox.room().map(|room| room.send(message)).is_some()
    }

    fn message(text: &'static str) -> LinkEvent {
        LinkEvent::Message { topic: "t".into(), payload: bytes::Bytes::from_static(text.as_bytes()) }
    }

    fn down(reason: &str) -> LinkEvent {
        LinkEvent::Down { reason: reason.into() }
    }

    #[tokio::test]
    async fn a_full_mailbox_refuses_messages_and_keeps_changes_of_state_in_order() {
        let (mut mailbox, mut receiver) = Mailbox::new(1);
        mailbox.announce(LinkEvent::Up);
        assert!(!offer(&mut mailbox, message("lost")));
        mailbox.announce(down("cut"));
        mailbox.announce(LinkEvent::Up);
        assert!(mailbox.is_waiting());

        assert_eq!(receiver.recv().await, Some(LinkEvent::Up));
        assert!(!offer(&mut mailbox, message("must not overtake")));
        assert_eq!(receiver.recv().await, Some(down("cut")));
        mailbox.deliver_waiting().await;
        assert_eq!(receiver.recv().await, Some(LinkEvent::Up));
        assert!(offer(&mut mailbox, message("heard")));
        assert_eq!(receiver.recv().await, Some(message("heard")));
    }

    #[test]
    fn only_the_newest_state_waits() {
        let (mut mailbox, _receiver) = Mailbox::new(1);
        assert!(offer(&mut mailbox, message("fills it")));
        for attempt in 0..1000 {
            mailbox.announce(LinkEvent::Up);
            mailbox.announce(down(&attempt.to_string()));
        }
        assert_eq!(mailbox.waiting, [down("999")]);
    }

    #[test]
    fn a_receiver_that_is_gone_leaves_nothing_waiting() {
        let (mut mailbox, receiver) = Mailbox::new(1);
        drop(receiver);
        mailbox.announce(LinkEvent::Up);
        assert!(!mailbox.is_waiting());
        assert!(!offer(&mut mailbox, message("to nobody")));
    }
}
