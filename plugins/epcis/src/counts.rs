//! Counts and levels that a message states of one article at one location: where rooms of it are counted each for
//! itself, they add up; else of two the last would be all that is left.

use std::collections::BTreeMap;

use tillmesh_plugin::{Failure, failure};

/// Whether it is a level, the node's location, and the SKU.
type Counted = (bool, Option<String>, String);

/// What one event says of it.
#[derive(Debug)]
struct Stated {
    /// What it counted: a room, or the whole.
    place: Option<String>,
    at: i64,
    units: u64,
}

/// What a message states.
#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<Counted, Vec<Stated>>);

impl Counts {
    /// Adds what an event counted at a place, at a time in microseconds since 1970.
    ///
    /// # Errors
    /// `rejected` where the message counts it otherwise for the same place and time, or elsewhere at the location at
    /// another time: then nobody knows how many there are. `field` says where the event stands.
    pub fn add(
        &mut self,
        field: &str,
        counted: Counted,
        place: Option<&String>,
        at: i64,
        units: u64,
    ) -> Result<(), Failure> {
        let sku = counted.2.clone();
        let known = self.0.entry(counted).or_default();
        if known.iter().any(|it| it.place.as_ref() == place && it.at == at && it.units == units) {
            return Ok(());
        }
        if known.iter().any(|it| it.place.as_ref() == place && it.at == at) {
            return Err(failure::rejected(field, sku, "the message counts it twice for one place and time"));
        }
        if known.iter().any(|it| it.place.as_ref() != place && it.at != at) {
            let rule = "the message counts it at several places of one location, and not at one time: the settings \
                        location.<place> must say which location each is";
            return Err(failure::rejected(field, sku, rule));
        }
        known.push(Stated { place: place.cloned(), at, units });
        Ok(())
    }

    /// How many there were at a time, in all rooms together.
    pub fn total(&self, counted: &Counted, at: i64) -> u64 {
        let stated = self.0.get(counted).into_iter().flatten();
        stated.filter(|it| it.at == at).fold(0, |sum, it| sum.saturating_add(it.units))
    }
}
