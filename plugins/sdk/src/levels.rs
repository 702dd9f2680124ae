//! Levels of stock that a partner states for an article, maybe at several places: an 846 of X12, an INVRPT of EDIFACT.

use std::collections::BTreeMap;

use crate::inbound::{Command, SetAvailable};
use crate::location::Place;
use crate::{Context, Failure, failure};

/// Something that a line says, in the order of its segments.
#[derive(Debug, Clone, Copy)]
pub enum Said<'a, Q> {
    /// A quantity, and the code of what it is, such as what is on hand.
    Quantity(&'a str, Q),
    /// The partner's id of a place that quantities of the line are at.
    Place(&'a str),
}

/// A quantity that counts, and the partner's id of the place that it is at.
pub type Stated<'a, Q> = (Option<&'a str>, Q);

/// The quantities that count of a line, each with its place: at each place that of the first of these kinds that is
/// there. Where a line begins with a place, quantities follow theirs; else a place follows its quantities. What has no
/// place of its own is at that of the whole message.
///
/// # Errors
/// The two quantities of one kind at one place, of which nobody knows which one counts.
pub fn by_place<'a, Q: Copy + PartialEq>(said: &[Said<'a, Q>], kinds: &[&str]) -> Result<Vec<Stated<'a, Q>>, (Q, Q)> {
    let mut found = Vec::new();
    for (place, quantities) in places(said) {
        let of_kind = |kind: &&str| {
            let of_kind = quantities.iter().filter(|(known, _)| known == kind).map(|(_, quantity)| *quantity);
            Some(of_kind.collect::<Vec<_>>()).filter(|of_kind| !of_kind.is_empty())
        };
        let Some(best) = kinds.iter().find_map(of_kind) else { continue };
        if let Some(other) = best.iter().find(|quantity| **quantity != best[0]) {
            return Err((best[0], *other));
        }
        found.push((place, best[0]));
    }
    Ok(found)
}

/// The quantities of a place, each with its kind.
type AtPlace<'a, Q> = (Option<&'a str>, Vec<(&'a str, Q)>);

fn places<'a, Q: Copy>(said: &[Said<'a, Q>]) -> Vec<AtPlace<'a, Q>> {
    let leads = matches!(said.first(), Some(Said::Place(_)));
    let mut found = vec![(None, Vec::new())];
    for it in said {
        match *it {
            Said::Quantity(kind, quantity) => {
                if let Some((_, quantities)) = found.last_mut() {
                    quantities.push((kind, quantity));
                }
            }
            Said::Place(place) if leads => found.push((Some(place), Vec::new())),
            Said::Place(place) => {
                // A line may say twice where it is; the first is the closer one.
                if let Some((of_last, _)) = found.last_mut().filter(|(_, quantities)| !quantities.is_empty()) {
                    *of_last = Some(place);
                    found.push((None, Vec::new()));
                }
            }
        }
    }
    found
}

/// The levels of a message.
#[derive(Debug)]
pub struct Levels {
    as_of: i64,
    /// Where what names no place is.
    location: Place,
    /// What was stated, by location and SKU: the partner's id of the place, and how much.
    stated: BTreeMap<(Option<String>, String), (Option<String>, i64)>,
    commands: Vec<Command>,
}

impl Levels {
    /// None yet, of a message about a location as it was at a time (microseconds since 1970).
    pub const fn new(as_of: i64, location: Place) -> Self {
        Self { as_of, location, stated: BTreeMap::new(), commands: Vec::new() }
    }

    /// Where a place is that a line names, or does not. The setting `location.<place>` says which location of the node
    /// a place is; where it is empty, the place is passed over; without it, it is where the whole message is about.
    pub fn place(&self, place: Option<&str>, context: &Context) -> Place {
        let setting = place.and_then(|place| context.setting(&format!("location.{place}")));
        if setting.is_some() { Place::said(setting) } else { self.location.clone() }
    }

    /// Adds a level; none, of what is passed over.
    ///
    /// # Errors
    /// `rejected` where the message has a level of this article there already: of the two one would be lost. `at` says
    /// where this one stands.
    pub fn add(
        &mut self,
        at: &str,
        place: Option<&str>,
        sku: String,
        quantity: u64,
        context: &Context,
    ) -> Result<(), Failure> {
        let location = match self.place(place, context) {
            Place::Ignored => return Ok(()),
            other => other.named(),
        };
        let available = i64::try_from(quantity).unwrap_or(i64::MAX);
        let level = (place.map(str::to_owned), available);
        match self.stated.get(&(location.clone(), sku.clone())) {
            Some(known) if *known == level => return Ok(()),
            Some((known, _)) => return Err(twice(at, &sku, known.as_deref(), place)),
            None => {}
        }
        self.stated.insert((location.clone(), sku.clone()), level);
        self.commands.push(Command::SetAvailable(SetAvailable { sku, available, as_of: self.as_of, location }));
        Ok(())
    }

    /// What they mean.
    pub fn commands(self) -> Vec<Command> {
        self.commands
    }
}

fn twice(at: &str, sku: &str, known: Option<&str>, place: Option<&str>) -> Failure {
    let rule = match (known, place) {
        (known, Some(place)) if known != Some(place) => {
            format!("the message states its level twice for one location: location.{place} must say which one that is")
        }
        _ => "the message states its level twice for one location".to_owned(),
    };
    failure::rejected(at, sku, rule)
}

#[cfg(test)]
mod tests {
    use super::Said::{Place as At, Quantity};
    use super::*;

    const KINDS: [&str; 2] = ["33", "17"];

    #[test]
    fn of_each_place_the_better_quantity_counts_wherever_the_place_stands() {
        let alone = [Quantity("17", 120), Quantity("33", 100), Quantity("XX", 1)];
        assert_eq!(by_place(&alone, &KINDS), Ok(vec![(None, 100)]));
        let follows = [Quantity("17", 9), Quantity("33", 5), At("A"), Quantity("17", 7), At("B"), At("C")];
        assert_eq!(by_place(&follows, &KINDS), Ok(vec![(Some("A"), 5), (Some("B"), 7)]));
        let leads = [At("A"), Quantity("33", 5), Quantity("17", 9), At("B"), Quantity("17", 7)];
        assert_eq!(by_place(&leads, &KINDS), Ok(vec![(Some("A"), 5), (Some("B"), 7)]));
        let last_has_none = [Quantity("33", 5), At("A"), Quantity("33", 7)];
        assert_eq!(by_place(&last_has_none, &KINDS), Ok(vec![(Some("A"), 5), (None, 7)]));
        assert_eq!(by_place(&[Quantity("XX", 1), At("A")], &KINDS), Ok(vec![]));
        assert_eq!(by_place(&[Quantity("33", 5), Quantity("33", 5)], &KINDS), Ok(vec![(None, 5)]));
        assert_eq!(by_place(&[Quantity("33", 5), Quantity("33", 6)], &KINDS), Err((5, 6)));
    }

    #[test]
    fn two_levels_for_one_location_are_refused_and_name_the_setting_that_tells_them_apart() {
        let config = vec![("location.A".to_owned(), "depot".to_owned()), ("location.B".to_owned(), String::new())];
        let context = Context { location: "web".to_owned(), config };
        let mut levels = Levels::new(0, Place::Unsaid);
        levels.add("LIN[0]", Some("A"), "TEA".to_owned(), 5, &context).unwrap();
        levels.add("LIN[0]", Some("B"), "TEA".to_owned(), 6, &context).unwrap();
        levels.add("LIN[0]", Some("C"), "TEA".to_owned(), 7, &context).unwrap();
        levels.add("LIN[1]", Some("C"), "TEA".to_owned(), 7, &context).unwrap();
        let refused = levels.add("LIN[2]", Some("D"), "TEA".to_owned(), 7, &context);
        assert!(
            matches!(&refused, Err(Failure::Rejected(it)) if it.field == "LIN[2]" && it.rule.contains("location.D")),
            "{refused:?}"
        );
        assert!(levels.add("LIN[3]", Some("A"), "TEA".to_owned(), 8, &context).is_err());
        let found = levels.commands();
        let of = |command: &Command| match command {
            Command::SetAvailable(level) => (level.location.clone(), level.available),
            other => panic!("{other:?}"),
        };
        assert_eq!(found.iter().map(of).collect::<Vec<_>>(), [(Some("depot".to_owned()), 5), (None, 7)]);
        let mut levels = Levels::new(0, Place::Ignored);
        for place in [None, Some("A"), Some("C")] {
            levels.add("LIN[0]", place, "TEA".to_owned(), 5, &context).unwrap();
        }
        let found = levels.commands();
        assert_eq!(found.iter().map(of).collect::<Vec<_>>(), [(Some("depot".to_owned()), 5)], "A alone is elsewhere");
    }
}
