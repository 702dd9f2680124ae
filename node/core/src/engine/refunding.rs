//! Rights to pay back: a node pays back what it alone holds the right to, and asks its peers for what it lacks.
//!
//! What a retired node, or an epoch that its store left, may still pay back is taken by the keeper of the order's
//! location, when it pays back itself.

use std::collections::BTreeMap;

use rand_core::CryptoRng;

use super::Engine;
use super::record::Draft;
use super::seeking::is_recent;
use super::state::Call;
use super::wishes::Asker;
use crate::event::{Body, RefundGrant, RefundReclaim};
use crate::fleet::Standing;
use crate::id::{Epoch, EventId, Name, Writer};
use crate::money::Money;
use crate::order::Order;
use crate::refusal::{RefundHolder, Refusal};
use crate::storage::{Storage, StorageError};
use crate::sync::Wished;
use crate::time::Timestamp;
use crate::view::WorkRow;
use crate::work::Subject;

/// The longest that anything is remembered here: longer than any client waits.
const LONGEST_MILLIS: i64 = 30_000;

/// Whom this node asked for rights to pay back, and what its clients wait to pay back.
#[derive(Default)]
pub(super) struct Refunding {
    asked: BTreeMap<(EventId, Epoch), Asked>,
    /// It is not given away meanwhile.
    claimed: BTreeMap<EventId, (i64, Timestamp)>,
}

#[derive(Clone, Copy)]
struct Asked {
    /// The question.
    id: u64,
    /// Whether no answer has come.
    open: bool,
    at: Timestamp,
    until: Timestamp,
}

impl Refunding {
    /// Forgets what is over. After a clock went back nothing waits for ever.
    /// Gives who did not answer.
    fn clear(&mut self, now: Timestamp) -> Vec<Epoch> {
        let latest = now.plus_millis(LONGEST_MILLIS);
        let holds = |until: Timestamp| until > now && until <= latest;
        self.claimed.retain(|_, (_, until)| holds(*until));
        let over = self.asked.extract_if(.., |_, asked| !holds(asked.until));
        over.filter(|(_, asked)| asked.open && asked.until <= now).map(|((_, holder), _)| holder).collect()
    }

    /// Whether something was asked in this question and not answered.
    pub fn awaits(&self, id: u64) -> bool {
        self.asked.values().any(|asked| asked.id == id && asked.open)
    }

    /// Remembers that a holder has none of what it was asked for in a question. False: that waits for no answer.
    pub fn note_none(&mut self, id: u64, of: Epoch) -> bool {
        let of_it = self.asked.iter_mut().filter(|((_, holder), asked)| *holder == of && asked.id == id && asked.open);
        of_it.fold(false, |_, (_, asked)| {
            asked.open = false;
            true
        })
    }

    /// When each question for an order was asked that has no answer.
    fn asked_for(&self, order: EventId) -> impl Iterator<Item = Timestamp> {
        self.asked.iter().filter(move |((asked, _), state)| *asked == order && state.open).map(|(_, state)| state.at)
    }
}

impl<S: Storage> Engine<S> {
    /// The same that pays back without the right to where nobody gives it. Then more may be paid back than was paid,
    /// which is a work item.
    #[must_use]
    pub const fn refunding_apart(mut self, apart: bool) -> Self {
        self.refunds_apart = apart;
        self
    }

    /// Checks that this node may pay back so much, or lets peers be asked for the right until the request's time. Gives
    /// the rights that it must take from those who are gone.
    pub(super) fn need_refund_rights(
        &mut self,
        call: &Call<'_>,
        order: &Order,
        wanted: i64,
    ) -> Result<Vec<RefundReclaim>, Refusal> {
        let rights = order.refund_rights();
        let gone = self.check_not_retired();
        let own = if gone.is_ok() { held(&rights, self.identity.writer()) } else { 0 };
        let taken = if own < wanted { self.left_behind(order, &rights, wanted - own) } else { Vec::new() };
        let available = taken.iter().fold(own, |sum, reclaim| sum.saturating_add(reclaim.amount.amount));
        if available >= wanted {
            return Ok(taken);
        }
        self.clear_refunding(call.now);
        let until = call.request.until.filter(|until| gone.is_ok() && *until > call.now);
        let lacks = (wanted, available);
        let asking = until.is_some_and(|until| self.seek_refund_rights(call.now, order, &rights, lacks, until));
        if !asking && self.refunds_apart {
            return Ok(Vec::new());
        }
        gone?;
        let holders = self.refund_holders(&rights);
        Err(Refusal::RefundElsewhere { order: order.id, wanted, available, holders, asking })
    }

    fn clear_refunding(&mut self, now: Timestamp) {
        self.refunding.clear(now).into_iter().for_each(|holder| self.seeking.note_silent(now, holder));
    }

    /// Takes rights from those who are gone, in the commit that spends them.
    pub(super) fn reclaim_refunds(
        &mut self,
        call: &Call<'_>,
        location: &Name,
        refund: EventId,
        reclaims: Vec<RefundReclaim>,
    ) -> Result<(), Refusal> {
        for body in reclaims {
            let id = EventId::hash_of("tillmesh refund reclaim", &[refund.as_bytes(), body.of.epoch.as_bytes()]);
            let draft = Draft { id, body: Body::RefundReclaim(body), occurred_at: None };
            let recorded = self.try_record_by_itself(call.now, draft, location);
            recorded.inspect_err(|error| self.break_off(error))?;
        }
        Ok(())
    }

    /// What the keeper of an order's location may take of rights that nobody can use any more.
    fn left_behind(&self, order: &Order, rights: &BTreeMap<Writer, i64>, mut missing: i64) -> Vec<RefundReclaim> {
        let location = &order.origin.location;
        let Some(currency) = order.currency() else { return Vec::new() };
        if !matches!(self.standing(), Standing::Open | Standing::Member) || !self.keeps(location) {
            return Vec::new();
        }
        let mut taken = Vec::new();
        for (of, held) in rights.iter().filter(|(of, held)| **held > 0 && self.is_left(of)) {
            let amount = missing.min(*held);
            missing -= amount;
            let reclaim = RefundReclaim { order: order.id, of: of.clone(), amount: Money { amount, currency } };
            let permitted = self.check_event_role(location, &Body::RefundReclaim(reclaim.clone())).is_ok();
            taken.extend((amount > 0 && permitted).then_some(reclaim));
        }
        taken
    }

    /// Whether nobody writes in an epoch any more, as far as this node has heard.
    fn is_left(&self, writer: &Writer) -> bool {
        let left = || self.look::<WorkRow, _>(&Subject::Clone { writer: writer.clone() }, |_| ()).is_some();
        writer != self.identity.writer() && (self.retired.has(writer.epoch) || left())
    }

    /// Who else may pay back how much.
    fn refund_holders(&self, rights: &BTreeMap<Writer, i64>) -> Vec<RefundHolder> {
        let others = rights.iter().filter(|(writer, held)| **held > 0 && *writer != self.identity.writer());
        let holder = |(writer, held): (&Writer, &i64)| RefundHolder {
            node: writer.node.clone(),
            available: *held,
            left: self.is_left(writer),
        };
        others.map(holder).collect()
    }

    /// Asks who holds most and is there. False: nobody is left to be asked.
    fn seek_refund_rights(
        &mut self,
        now: Timestamp,
        order: &Order,
        rights: &BTreeMap<Writer, i64>,
        (wanted, available): (i64, i64),
        until: Timestamp,
    ) -> bool {
        if !self.refunding.asked_for(order.id).any(|at| is_recent(now, at)) {
            let asked = |writer: &Writer| self.refunding.asked.contains_key(&(order.id, writer.epoch));
            let others = rights.iter().filter(|(writer, held)| **held > 0 && *writer != self.identity.writer());
            let there = others.filter(|(writer, _)| !asked(writer) && self.is_there(now, &writer.node));
            let answers = |writer: &Writer| !self.seeking.is_silent(now, writer.epoch);
            let best = there.max_by_key(|(writer, held)| (answers(writer), **held, *writer));
            let best = best.map(|(holder, held)| (holder.clone(), *held));
            if let Some((holder, held)) = best {
                let what = Wished::Refund(order.id, (wanted - available).min(held));
                let id = self.send_wish(&order.origin.location, &holder, what);
                self.refunding.asked.insert((order.id, holder.epoch), Asked { id, open: true, at: now, until });
            } else if self.refunding.asked_for(order.id).next().is_none() {
                return false;
            }
        }
        let claim = self.refunding.claimed.entry(order.id).or_insert((0, until));
        *claim = (claim.0.max(wanted), claim.1.max(until));
        true
    }

    /// Gives a peer that asks the right to pay back what it wants, but nothing that a client of this node waits for;
    /// unless that waits for more than this node holds, and the peer comes before it: else each of two that hold a part
    /// would keep it from the other. False: there is none to give.
    pub(super) fn give_refund_rights(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        location: &Name,
        to: &Asker,
        wanted: (EventId, i64),
    ) -> bool {
        self.clear_refunding(now);
        let grant = self.refund_grant(location, to, wanted).unwrap_or_else(|error| {
            self.break_off(&Refusal::Storage(error));
            None
        });
        let Some(grant) = grant else { return false };
        self.record_by_itself(now, super::rights::random_id(rng), location, Body::RefundGrant(grant)).is_some()
    }

    fn refund_grant(
        &self,
        location: &Name,
        to: &Asker,
        (order, wanted): (EventId, i64),
    ) -> Result<Option<RefundGrant>, StorageError> {
        let order = match self.order(order) {
            Ok(order) => order,
            Err(Refusal::Storage(error)) => return Err(error),
            Err(_) => return Ok(None),
        };
        let Some(currency) = order.currency().filter(|_| *location == order.origin.location) else {
            return Ok(None);
        };
        let claimed = self.refunding.claimed.get(&order.id).map_or(0, |(claimed, _)| *claimed);
        let own = held(&order.refund_rights(), self.identity.writer());
        let gives_way = claimed > own && to.writer < *self.identity.writer();
        let amount = wanted.min(if gives_way { own } else { own - claimed });
        let given = amount > 0 && self.check_not_retired().is_ok() && !self.retired.own_is_fenced();
        let amount = Money { amount, currency };
        Ok(given.then(|| RefundGrant { order: order.id, to: to.writer.clone(), amount, proof: to.proof.clone() }))
    }

    /// A grant to this node was heard.
    pub(super) fn note_refund_grant(&mut self, giver: Epoch, grant: &RefundGrant) {
        self.seeking.note_answer(giver);
        // It may be asked for more at once.
        if grant.to == *self.identity.writer() && self.refunding.asked.remove(&(grant.order, giver)).is_some() {
            self.seeking.bring_news();
        }
    }
}

/// What a writer may pay back.
fn held(rights: &BTreeMap<Writer, i64>, writer: &Writer) -> i64 {
    rights.get(writer).copied().unwrap_or_default().max(0)
}
