//! What a node has to say of openings.

use std::fmt;

use crate::id::{Name, Writer};
use crate::time::BusinessDate;

/// What a node has to say of an opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningNotice {
    /// The location.
    pub location: Name,
    /// The first day that it does not cover.
    pub date: BusinessDate,
    /// Who wrote it.
    pub keeper: Writer,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of an opening at this node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// This node wrote it.
    Written,
    /// It is what this node comes to.
    Agrees,
    /// It is not.
    Differs {
        /// Of how many SKUs.
        skus: u64,
    },
    /// This node does not hold yet what it was folded from.
    Lacks,
    /// It contradicts itself, or was written by another version: this is what is wrong with it.
    Unusable(String),
    /// The check failed.
    Failed(String),
}

impl Verdict {
    /// A word for it, for metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Agrees => "agrees",
            Self::Differs { .. } => "differs",
            Self::Lacks => "lacks",
            Self::Unusable(_) => "unusable",
            Self::Failed(_) => "failed",
        }
    }
}

impl fmt::Display for OpeningNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "opening {} {}: ", self.location, self.date)?;
        match &self.verdict {
            Verdict::Written => f.write_str("written"),
            Verdict::Agrees => f.write_str("agrees"),
            Verdict::Differs { skus } => write!(f, "differs in {skus} SKUs"),
            Verdict::Lacks => f.write_str("lacks ledgers"),
            Verdict::Unusable(reason) => write!(f, "unusable: {reason}"),
            Verdict::Failed(reason) => write!(f, "could not be checked: {reason}"),
        }
    }
}
