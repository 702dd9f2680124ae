//! The engine: a state machine that turns commands and peers' messages into events, projections and effects.
//!
//! # How to drive it
//!
//! ```text
//! open ──► submit(command) ─┐
//!      ──► receive(message) ─┼─► commit ──► answer the callers, send the effects
//!      ──► tick(now) ────────┘
//! ```
//!
//! One thread owns the engine. It calls `submit`, `receive` and `tick` for whatever waits, then `commit` **once**.
//! Nothing that they returned may leave the thread before `commit` returned: until then a crash undoes it. When
//! `commit` fails, every outcome since the last commit is void, and the engine has gone back to what is durable.
//!
//! Time and randomness are arguments. The view is shared with readers behind a lock that is held for microseconds; it
//! shows committed state only.

mod allocations;
mod answers;
mod asking;
mod authored;
mod batch;
mod beyond;
mod cancelling;
mod carts;
mod catalogue;
mod channels;
mod checkout;
mod claims;
mod clones;
mod days;
mod denials;
mod digests;
mod documents;
mod exposure;
mod fleet;
mod fold;
mod handed_over;
mod ingest;
mod interest;
mod openings;
mod orders;
mod presence;
mod prices;
mod promises;
mod quarantine;
mod reach;
mod record;
mod refunding;
mod remedies;
mod repair;
mod replay;
mod retired;
mod returning;
mod reversals;
mod rights;
mod sales;
mod seeking;
mod serving;
mod standing_in;
mod state;
mod statements;
mod stock;
mod tenders;
mod unnamed;
mod voiding;
mod vouchers;
mod wishes;
mod work;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use rand_core::CryptoRng;

use crate::command::{Command, Outcome, Request};
use crate::day::OpenDay;
use crate::document::Interest;
use crate::id::{Name, ObjectHash, Writer};
use crate::identity::Identity;
use crate::money::Rounding;
use crate::policy::Policies;
use crate::refusal::Refusal;
use crate::storage::{Storage, StorageError, Table, Write};
use crate::sync::{Peers, Sync, Waiting};
use crate::tax::Taxes;
use crate::time::{Timestamp, Zone};
use crate::view::{Staged, View};

pub use authored::{Authored, AuthoredEvents, authored_by};
pub use batch::{Committed, Effect, Relay};
pub use clones::CloneAlarm;
pub use documents::MAX_LOADED;
pub use exposure::{Exposure, Repayable, VouchersHeld, Worth};
pub use ingest::{Refused, RefusedKind};
pub use openings::{OpeningNotice, Verdict};
pub use promises::MAX_TTL_SECONDS;
pub use replay::{FORMAT, OpenError, begin_epoch, is_of_epoch, is_of_projections};
pub use seeking::NEXT_AFTER_MILLIS;

pub(crate) use documents::batches_of;

use allocations::PromisedTo;
use batch::Batch;
use cancelling::Cancelling;
use days::Running;
use documents::Documents;
use fleet::Fleet;
use openings::Openings;
use promises::Holds;
use quarantine::Quarantine;
use refunding::Refunding;
use retired::Retired;
use returning::ComingBack;
use rights::Unsettled;
use seeking::Seeking;
use serving::Leaving;

/// Who a node is and where.
#[derive(Debug, Clone)]
pub struct Config {
    /// The fleet.
    pub fleet: Name,
    /// The node's name.
    pub node: Name,
    /// The location whose stock it touches unless told otherwise.
    pub location: Name,
    /// The region whose carts it shares.
    pub region: Name,
    /// The location's time zone: decides the day of trade.
    pub zone: Zone,
    /// How a line's amount is rounded.
    pub rounding: Rounding,
    /// Whether it is its location's keeper: who folds closed days into openings, and makes rights of what counts and
    /// returns leave over.
    pub keeper: bool,
    /// How far it may promise.
    pub promises: Policies,
    /// How it taxes what it sells.
    pub taxes: Taxes,
    /// The location whose ledgers hold the fleet's vouchers.
    pub vouchers: Name,
}

/// The view as readers share it.
pub type SharedView = Arc<RwLock<View>>;

/// See the module's documentation.
pub struct Engine<S: Storage> {
    config: Config,
    interest: Interest,
    /// How many days a cart lives that nobody adds to.
    cart_days: u16,
    /// Whether it gives new batches of others to be passed on.
    relays: bool,
    storage: S,
    identity: Identity,
    view: SharedView,
    documents: Documents,
    staged: Staged,
    batch: Batch,
    sync: Sync,
    openings: Openings,
    fleet: Fleet,
    quarantine: Quarantine,
    unsettled: Unsettled,
    retired: Retired,
    holds: Holds,
    running: Running,
    seeking: Seeking,
    promised_to: PromisedTo,
    refunding: Refunding,
    cancelling: Cancelling,
    /// Whether it pays back without the right to where nobody gives it.
    refunds_apart: bool,
    /// What was heard of others that write in an epoch of this store.
    clones: Vec<CloneAlarm>,
    /// Whether others may not have been told yet which epochs it left.
    unsaid_fences: bool,
    /// The last time given to an event: strictly growing, whatever the clock does.
    clock: Timestamp,
    /// The number of the next entry in a cart of this boot.
    next_entry: u64,
    /// Set while the log is replayed: rows may already be ahead of the event that is folded.
    replaying: bool,
    /// Set when an error in the middle of a change left the batch half made.
    broken: Option<StorageError>,
}

impl<S: Storage> Engine<S> {
    /// Does a command. The outcome is provisional until [`Engine::commit`] returned.
    ///
    /// # Errors
    /// When the command is refused; then nothing was written and the idempotency key stays unused.
    pub fn submit(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, request: Request) -> Result<Outcome, Refusal> {
        let mut request = request;
        self.make_code(rng, &mut request);
        if let Some(outcome) = self.repeated(&request)? {
            return self.with_code(outcome, request);
        }
        let result = self.dispatch(now, rng, &request);
        if let Err(Refusal::Storage(error)) = &result {
            self.broken.get_or_insert_with(|| error.clone());
        }
        if let (Ok(outcome), Some(key)) = (&result, &request.key) {
            self.remember(key, request.digest, outcome);
        }
        result.and_then(|outcome| self.with_code(outcome, request))
    }

    fn dispatch(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, request: &Request) -> Result<Outcome, Refusal> {
        let mut call = state::Call { now, rng, request };
        match &request.command {
            Command::PutProducts(products) => self.put_products(now, products),
            Command::PutPromotion(promotion) => self.put_promotion(now, promotion),
            Command::Receive { location, lines } => self.receive_stock(&mut call, location.as_ref(), lines),
            Command::Count { location, lines } => self.count(&mut call, location.as_ref(), lines),
            Command::Transfer { from, to, lines } => self.transfer(&mut call, from.as_ref(), to, lines),
            Command::Adjust { location, lines, reason } => self.adjust(&mut call, location.as_ref(), lines, *reason),
            Command::Sell { location, lines, tenders, customer } => {
                self.sell(&mut call, location.as_ref(), lines, tenders, customer.as_ref())
            }
            Command::AuthoriseReturn { location, order, lines, until } => {
                self.authorise_return(&mut call, location.as_ref(), *order, lines, *until)
            }
            Command::TakeBack { location, order, authorisation, lines, refund } => {
                let (location, order, authorisation) = (location.as_ref(), *order, *authorisation);
                self.take_back(&mut call, &ComingBack { location, order, authorisation, lines, refund })
            }
            Command::Dispose { back, lines } => self.dispose(&mut call, *back, lines),
            Command::PayBack { location, order, refund } => self.pay_back(&mut call, location.as_ref(), *order, refund),
            Command::Fulfil { location, order, lines, parcel, handover } => {
                let (from, parcel) = (location.as_ref(), parcel.as_ref());
                self.fulfil(&mut call, &Leaving { order: *order, from, lines, parcel, handover: *handover })
            }
            Command::Progress { order, stage, from, lines } => self.progress(&mut call, *order, *stage, *from, lines),
            Command::Deliver { order, parcel } => self.deliver(&mut call, *order, parcel.as_ref()),
            Command::CloseDay { date, counted, next } => self.close_day(&mut call, *date, *counted, *next),
            Command::MoveCash { kind, amount, reason } => self.move_cash(&mut call, *kind, *amount, reason.as_ref()),
            Command::Reserve(reservation) => self.reserve(&mut call, reservation),
            Command::Confirm { promise, lines } => self.confirm(&mut call, *promise, lines),
            Command::Release(given_up) => self.release(&mut call, given_up),
            Command::Resolve { item, choice, reason } => self.resolve(&mut call, *item, choice, reason.as_ref()),
            Command::CreateCart { customer } => self.create_cart(&mut call, customer.as_ref()),
            Command::AddToCart { cart, sku, quantity, unit_price } => {
                self.add_to_cart(&mut call, *cart, sku, *quantity, *unit_price)
            }
            Command::SetInCart { cart, sku, quantity } => self.set_in_cart(&mut call, *cart, sku, *quantity),
            Command::AddCoupon { cart, code } => self.add_coupon(&mut call, *cart, code),
            Command::RemoveCoupon { cart, code } => self.remove_coupon(&mut call, *cart, code),
            Command::Checkout { cart, priced, tenders } => self.checkout(&mut call, *cart, priced, tenders),
            Command::PromiseCart { cart, priced, terms } => self.promise_cart(&mut call, *cart, priced, terms),
            Command::ClaimCart { cart } => self.claim_cart(&mut call, *cart),
            Command::ForkCart { cart } => self.fork_cart(&mut call, *cart),
            Command::MergeCarts { into, from, policy } => self.merge_carts(&mut call, *into, *from, *policy),
            Command::IssueVoucher(issue) => self.issue_voucher(&mut call, issue),
            Command::Enrol(enrolment) => self.enrol(now, enrolment),
            Command::Channel { message, commands, kept, answered } => {
                let outcome = self.channel(&mut call, message, commands, kept)?;
                self.keep_for_driver(answered);
                Ok(outcome)
            }
            Command::Keep(kept) => {
                self.keep_for_driver(kept);
                Ok(Outcome::Recorded { events: Vec::new(), repeated: false })
            }
        }
    }

    /// The same with carts that live so many days after somebody added to them.
    #[must_use]
    pub const fn expiring_carts(mut self, days: u16) -> Self {
        self.cart_days = days;
        self
    }

    /// Keeps content with the next commit, to be fetched by its hash.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keep(&mut self, content: &[u8]) -> Result<(), StorageError> {
        let hash = ObjectHash::of(content);
        if self.storage.get(Table::Objects, hash.as_bytes())?.is_none() {
            self.batch.writes.push(Write::put(Table::Objects, hash.as_bytes().as_slice(), content.to_vec()));
        }
        Ok(())
    }

    /// What readers see: committed state.
    pub fn view(&self) -> SharedView {
        Arc::clone(&self.view)
    }

    /// A reader of the store.
    pub fn reader(&self) -> S::Reader {
        self.storage.reader()
    }

    /// This node in this epoch.
    pub const fn writer(&self) -> &Writer {
        self.identity.writer()
    }

    /// What it was opened with.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// What is known of the peers.
    pub const fn peers(&self) -> &Peers {
        self.sync.peers()
    }

    /// What is kept in memory for peers, for metrics.
    pub fn waiting(&self) -> Waiting {
        self.sync.waiting()
    }

    /// The day of trade that what is recorded now at the node's own location belongs to.
    pub fn open_day(&self, now: Timestamp) -> OpenDay {
        self.day(now, &self.config.location)
    }

    pub(crate) fn committed(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
