//! What a document is for (BGM, UN/EDIFACT data element 1225).

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// It stands for itself, whether it comes for the first time or once more.
    Original,
    /// It stands in place of an earlier one.
    Replacement,
    /// It takes an earlier one back.
    Cancellation,
    /// It changes an earlier one, answers one, or is a draft, a copy, a test: nothing is to be done on it alone.
    Other,
    /// What stands there is longer than a code can be, such as a date.
    NoCode,
}

impl Function {
    /// What a code says.
    pub(crate) fn of(code: &str) -> Self {
        match code {
            // Confirmation, duplicate, original, reissue, final transmission, retransmission, confirmation by other
            // means, additional transmission, provisional, definitive.
            "" | "6" | "7" | "9" | "18" | "22" | "35" | "42" | "43" | "46" | "47" => Self::Original,
            "5" => Self::Replacement,
            "1" | "3" | "17" => Self::Cancellation,
            _ if code.len() > 3 => Self::NoCode,
            _ => Self::Other,
        }
    }
}
