//! Vouchers: coupons with a number of uses, gift cards with a balance in minor units of one currency.
//!
//! A voucher is a bounded counter like the stock of a SKU: issuing enters units and makes them rights of the issuer,
//! redeeming takes rights that the node holds now. So what all nodes redeem stays within what was issued, whatever the
//! network does (see [`crate::stock`]); what comes back counts where its writer took it. Its units lie in the ledgers
//! of one location that is a voucher's alone.
//!
//! Whoever knows a code can spend it, so no code is ever written down: ledgers hold a SKU made of its hash. Kind and
//! currency are part of that SKU, so two nodes that issue one code apart never add cents to uses.

mod code;

use std::collections::BTreeMap;
use std::ops::Bound;

use minicbor::{CborLen, Decode, Encode};

use crate::event::{Body, Event, Origin, Redemption, RedemptionReversal};
use crate::id::{self, Epoch, EventId, Name, Sku};
use crate::money::Currency;
use crate::stock::StockRow;
use crate::time::Timestamp;
use crate::view::View;

pub use code::{CODE_LEN, VoucherCode};

/// The location whose ledgers hold vouchers, where no other is configured.
pub const LOCATION: &str = "vouchers";
/// The kind of tender that a gift card pays.
pub const GIFT_CARD: &str = "gift-card";

/// What the SKUs of vouchers begin with.
const PREFIX: &str = "voucher-";
/// What stands in a coupon's SKU where a gift card's has its currency.
const USES: &str = "uses";
/// How many hexadecimal digits of the hash a SKU has: no two codes share them.
const HASH_DIGITS: usize = 32;

/// What a voucher is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoucherKind {
    /// It switches a promotion on, so many times.
    Coupon,
    /// It pays, up to its balance in minor units of this currency.
    GiftCard(Currency),
}

impl VoucherKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coupon => "coupon",
            Self::GiftCard(_) => GIFT_CARD,
        }
    }

    /// The currency of a gift card.
    pub const fn currency(self) -> Option<Currency> {
        match self {
            Self::Coupon => None,
            Self::GiftCard(currency) => Some(currency),
        }
    }
}

impl std::fmt::Display for VoucherKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Coupon => f.write_str("coupon"),
            Self::GiftCard(currency) => write!(f, "gift card in {currency}"),
        }
    }
}

/// What a ledger calls the voucher of a code. None: a code of this form is none of this kind.
pub fn sku_of(fleet: &Name, kind: VoucherKind, code: &VoucherCode) -> Option<Sku> {
    let stem = match kind {
        VoucherKind::Coupon => coupon_stem(fleet, code)? + USES,
        VoucherKind::GiftCard(currency) => gift_card_stem(fleet, code)? + currency.code(),
    };
    Sku::new(&stem).ok()
}

/// What a SKU is the voucher of, if it is one.
pub fn kind_of(sku: &Sku) -> Option<VoucherKind> {
    let (hash, ending) = sku.as_str().strip_prefix(PREFIX)?.split_once('-')?;
    let is_hash = hash.len() == HASH_DIGITS && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match ending {
        _ if !is_hash => None,
        USES => Some(VoucherKind::Coupon),
        currency => Currency::new(currency).ok().map(VoucherKind::GiftCard),
    }
}

/// What the SKU of a coupon begins with: coupons are told apart as promotions tell them apart.
fn coupon_stem(fleet: &Name, code: &VoucherCode) -> Option<String> {
    Some(stem(fleet, "coupon", code.as_coupon()?.as_str()))
}

/// What the SKUs of a gift card begin with, whatever its currency: how it is grouped or typed does not matter.
fn gift_card_stem(fleet: &Name, code: &VoucherCode) -> Option<String> {
    code.as_gift_card().map(|plain| stem(fleet, GIFT_CARD, plain))
}

fn stem(fleet: &Name, kind: &str, text: &str) -> String {
    let parts = [fleet.as_str(), kind, text].map(str::as_bytes);
    let hash = id::hash_parts("tillmesh voucher", &parts);
    let digits: String = hash.iter().take(HASH_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{digits}-")
}

/// Whether an event gives back what vouchers gave for an order: the same node took at least as much for it, in whatever
/// epoch. Else it counts for nothing, for who gives back writes without anybody's rights.
pub(crate) fn is_taken((back, by): (&Event, &Origin), redemption: Option<(&Event, &Origin)>) -> bool {
    let (Body::RedemptionReversal(given), Some((taken, at))) = (&back.body, redemption) else { return false };
    let Body::Redemption(redeemed) = &taken.body else { return false };
    let order = given.order;
    let is_of_it = redeemed.order == order
        && (back.id, taken.id) == (RedemptionReversal::id_of(order), Redemption::id_of(order))
        && (&by.location, &by.writer.node) == (&at.location, &at.writer.node);
    let mut left: BTreeMap<&Sku, i64> = BTreeMap::new();
    redeemed.lines.iter().for_each(|line| *left.entry(&line.sku).or_default() += line.quantity);
    let within = given.lines.iter().all(|line| {
        let left = left.entry(&line.sku).or_default();
        *left -= line.quantity;
        *left >= 0
    });
    is_of_it && within
}

/// What was said when a voucher was issued.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct VoucherTerms {
    /// When that happened.
    #[n(0)]
    pub issued_at: Timestamp,
    /// The first moment at which it is worth nothing any more.
    #[n(1)]
    pub valid_until: Option<Timestamp>,
    /// The only promotion that it is for, of a coupon.
    #[n(2)]
    pub promotion: Option<Name>,
}

/// What is known of a voucher besides its units: each time that it was issued.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct VoucherRow {
    /// By event.
    #[n(0)]
    pub issues: BTreeMap<EventId, VoucherTerms>,
}

impl VoucherRow {
    /// What holds: what was said last. Of the same time the greater event decides, so that all nodes say the same.
    pub fn terms(&self) -> Option<&VoucherTerms> {
        self.issues.iter().max_by_key(|(event, terms)| (terms.issued_at, **event)).map(|(_, terms)| terms)
    }
}

/// A voucher as a node knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voucher {
    /// What ledgers call it.
    pub sku: Sku,
    /// What it is.
    pub kind: VoucherKind,
    /// What is left of it, as far as this node has heard.
    pub balance: i64,
    /// How much of that a holder may take without asking anybody.
    pub rights: BTreeMap<Epoch, i64>,
    /// What was said when it was issued.
    pub terms: VoucherTerms,
}

/// Reads the vouchers of a code: as a rule one, of each kind and currency at most one.
pub fn read(view: &View, location: &Name, fleet: &Name, code: &VoucherCode) -> Vec<Voucher> {
    let stems = [gift_card_stem(fleet, code), coupon_stem(fleet, code)];
    stems.into_iter().flatten().flat_map(|stem| beginning_with(view, location, &stem)).collect()
}

fn beginning_with(view: &View, location: &Name, stem: &str) -> Vec<Voucher> {
    let Ok(first) = Sku::new(stem) else { return Vec::new() };
    let rows = view.vouchers.range_from(Bound::Included((location.clone(), first)));
    let rows = rows.take_while(|((at, sku), _)| at == location && sku.as_str().starts_with(stem));
    rows.filter_map(|(key, row)| known(&key.1, row, &view.stock.get(key).cloned().unwrap_or_default())).collect()
}

fn known(sku: &Sku, row: &VoucherRow, stock: &StockRow) -> Option<Voucher> {
    Some(Voucher {
        sku: sku.clone(),
        kind: kind_of(sku)?,
        balance: stock.on_hand().max(0),
        rights: stock.rights.clone().into_iter().filter(|(_, rights)| *rights > 0).collect(),
        terms: row.terms()?.clone(),
    })
}

#[cfg(test)]
mod tests;
