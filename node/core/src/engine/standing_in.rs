//! Who answers for a node that was retired: the keeper that certificates name for the location, and where no other node
//! is of that location, nobody.
//!
//! What is asked of a node that is away waits for it. That it never returns is somebody's word, as with its rights.

use super::Engine;
use crate::fleet::{Certificate, Members};
use crate::id::{Name, Writer};
use crate::storage::Storage;

impl<S: Storage> Engine<S> {
    /// Whether this node answers what was asked of another at a location. Every node that knows the fleet as it is
    /// finds the same one.
    pub(super) fn stands_in_for(&self, asked: &Name, location: &Name) -> bool {
        let is_keeper = keeper_of(&self.members(), location).is_some_and(|keeper| keeper == self.config.node);
        is_keeper && self.is_gone_for_good(asked)
    }

    /// Whether nobody but this node is of a location at which another was asked something.
    pub(super) fn is_left_alone(&self, asked: &Name, location: &Name) -> bool {
        let is_there = |it: &Certificate| it.node != self.config.node && it.locations.contains(location);
        !self.members().certificates().any(is_there) && self.is_gone_for_good(asked)
    }

    /// Whether a node was retired, and nobody goes on under its name.
    fn is_gone_for_good(&self, node: &Name) -> bool {
        if !self.retired.is_named(node) || self.members().certificates().any(|it| it.node == *node) {
            return false;
        }
        let goes_on = |writer: &Writer| writer.node == *node && !self.retired.is_gone(writer.epoch);
        // Rights may have been given to a name under which nobody wrote.
        !self.committed().writers.iter().any(|(writer, row)| goes_on(writer) && row.events + row.unknown > 0)
    }
}

/// The node that certificates make the keeper of a location, of the latest term.
fn keeper_of(members: &Members, location: &Name) -> Option<Name> {
    let of_it = members.certificates().filter(|it| it.locations.contains(location));
    let terms = of_it.filter_map(|it| it.keeper.map(|term| (term, it.issued_at, &it.node)));
    terms.max().map(|(_, _, node)| node.clone())
}
