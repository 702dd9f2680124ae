//! The words of GS1's Core Business Vocabulary 2.0 in all the forms in which events have them: bare, as URN, as web URI
//! and shortened with the prefix `cbv`. They are carried here, so that no JSON-LD context is ever fetched.

/// One list of standard words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vocabulary {
    urn: &'static str,
    web: &'static str,
    short: &'static str,
    words: &'static [&'static str],
}

/// What a party did.
pub(crate) const BIZ_STEP: Vocabulary = Vocabulary {
    urn: "urn:epcglobal:cbv:bizstep:",
    web: "https://ref.gs1.org/cbv/BizStep-",
    short: "cbv:BizStep-",
    words: &[
        "accepting",
        "arriving",
        "assembling",
        "collecting",
        "commissioning",
        "consigning",
        "creating_class_instance",
        "cycle_counting",
        "decommissioning",
        "departing",
        "destroying",
        "disassembling",
        "dispensing",
        "encoding",
        "entering_exiting",
        "holding",
        "inspecting",
        "installing",
        "killing",
        "loading",
        "other",
        "packing",
        "picking",
        "receiving",
        "removing",
        "repackaging",
        "repairing",
        "replacing",
        "reserving",
        "retail_selling",
        "sampling",
        "sensor_reporting",
        "shipping",
        "staging_outbound",
        "stock_taking",
        "stocking",
        "storing",
        "transporting",
        "unloading",
        "unpacking",
        "void_shipping",
    ],
};

/// How the objects were afterwards.
pub(crate) const DISPOSITION: Vocabulary = Vocabulary {
    urn: "urn:epcglobal:cbv:disp:",
    web: "https://ref.gs1.org/cbv/Disp-",
    short: "cbv:Disp-",
    words: &[
        "active",
        "available",
        "completeness_inferred",
        "completeness_verified",
        "conformant",
        "container_closed",
        "container_open",
        "damaged",
        "destroyed",
        "dispensed",
        "disposed",
        "encoded",
        "expired",
        "in_progress",
        "in_transit",
        "inactive",
        "mismatch_class",
        "mismatch_instance",
        "mismatch_quantity",
        "needs_replacement",
        "no_pedigree_match",
        "non_conformant",
        "non_sellable_other",
        "partially_dispensed",
        "recalled",
        "reserved",
        "retail_sold",
        "returned",
        "sellable_accessible",
        "sellable_not_accessible",
        "stolen",
        "unavailable",
        "unknown",
    ],
};

/// What a business transaction is, such as a purchase order.
pub(crate) const TRANSACTION: Vocabulary = Vocabulary {
    urn: "urn:epcglobal:cbv:btt:",
    web: "https://ref.gs1.org/cbv/BTT-",
    short: "cbv:BTT-",
    words: &[
        "bol",
        "cert",
        "desadv",
        "inv",
        "pedigree",
        "po",
        "poc",
        "prodorder",
        "recadv",
        "rma",
        "testprd",
        "testres",
        "upevt",
    ],
};

/// What a source or a destination is.
pub(crate) const PARTY: Vocabulary = Vocabulary {
    urn: "urn:epcglobal:cbv:sdt:",
    web: "https://ref.gs1.org/cbv/SDT-",
    short: "cbv:SDT-",
    words: &["location", "owning_party", "possessing_party"],
};

/// Why an event was declared wrong.
pub(crate) const ERROR_REASON: Vocabulary = Vocabulary {
    urn: "urn:epcglobal:cbv:er:",
    web: "https://ref.gs1.org/cbv/ER-",
    short: "cbv:ER-",
    words: &["did_not_occur", "incorrect_data"],
};

/// What a sensor measured along; no URNs are defined for it.
pub(crate) const COMPONENT: Vocabulary = Vocabulary {
    urn: "urn:epcglobal:cbv:comp:",
    web: "https://ref.gs1.org/cbv/Comp-",
    short: "cbv:Comp-",
    words: &[
        "altitude",
        "axial_distance",
        "azimuth",
        "easting",
        "elevation_angle",
        "height",
        "latitude",
        "longitude",
        "northing",
        "polar_angle",
        "spherical_radius",
        "x",
        "y",
        "z",
    ],
};

/// What a sensor measured, and what was wrong with it; of GS1's web vocabulary.
pub(crate) const MEASURE: Vocabulary = Vocabulary {
    urn: "gs1:",
    web: "https://gs1.org/voc/",
    short: "gs1:",
    words: &[
        "ALARM_CONDITION",
        "ERROR_CONDITION",
        "AbsoluteHumidity",
        "AbsorbedDose",
        "AbsorbedDoseRate",
        "Acceleration",
        "Altitude",
        "AmountOfSubstance",
        "AmountOfSubstancePerUnitVolume",
        "Angle",
        "AngularAcceleration",
        "AngularMomentum",
        "AngularVelocity",
        "Area",
        "Capacitance",
        "Conductance",
        "Conductivity",
        "Count",
        "Density",
        "Dimensionless",
        "DoseEquivalent",
        "DoseEquivalentRate",
        "DynamicViscosity",
        "ElectricCharge",
        "ElectricCurrent",
        "ElectricCurrentDensity",
        "ElectricFieldStrength",
        "Energy",
        "Exposure",
        "Force",
        "Frequency",
        "Illuminance",
        "Inductance",
        "Irradiance",
        "KinematicViscosity",
        "Length",
        "LinearMomentum",
        "Luminance",
        "LuminousFlux",
        "LuminousIntensity",
        "MagneticFlux",
        "MagneticFluxDensity",
        "MagneticVectorPotential",
        "Mass",
        "MassConcentration",
        "MassFlowRate",
        "MassPerAreaTime",
        "MemoryCapacity",
        "MolalityOfSolute",
        "MolarEnergy",
        "MolarMass",
        "MolarVolume",
        "Power",
        "Pressure",
        "RadiantFlux",
        "RadiantIntensity",
        "Radioactivity",
        "RelativeHumidity",
        "Resistance",
        "Resistivity",
        "SolidAngle",
        "SpecificVolume",
        "Speed",
        "SurfaceDensity",
        "SurfaceTension",
        "Temperature",
        "Time",
        "Torque",
        "Voltage",
        "Volume",
        "VolumeFlowRate",
        "VolumeFraction",
        "VolumetricFlux",
        "Wavenumber",
    ],
};

/// What a term is to this plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Term {
    /// A standard word.
    Standard(&'static str),
    /// Somebody's own, written as a URI.
    Own,
    /// A bare word, or one below GS1's own names, that the standard does not have.
    Unknown,
}

impl Vocabulary {
    /// What a term is, in whichever form it stands.
    pub fn term(&self, text: &str) -> Term {
        let stripped = [self.web, self.urn, self.short].iter().find_map(|prefix| text.strip_prefix(prefix));
        match stripped {
            None if text.contains(':') => Term::Own,
            _ => self.word(stripped.unwrap_or(text)).map_or(Term::Unknown, Term::Standard),
        }
    }

    /// The web URI of a bare standard word.
    pub fn expanded(&self, bare: &str) -> Option<String> {
        self.word(bare).map(|word| format!("{}{word}", self.web))
    }

    fn word(&self, bare: &str) -> Option<&'static str> {
        self.words.iter().find(|word| **word == bare).copied()
    }
}

/// The web URI of a standard word that is written as a URN.
pub(crate) fn web_uri(urn: &str) -> Option<String> {
    // Most texts are no such URN, and one look is enough for them.
    let _ = urn.strip_prefix("urn:epcglobal:cbv:")?;
    [BIZ_STEP, DISPOSITION, TRANSACTION, PARTY, ERROR_REASON]
        .iter()
        .find_map(|it| Some([it.web, urn.strip_prefix(it.urn)?].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_in_all_its_forms_and_an_unknown_one_in_none() {
        for form in [
            "receiving",
            "urn:epcglobal:cbv:bizstep:receiving",
            "https://ref.gs1.org/cbv/BizStep-receiving",
            "cbv:BizStep-receiving",
        ] {
            assert_eq!(BIZ_STEP.term(form), Term::Standard("receiving"), "{form}");
            assert_eq!(BIZ_STEP.term(&form.replace("receiving", "eating")), Term::Unknown, "{form}");
        }
        assert_eq!(BIZ_STEP.term("https://example.com/steps/eating"), Term::Own);
        assert_eq!(BIZ_STEP.term(""), Term::Unknown);
    }
}
