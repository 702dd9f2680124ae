//! Denials: saying that what was asked for is not given, and hearing so.

use super::Engine;
use super::ingest::Refused;
use super::repair::malformed;
use crate::document::Scope;
use crate::fleet::Standing;
use crate::id::{CartId, Name, PublicKey, Writer};
use crate::storage::Storage;
use crate::sync::{Answer, ClaimRefusal, Denial, Denied, Kind, Response, message, word};
use crate::time::Timestamp;
use crate::view::WriterRow;

impl<S: Storage> Engine<S> {
    /// Says that what was asked for is not given.
    pub(super) fn deny(&mut self, scope: &Scope, to: Writer, id: u64, what: Denied) {
        let denial = Denial { to: to.epoch, id, what };
        let answer = Answer::Denied(word::sign(&self.identity, &self.config.fleet, denial));
        let response = Response { from: self.config.node.clone(), id, answer };
        self.send(scope, Kind::Response, Some(to.node), message::to_bytes(&response));
    }

    /// Takes a denial of who was asked. Where no such question waits for an answer it is not looked at: signatures cost
    /// time.
    pub(super) fn receive_denial(&mut self, now: Timestamp, from: &Name, id: u64, signed: &[u8]) -> Vec<Refused> {
        if !self.seeking.awaits(id) && !self.refunding.awaits(id) && !self.sync.claims.awaits_answer(id) {
            return Vec::new();
        }
        let Some((denial, writer, key)) = word::open::<Denial>(&self.config.fleet, signed) else {
            return vec![malformed(&"its denial is not signed")];
        };
        if denial.to != self.identity.writer().epoch || denial.id != id || writer.node != *from {
            return vec![malformed(&"its denial is another node's or answers another question")];
        }
        match denial.what {
            Denied::Rights
                if self.seeking.note_none(id, writer.epoch) || self.refunding.note_none(id, writer.epoch) =>
            {
                self.seeking.note_answer(writer.epoch);
                self.seeking.bring_news();
            }
            Denied::Rights => {}
            Denied::Token(cart, why) => self.note_kept(now, (cart, id), &writer, &key, why),
        }
        Vec::new()
    }

    /// A node does not give a cart's token. It may have gone on in another epoch since it got it, or as another node of
    /// its name.
    fn note_kept(
        &mut self,
        now: Timestamp,
        (cart, id): (CartId, u64),
        from: &Writer,
        key: &PublicKey,
        why: ClaimRefusal,
    ) {
        let Some(holder) = self.sync.claims.holder_asked(&cart, id) else { return };
        let is_of_its_key = || self.look::<WriterRow, _>(holder, |row| row.key) == Some(Some(*key));
        let is_its_successor = || self.members().standing(key, &holder.node) == Standing::Member;
        if from != holder && !is_of_its_key() && !is_its_successor() {
            return;
        }
        self.sync.claims.refuse(now, &cart, id, why);
        // How it ended is on its way, and says more.
        if why != ClaimRefusal::Ended {
            self.seeking.bring_news();
        }
    }
}
