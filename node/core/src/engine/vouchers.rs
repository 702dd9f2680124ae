//! Vouchers at the engine: issuing them, and redeeming what this node holds the rights to.

use std::collections::BTreeMap;

use rand_core::CryptoRng;

use super::Engine;
use super::prices::check_quantity;
use super::record::Draft;
use super::state::{Call, second_id};
use super::stock::check_occurred;
use super::tenders::{check_change, check_tenders};
use crate::cart::CartRow;
use crate::command::{Command, Outcome, Request, TenderRequest, VoucherIssue};
use crate::event::{
    Body, Event, Issue, Line, Origin, PriceAdjustment, Redemption, RedemptionReversal, Tender, VoucherSale,
};
use crate::id::{self, Epoch, EventId, Name, Sku};
use crate::money::Money;
use crate::order::{Order, Status};
use crate::pricing::{CouponCode, Promotion};
use crate::refusal::{Elsewhere, Missing, Refusal, VoucherHolder};
use crate::stock::{self, StockRow};
use crate::storage::{Storage, StorageError};
use crate::time::Timestamp;
use crate::view::EventRow;
use crate::voucher::{self, CODE_LEN, GIFT_CARD, VoucherCode, VoucherKind, VoucherRow, VoucherTerms};

/// What is to be taken of one voucher.
pub(super) struct Wanted {
    /// Where it was asked for.
    field: String,
    /// How people call it.
    name: String,
    quantity: i64,
}

/// What is to be taken of vouchers.
pub(super) type Wants = BTreeMap<Sku, Wanted>;

impl<S: Storage> Engine<S> {
    /// Gives a voucher that is to be issued a code, unless it has one. A request under a key gets the same code
    /// whenever it comes: it is made of the key, the request and what only this node and its copies know, so that no
    /// code needs to be kept.
    pub(super) fn make_code(&self, rng: &mut dyn CryptoRng, request: &mut Request) {
        let Command::IssueVoucher(issue) = &mut request.command else { return };
        let mut chance = [0; CODE_LEN - 1];
        match &request.key {
            Some(key) => {
                let asked = u64::from_be_bytes(request.digest);
                let known_here = self.identity.sign(format!("tillmesh voucher code {asked:016x} {key}").as_bytes());
                chance.copy_from_slice(&id::hash_parts("tillmesh voucher code", &[&known_here])[..CODE_LEN - 1]);
            }
            None => rng.fill_bytes(&mut chance),
        }
        issue.code.get_or_insert_with(|| VoucherCode::made_of(&chance));
    }

    /// The outcome of issuing, with the code that was given or made. A node that was rebuilt cannot make again what it
    /// made before.
    pub(super) fn with_code(&self, outcome: Outcome, request: Request) -> Result<Outcome, Refusal> {
        let Command::IssueVoucher(issue) = request.command else { return Ok(outcome) };
        let (Outcome::Recorded { events, repeated }, Some(code)) = (&outcome, issue.code) else { return Ok(outcome) };
        let made = voucher::sku_of(&self.config.fleet, issue.kind, &code);
        match events.first().map(|(event, _)| (event.id, &event.body)) {
            Some((event, Body::Issue(issued))) if made.as_ref() != Some(&issued.voucher) => {
                Err(Refusal::KeyReused { event })
            }
            _ => Ok(Outcome::Issued { code, events: events.clone(), repeated: *repeated }),
        }
    }

    pub(super) fn issue_voucher(&mut self, call: &mut Call<'_>, asked: &VoucherIssue) -> Result<Outcome, Refusal> {
        let location = self.config.vouchers.clone();
        check_quantity(quantity_field(asked.kind), asked.quantity, 1)?;
        if let Some(until) = asked.valid_until.filter(|until| *until <= call.now || until.checked().is_none()) {
            return Err(Refusal::invalid("valid_until", until, "it must lie ahead, before the year 10000"));
        }
        if let Some(promotion) = &asked.promotion
            && self.look::<Promotion, _>(promotion, |_| ()).is_none()
        {
            return Err(Refusal::invalid("promotion", promotion, "the catalogue has no promotion of this id"));
        }
        let voucher = self.new_voucher(asked)?;
        self.check_location_held("vouchers.location", &location)?;
        let line = Line { sku: voucher, quantity: asked.quantity };
        let body = self.issue_of(&line, asked.valid_until, asked.promotion.clone(), None);
        let paid = self.payment_of(asked)?;
        check_occurred(call)?;
        let id = call.event_id(&self.config.node);
        let mut events = vec![self.record(call, &location, Draft { id, body, occurred_at: None })?];
        if let Some((value, tenders)) = paid {
            let body = Body::VoucherSale(VoucherSale { issue: id, value, tenders });
            let (draft, till) = (Draft { id: second_id(id), body, occurred_at: None }, self.config.location.clone());
            events.push(self.record(call, &till, draft).inspect_err(|error| self.break_off(error))?);
        }
        Ok(Outcome::Recorded { events, repeated: false })
    }

    /// What was paid for a gift card, to the last minor unit: its worth is owed to the bearer, and no revenue. It is in
    /// the drawer of the node's own location.
    fn payment_of(&self, asked: &VoucherIssue) -> Result<Option<(Money, Vec<Tender>)>, Refusal> {
        if asked.tenders.is_empty() {
            return Ok(None);
        }
        let refuse = |rule: &str| Refusal::invalid("tenders", format!("{} entries", asked.tenders.len()), rule);
        let VoucherKind::GiftCard(currency) = asked.kind else { return Err(refuse("a coupon is given away")) };
        let tenders = check_tenders("tenders", &asked.tenders, &mut Some(currency))?;
        if tenders.iter().any(|tender| tender.kind.as_str() == GIFT_CARD) {
            return Err(refuse("a gift card is not paid for with another one"));
        }
        check_change("tenders", &tenders)?;
        let sum = tenders.iter().fold(0_i64, |sum, tender| sum.saturating_add(tender.amount));
        if sum != asked.quantity {
            let rule = format!("they must add up to what the card is worth, {} minor units", asked.quantity);
            return Err(Refusal::invalid("tenders", sum, rule));
        }
        let (location, value) = (&self.config.location, Money { amount: asked.quantity, currency });
        let body = VoucherSale { issue: EventId::from_bytes([0; EventId::LEN]), value, tenders: tenders.clone() };
        self.check_event_role(location, &Body::VoucherSale(body))?;
        self.check_location_held("location", location)?;
        Ok(Some((value, tenders)))
    }

    /// Gives back what vouchers gave for a promise of this node that was wholly given up, once.
    pub(super) fn reverse_redemption(&mut self, now: Timestamp, order: &Order) -> Result<(), StorageError> {
        if order.status() != Status::Cancelled || !self.may_give_up(order) {
            return Ok(());
        }
        let id = RedemptionReversal::id_of(order.id);
        let lines = self.taken_of_vouchers(order.id)?;
        if !lines.is_empty() && self.row::<EventRow>(&id)?.is_none() {
            let body = Body::RedemptionReversal(RedemptionReversal { order: order.id, lines });
            let location = self.config.vouchers.clone();
            self.record_by_itself(now, id, &location, body);
        }
        Ok(())
    }

    /// The SKU of a voucher that may be issued: its code is not that of another kind or currency.
    fn new_voucher(&self, asked: &VoucherIssue) -> Result<Sku, Refusal> {
        let code = asked.code.as_ref();
        let refuse = |rule: String| Refusal::invalid("code", code.map_or_else(String::new, VoucherCode::ending), rule);
        let sku = code.and_then(|code| voucher::sku_of(&self.config.fleet, asked.kind, code)).ok_or_else(|| {
            refuse(match asked.kind {
                VoucherKind::Coupon => "a coupon has at most 48 letters, digits, _ and -".to_owned(),
                VoucherKind::GiftCard(_) => "a gift card has at least 16 letters and digits".to_owned(),
            })
        })?;
        let known = code.map(|code| voucher::read(&self.committed(), &self.config.vouchers, &self.config.fleet, code));
        match known.into_iter().flatten().find(|known| known.sku != sku) {
            Some(other) => Err(refuse(format!("it is that of a {} already", other.kind))),
            None => Ok(sku),
        }
    }

    /// What enters units of a voucher and makes them this node's.
    pub(super) fn issue_of(
        &self,
        line: &Line,
        valid_until: Option<Timestamp>,
        promotion: Option<Name>,
        order: Option<EventId>,
    ) -> Body {
        let minted = self.with_rights(&self.config.vouchers, std::slice::from_ref(line));
        let minted = minted.first().and_then(|line| line.minted);
        let Line { sku: voucher, quantity } = line.clone();
        Body::Issue(Issue { voucher, quantity, minted, valid_until, promotion, order })
    }

    /// What puts money that is paid back onto gift cards: each must still be worth something, and this node must be
    /// allowed to issue.
    pub(super) fn onto_cards(&self, call: &Call<'_>, order: EventId, cards: &Wants) -> Result<Vec<Body>, Refusal> {
        let mut bodies = Vec::with_capacity(cards.len());
        for (sku, wanted) in cards {
            self.check_location_held(&wanted.field, &self.config.vouchers)?;
            self.check_not_over(sku, wanted, call.now)?;
            let line = Line { sku: sku.clone(), quantity: wanted.quantity };
            let body = self.issue_of(&line, None, None, Some(order));
            self.check_event_role(&self.config.vouchers, &body)?;
            bodies.push(body);
        }
        Ok(bodies)
    }

    /// Records what was paid back onto gift cards, after the refund with this id.
    pub(super) fn put_onto_cards(
        &mut self,
        call: &Call<'_>,
        refund: EventId,
        bodies: Vec<Body>,
    ) -> Result<Vec<(Event, Origin)>, Refusal> {
        let (location, mut id) = (self.config.vouchers.clone(), refund);
        let mut events = Vec::with_capacity(bodies.len());
        for body in bodies {
            id = second_id(id);
            let recorded = self.record(call, &location, Draft { id, body, occurred_at: None });
            events.push(recorded.inspect_err(|error| self.break_off(error))?);
        }
        Ok(events)
    }

    /// What tenders take of gift cards.
    pub(super) fn gift_cards(&self, field: &str, tenders: &[TenderRequest]) -> Result<Wants, Refusal> {
        let mut wants = Wants::new();
        for (index, tender) in tenders.iter().enumerate().filter(|(_, tender)| tender.kind.as_str() == GIFT_CARD) {
            let field = format!("{field}[{index}]");
            let quantity = tender.amount.amount;
            check_quantity(format_args!("{field}.amount.amount"), quantity, 1)?;
            let (sku, name) = self.gift_card(&field, tender)?;
            wants.entry(sku).or_insert_with(|| Wanted { field, name, quantity: 0 }).quantity += quantity;
        }
        Ok(wants)
    }

    /// What vouchers gave for an order and did not get back yet.
    pub(super) fn taken_of_vouchers(&self, order: EventId) -> Result<Vec<Line>, StorageError> {
        let at = self.row::<EventRow>(&Redemption::id_of(order))?.and_then(|row| row.counted());
        let found = at.map(|at| self.event(at)).transpose()?.flatten();
        match found.map(|(event, _)| event.body) {
            Some(Body::Redemption(body)) if body.order == order => Ok(body.lines),
            _ => Ok(Vec::new()),
        }
    }

    /// What a cart's coupons are used for: one use of each whose promotion takes something off. A code that was never
    /// issued is used without a limit.
    pub(super) fn coupons(&self, row: &CartRow, adjustments: &[PriceAdjustment]) -> Result<Wants, Refusal> {
        let mut wants = Wants::new();
        let effective = adjustments.iter().filter(|adjustment| adjustment.amount != 0);
        for (promotion, coupon) in effective.filter_map(|it| Some((&it.promotion, self.coupon_of(&it.promotion)?))) {
            let code = VoucherCode::new(coupon.as_str()).ok();
            let sku = code.and_then(|code| voucher::sku_of(&self.config.fleet, VoucherKind::Coupon, &code));
            let Some((sku, terms)) = sku.and_then(|sku| Some((sku.clone(), self.voucher_terms(&sku)?))) else {
                if self.look::<Promotion, _>(promotion, |promotion| promotion.limited) == Some(true) {
                    let (field, voucher) = ("coupons".to_owned(), format!("coupon {coupon}"));
                    return Err(Refusal::VoucherUnknown { field, voucher, mistyped: false });
                }
                continue;
            };
            if row.add_ids_of_coupon(coupon.as_str()).is_empty() {
                continue;
            }
            if let Some(only) = terms.promotion.filter(|only| only != promotion) {
                let rule = format!("it is for promotion {only} only: take it off the cart");
                return Err(Refusal::invalid("coupons", &coupon, rule));
            }
            let (field, name) = ("coupons".to_owned(), format!("coupon {coupon}"));
            wants.insert(sku, Wanted { field, name, quantity: 1 });
        }
        Ok(wants)
    }

    fn coupon_of(&self, promotion: &Name) -> Option<CouponCode> {
        self.look::<Promotion, _>(promotion, |promotion| promotion.coupon.clone()).flatten()
    }

    /// The gift card that a tender names, which this node must know.
    pub(super) fn gift_card(&self, field: &str, tender: &TenderRequest) -> Result<(Sku, String), Refusal> {
        let (location, fleet) = (&self.config.vouchers, &self.config.fleet);
        let text = tender.reference.as_ref().map_or("", |reference| reference.as_str());
        let code = VoucherCode::new(text)
            .map_err(|error| Refusal::invalid(format!("{field}.reference"), "", format!("a code: {}", error.rule)))?;
        let voucher = format!("gift card {}", code.ending());
        let currency = tender.amount.currency;
        let sku = voucher::sku_of(fleet, VoucherKind::GiftCard(currency), &code);
        if let Some(sku) = sku.filter(|sku| self.voucher_terms(sku).is_some()) {
            return Ok((sku, voucher));
        }
        let others = voucher::read(&self.committed(), location, fleet, &code);
        if let Some(expected) = others.iter().find_map(|other| other.kind.currency()) {
            let (value, expected) = (currency.to_string(), expected.to_string());
            return Err(Refusal::Currency { field: format!("{field}.amount.currency"), value, expected });
        }
        Err(Refusal::VoucherUnknown { field: format!("{field}.reference"), voucher, mistyped: code.is_mistyped() })
    }

    /// What holds for a voucher, if it was ever issued.
    pub(super) fn voucher_terms(&self, sku: &Sku) -> Option<VoucherTerms> {
        self.look::<VoucherRow, _>(&(self.config.vouchers.clone(), sku.clone()), |row| row.terms().cloned()).flatten()
    }

    /// Checks that this node may take what is wanted, all or none: it holds the rights now, else peers are asked for
    /// them until a time, and the refusal says so.
    pub(super) fn take_vouchers(
        &mut self,
        call: &Call<'_>,
        wants: Wants,
        until: Option<Timestamp>,
    ) -> Result<Vec<Line>, Refusal> {
        if !wants.is_empty() {
            self.check_not_retired()?;
        }
        // Rights are taken now: a sale that was earlier brings no card back to life.
        let at = call.request.occurred_at.map_or(call.now, |at| at.max(call.now));
        let mut missing = Vec::new();
        for (sku, wanted) in &wants {
            self.check_worth(sku, wanted, at)?;
            let available = self.own_rights(&self.config.vouchers, sku);
            if available < wanted.quantity {
                let (field, sku, wanted) = (wanted.field.clone(), sku.clone(), wanted.quantity);
                missing.push(Missing { field, sku, wanted, available });
            }
        }
        if !missing.is_empty() {
            return Err(self.voucher_elsewhere(call, &wants, missing, until));
        }
        let line = |(sku, wanted): (Sku, Wanted)| Line { sku, quantity: wanted.quantity };
        Ok(wants.into_iter().map(line).collect())
    }

    /// Checks that a voucher is worth so much, as far as this node has heard.
    fn check_worth(&self, sku: &Sku, wanted: &Wanted, at: Timestamp) -> Result<(), Refusal> {
        let location = &self.config.vouchers;
        self.check_location_held(&wanted.field, location)?;
        self.check_not_over(sku, wanted, at)?;
        let (field, voucher) = (wanted.field.clone(), wanted.name.clone());
        let balance = self.look::<StockRow, _>(&(location.clone(), sku.clone()), StockRow::on_hand).unwrap_or_default();
        if balance < wanted.quantity {
            let (wanted, balance) = (wanted.quantity, balance.max(0));
            return Err(Refusal::VoucherSpent { field, voucher, wanted, balance });
        }
        Ok(())
    }

    fn check_not_over(&self, sku: &Sku, wanted: &Wanted, at: Timestamp) -> Result<(), Refusal> {
        match self.voucher_terms(sku).and_then(|terms| terms.valid_until).filter(|until| *until <= at) {
            Some(until) => {
                let (field, voucher) = (wanted.field.clone(), wanted.name.clone());
                Err(Refusal::VoucherExpired { field, voucher, until })
            }
            None => Ok(()),
        }
    }

    /// The refusal that says how much may be taken here and who holds the rest.
    fn voucher_elsewhere(
        &mut self,
        call: &Call<'_>,
        wants: &Wants,
        missing: Vec<Missing>,
        until: Option<Timestamp>,
    ) -> Refusal {
        let location = self.config.vouchers.clone();
        let first = missing.first().cloned();
        let refusal = self.not_available(call, &location, missing, until);
        let Refusal::NotAvailable { elsewhere, asking, .. } = refusal else { return refusal };
        let Some(Missing { field, sku, wanted, available }) = first else {
            return Refusal::NotAvailable { location, missing: Vec::new(), elsewhere, asking };
        };
        let holder = |it: Elsewhere| Some(VoucherHolder { node: it.node?, available: it.available, left: it.left });
        let holders = elsewhere.into_iter().filter(|it| it.sku == sku).filter_map(holder).collect();
        let voucher = wants.get(&sku).map_or_else(String::new, |wanted| wanted.name.clone());
        Refusal::VoucherElsewhere { field, voucher, wanted, available, holders, asking }
    }

    /// Records what was taken for an order, in the commit that records the order.
    pub(super) fn redeem(
        &mut self,
        call: &Call<'_>,
        order: EventId,
        lines: Vec<Line>,
    ) -> Result<Option<(Event, Origin)>, Refusal> {
        if lines.is_empty() {
            return Ok(None);
        }
        let location = self.config.vouchers.clone();
        let (id, body) = (Redemption::id_of(order), Body::Redemption(Redemption { order, lines }));
        let draft = Draft { id, body, occurred_at: None };
        self.record(call, &location, draft).inspect_err(|error| self.break_off(error)).map(Some)
    }

    /// Checks that this node may redeem at all: once the order is recorded it is too late to refuse.
    pub(super) fn check_may_redeem(&self, lines: &[Line]) -> Result<(), Refusal> {
        if lines.is_empty() {
            return Ok(());
        }
        let order = EventId::from_bytes([0; EventId::LEN]);
        self.check_event_role(&self.config.vouchers, &Body::Redemption(Redemption { order, lines: lines.to_vec() }))
    }

    /// Folds what an event that counts says of a voucher's terms.
    pub(super) fn fold_voucher(&mut self, event: &Event, origin: &Origin) -> Result<(), StorageError> {
        let Body::Issue(issue) = &event.body else { return Ok(()) };
        let terms = VoucherTerms {
            issued_at: event.occurred(),
            valid_until: issue.valid_until,
            promotion: issue.promotion.clone(),
        };
        self.update_row::<VoucherRow>((origin.location.clone(), issue.voucher.clone()), |row| {
            if issue.order.is_none() {
                row.issues.insert(event.id, terms);
            }
        })
    }

    /// Makes a row for the voucher of a copy that does not count: where it was heard first it left one.
    pub(super) fn note_voucher(&mut self, event: &Event, origin: &Origin) -> Result<(), StorageError> {
        let Body::Issue(issue) = &event.body else { return Ok(()) };
        self.update_row::<VoucherRow>((origin.location.clone(), issue.voucher.clone()), |_| {})
    }

    /// Takes back what a copy said that does not count any more.
    pub(super) fn undo_voucher(&mut self, event: &Event, origin: &Origin) -> Result<(), StorageError> {
        let Body::Issue(issue) = &event.body else { return Ok(()) };
        self.update_row::<VoucherRow>((origin.location.clone(), issue.voucher.clone()), |row| {
            row.issues.remove(&event.id);
        })
    }
}

/// What the worth of a voucher is called where it is issued.
const fn quantity_field(kind: VoucherKind) -> &'static str {
    match kind {
        VoucherKind::Coupon => "uses",
        VoucherKind::GiftCard(_) => "amount.amount",
    }
}

/// The voucher that a body moves as if it were goods, which would make or take money without anybody's rights.
pub(super) fn moved_as_goods(body: &Body, writer: Epoch) -> Option<Sku> {
    let is_voucher = |sku: &&Sku| voucher::kind_of(sku).is_some();
    match body {
        Body::Issue(_) | Body::Redemption(_) | Body::RedemptionReversal(_) => None,
        Body::Count(count) => count.lines.iter().map(|line| &line.sku).find(is_voucher).cloned(),
        // Which promise it would be does not matter.
        _ => stock::steps_of(EventId::from_bytes([0; 16]), body, writer)
            .into_iter()
            .map(|(sku, _)| sku)
            .find(is_voucher)
            .cloned(),
    }
}
