//! What the GS1 General Specifications, GS1's syntax dictionary and the GS1 Digital Link standard say about data in
//! barcodes: GTINs, element strings, links, and what scanners send. Nothing here knows of a node.
//!
//! [`Elements`] are read from bracketed and unbracketed strings ([`element`]), from links ([`link`]) and from scan data
//! ([`scan`]); `table` has the application identifiers, [`lint`] the tests of their values, [`rules`] says which
//! identifiers go together.

mod ai;
pub mod element;
pub mod gtin;
pub mod link;
pub mod lint;
pub mod refusal;
pub mod rules;
pub mod scan;
pub mod symbology;
mod table;

pub use self::ai::Ai;
pub use self::element::{Element, Elements};
pub use self::refusal::{Refusal, Rule};

use self::lint::{NoRegister, Register};

/// How data is read.
#[derive(Clone, Copy)]
pub struct Options<'r> {
    /// Who knows the company prefixes.
    pub register: &'r dyn Register,
    /// Whether identifiers that the table does not know are taken, where their length is clear.
    pub unknown_ais: bool,
    /// Whether these may be attributes of a link.
    pub unknown_attributes: bool,
    /// Whether a link's GTIN may have 8, 12 or 13 digits, as in the first edition of the standard.
    pub short_gtins: bool,
    /// Whether a link's path may have words for identifiers, such as `gtin`, as in the first edition.
    pub words: bool,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Options")
            .field("unknown_ais", &self.unknown_ais)
            .field("unknown_attributes", &self.unknown_attributes)
            .field("short_gtins", &self.short_gtins)
            .field("words", &self.words)
            .finish_non_exhaustive()
    }
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { register: &NoRegister, unknown_ais: false, unknown_attributes: false, short_gtins: false, words: false }
    }
}
