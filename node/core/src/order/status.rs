//! Where an order stands.

use super::{Order, Quantities};
use crate::event::Stage;

/// Where an order stands, derived from its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Promised for a while: not confirmed yet.
    Reserved,
    /// Promised, and nobody has begun, or not with all of it.
    Placed,
    /// Somebody has taken all of it on.
    Allocated,
    /// All of it was taken from the shelves.
    Picked,
    /// All of it can be handed over or shipped.
    Ready,
    /// Part of it has left.
    PartlyFulfilled,
    /// Everything has left, and some of it is still on its way.
    Shipped,
    /// Everything was handed over or has arrived, or it was sold over the counter.
    Completed,
    /// Given up before anything left.
    Cancelled,
    /// Part of it came back.
    PartlyReturned,
    /// All of it came back.
    Returned,
}

impl Status {
    /// What an order can be of which something is still to leave.
    pub const OPEN: [Self; 6] =
        [Self::Reserved, Self::Placed, Self::Allocated, Self::Picked, Self::Ready, Self::PartlyFulfilled];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Placed => "placed",
            Self::Allocated => "allocated",
            Self::Picked => "picked",
            Self::Ready => "ready",
            Self::PartlyFulfilled => "partly-fulfilled",
            Self::Shipped => "shipped",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::PartlyReturned => "partly-returned",
            Self::Returned => "returned",
        }
    }
}

impl Order {
    /// Where it stands.
    pub fn status(&self) -> Status {
        let mut all = Quantities::default();
        let promise = self.is_promise();
        // Too much of one SKU makes up for nothing of another.
        for mut of in self.quantities().into_values() {
            of.fulfilled = of.fulfilled.min(of.ordered);
            of.released = of.released.min(of.ordered - of.fulfilled);
            of.returned = of.returned.min(if promise { of.fulfilled } else { of.ordered });
            all.add(&of);
        }
        let left = if promise { all.fulfilled } else { all.ordered };
        match () {
            // What came back hides nothing that is still to leave.
            () if promise && all.fulfilled > 0 && all.fulfilled + all.released < all.ordered => Status::PartlyFulfilled,
            () if all.returned > 0 && all.returned >= left => Status::Returned,
            () if all.returned > 0 => Status::PartlyReturned,
            () if promise && all.fulfilled == 0 => self.before_it_leaves(&all),
            () if self.shipments().any(|(_, arrived)| !arrived) => Status::Shipped,
            () => Status::Completed,
        }
    }

    /// Where a promise stands of which nothing has left.
    fn before_it_leaves(&self, all: &Quantities) -> Status {
        match () {
            () if all.released > 0 && all.released >= all.ordered => Status::Cancelled,
            () if !self.is_confirmed() => Status::Reserved,
            () => match all.earliest_stage() {
                Some(Stage::Ready) => Status::Ready,
                Some(Stage::Picked) => Status::Picked,
                Some(Stage::Allocated) => Status::Allocated,
                Some(Stage::Placed) | None => Status::Placed,
            },
        }
    }
}
