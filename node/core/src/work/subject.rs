//! What work items are about, and what may be decided.

use minicbor::{CborLen, Decode, Encode};

use crate::id::{CartId, EventId, Name, Reference, Sku, Writer};
use crate::time::BusinessDate;

/// What a work item is about: with its kind, its identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, CborLen)]
pub enum Subject {
    /// More of a SKU is promised than there is.
    #[n(0)]
    Shortfall {
        /// Where.
        #[n(0)]
        location: Name,
        /// Of what.
        #[n(1)]
        sku: Sku,
    },
    /// Of a promise more was given up and handed over than was promised.
    #[n(1)]
    SettledTwice {
        /// The promise.
        #[n(0)]
        promise: EventId,
    },
    /// More was paid back for an order than was paid.
    #[n(2)]
    OverRefunded {
        /// The order.
        #[n(0)]
        order: EventId,
    },
    /// More of an order came back than had left.
    #[n(3)]
    OverReturned {
        /// The order.
        #[n(0)]
        order: EventId,
    },
    /// One id stands for two different events.
    #[n(4)]
    Clash {
        /// The id.
        #[n(0)]
        event: EventId,
    },
    /// Something was sold that the catalogue does not have.
    #[n(5)]
    UnknownSku {
        /// What.
        #[n(0)]
        sku: Sku,
    },
    /// One cart became several orders.
    #[n(6)]
    DoubleCheckout {
        /// The cart that all of them go back to.
        #[n(0)]
        cart: CartId,
    },
    /// A node that was retired promised what was taken from it meanwhile.
    #[n(7)]
    RetiredPromise {
        /// Whose goods.
        #[n(0)]
        location: Name,
        /// Which.
        #[n(1)]
        sku: Sku,
        /// Who promised them.
        #[n(2)]
        holder: Writer,
    },
    /// A ledger goes on after the close of its day.
    #[n(8)]
    LateEvent {
        /// Where.
        #[n(0)]
        location: Name,
        /// Whose ledger.
        #[n(1)]
        writer: Writer,
        /// Of which day.
        #[n(2)]
        date: BusinessDate,
    },
    /// More was taken of a voucher than it was issued for.
    #[n(10)]
    OverspentVoucher {
        /// The location of the vouchers' ledgers.
        #[n(0)]
        location: Name,
        /// What ledgers call it.
        #[n(1)]
        sku: Sku,
    },
    /// Goods of one document were booked in several times.
    #[n(11)]
    ReceivedTwice {
        /// Where.
        #[n(0)]
        location: Name,
        /// The document.
        #[n(1)]
        reference: Reference,
    },
    /// More of a return was decided on than it kept aside.
    #[n(12)]
    OverDecided {
        /// The return.
        #[n(0)]
        back: EventId,
    },
    /// A node holds more of a retired one than its retirement counts.
    #[n(13)]
    BeyondRetirement {
        /// Of whom, and in which epoch.
        #[n(0)]
        retired: Writer,
        /// Which node holds it.
        #[n(1)]
        at: Name,
    },
    /// A store ran twice in one epoch.
    #[n(9)]
    Clone {
        /// Whose, and in which epoch.
        #[n(0)]
        writer: Writer,
    },
}

/// What may be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It stays as it is; somebody has seen it.
    Accept,
    /// Give up the newest promises until the rest can be kept; each by its owner.
    ReleaseNewest,
    /// Take back and pay back the orders that lost.
    VoidLosers,
    /// Give up the promises of a node that is gone.
    ReleaseRetired,
    /// Book in what was given up and handed over both, once it is back.
    TakeBack,
    /// Take off the stock what was booked in although it had come back before.
    WriteOff,
}

impl Subject {
    /// The word for it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Shortfall { .. } => "shortfall",
            Self::SettledTwice { .. } => "settled-twice",
            Self::OverRefunded { .. } => "over-refunded",
            Self::OverReturned { .. } => "over-returned",
            Self::Clash { .. } => "clash",
            Self::UnknownSku { .. } => "unknown-sku",
            Self::DoubleCheckout { .. } => "double-checkout",
            Self::RetiredPromise { .. } => "retired-promise",
            Self::LateEvent { .. } => "late-event",
            Self::Clone { .. } => "clone",
            Self::OverspentVoucher { .. } => "overspent-voucher",
            Self::ReceivedTwice { .. } => "received-twice",
            Self::OverDecided { .. } => "over-decided",
            Self::BeyondRetirement { .. } => "beyond-retirement",
        }
    }

    /// The id of the item about it.
    pub fn id(&self) -> EventId {
        EventId::hash_of("tillmesh work item", &[&crate::codec::encode(self)])
    }
}

impl Choice {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::ReleaseNewest => "release-newest",
            Self::VoidLosers => "void-losers",
            Self::ReleaseRetired => "release-retired",
            Self::TakeBack => "take-back",
            Self::WriteOff => "write-off",
        }
    }
}
