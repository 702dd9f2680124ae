//! Symbologies, by the identifiers that scanners put before what they read (ISO/IEC 15424).

/// A kind of symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symbology {
    /// EAN-13.
    Ean13,
    /// EAN-8.
    Ean8,
    /// UPC-A. Scanners send it as EAN-13, with a zero before it.
    UpcA,
    /// UPC-E. Scanners send it as EAN-13 too, expanded.
    UpcE,
    /// ITF-14.
    Itf14,
    /// GS1-128.
    Gs1128,
    /// GS1 DataBar Omnidirectional, Truncated, Stacked.
    DataBar,
    /// GS1 DataBar Limited.
    DataBarLimited,
    /// GS1 DataBar Expanded.
    DataBarExpanded,
    /// Data Matrix.
    DataMatrix,
    /// QR Code.
    QrCode,
    /// DotCode.
    DotCode,
}

/// What a symbol holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// So many digits, and perhaps elements of a composite symbol behind them.
    Number(usize),
    /// An element string.
    Elements,
    /// Anything, such as a link.
    Text,
}

/// What scan data is, by the two characters behind the `]`. None: nobody here knows them.
pub(super) fn identified(identifier: &str) -> Option<(Symbology, Holds)> {
    Some(match identifier {
        "C1" => (Symbology::Gs1128, Holds::Elements),
        "E0" => (Symbology::Ean13, Holds::Number(13)),
        "E4" => (Symbology::Ean8, Holds::Number(8)),
        "I0" | "I1" => (Symbology::Itf14, Holds::Number(14)),
        "J0" => (Symbology::DotCode, Holds::Text),
        "J1" => (Symbology::DotCode, Holds::Elements),
        "Q1" => (Symbology::QrCode, Holds::Text),
        "Q3" => (Symbology::QrCode, Holds::Elements),
        "d1" => (Symbology::DataMatrix, Holds::Text),
        "d2" => (Symbology::DataMatrix, Holds::Elements),
        // Whatever DataBar it is, and composite symbols on GS1-128.
        "e0" => (Symbology::DataBarExpanded, Holds::Elements),
        _ => return None,
    })
}

impl Symbology {
    /// What a scanner puts before text, for symbols that can hold any.
    pub(super) const fn text_identifier(self) -> Option<&'static str> {
        match self {
            Self::QrCode => Some("]Q1"),
            Self::DataMatrix => Some("]d1"),
            Self::DotCode => Some("]J0"),
            _ => None,
        }
    }

    /// What a scanner puts before the elements of a symbol without a composite component.
    pub(super) const fn elements_identifier(self) -> &'static str {
        match self {
            Self::QrCode => "]Q3",
            Self::DataMatrix => "]d2",
            Self::DotCode => "]J1",
            Self::Gs1128 => "]C1",
            _ => "]e0",
        }
    }
}
