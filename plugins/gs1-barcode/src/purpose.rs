//! What scans are for.

use tillmesh_plugin::{Failure, failure};

/// What scans are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Goods come in.
    Receive,
    /// Goods are counted.
    Count,
    /// Goods come back.
    Return,
    /// Goods are written off.
    WriteOff,
}

impl Purpose {
    /// The purpose that a word says.
    ///
    /// # Errors
    /// `unsupported` for selling, `rejected` for any other word.
    pub fn named(field: &str, word: &str) -> Result<Self, Failure> {
        match word {
            "receive" => Ok(Self::Receive),
            "count" => Ok(Self::Count),
            "return" => Ok(Self::Return),
            "write-off" => Ok(Self::WriteOff),
            "sell" => {
                let rule = "a scan has no price: sales are what tills send";
                Err(failure::unsupported(field, word, rule))
            }
            _ => Err(failure::rejected(field, word, "it must be receive, count, return or write-off")),
        }
    }

    /// The purpose that a topic says with its last part, such as `scans/receive`. None: it says none.
    ///
    /// # Errors
    /// `unsupported` for selling.
    pub fn of_topic(topic: &str) -> Result<Option<Self>, Failure> {
        let word = topic.rsplit('/').next().unwrap_or_default();
        match Self::named("topic", word) {
            Ok(purpose) => Ok(Some(purpose)),
            Err(Failure::Rejected(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }
}
