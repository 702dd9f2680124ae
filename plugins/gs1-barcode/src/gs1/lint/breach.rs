//! What a value of a part is refused for. Each breach has the code by which GS1's syntax tests call it, and a rule in
//! words.

/// Declares an enum whose variants have a code and a rule each.
macro_rules! breaches {
    ($($variant:ident = $code:literal, $rule:literal;)*) => {
        /// What a value of a part is refused for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Breach {
            $(#[doc = $rule] $variant,)*
            /// A field of a coupon has no length before it.
            MissingLength(CouponField),
            /// The length before a field of a coupon is none that it can have.
            InvalidLength(CouponField),
            /// A field of a coupon is shorter than its length.
            Truncated(CouponField),
            /// A code of a coupon is missing.
            MissingCode(CouponField),
            /// A code of a coupon is none that there is.
            InvalidCode(CouponField),
        }

        impl Breach {
            /// What GS1's syntax tests call it, such as `NON_DIGIT_CHARACTER`.
            pub fn code(self) -> String {
                match self {
                    $(Self::$variant => $code.to_owned(),)*
                    Self::MissingLength(field) => format!("COUPON_MISSING_{}_VLI", field.code()),
                    Self::InvalidLength(field) => format!("COUPON_INVALID_{}_LENGTH", field.code()),
                    Self::Truncated(field) => format!("COUPON_TRUNCATED_{}", field.code()),
                    Self::MissingCode(field) => format!("COUPON_MISSING_{}", field.code()),
                    Self::InvalidCode(field) => format!("COUPON_INVALID_{}", field.code()),
                }
            }

            /// The rule that is broken, in words.
            pub fn rule(self) -> &'static str {
                match self {
                    $(Self::$variant => $rule,)*
                    Self::MissingLength(_) => "a field of the coupon has no length",
                    Self::InvalidLength(_) => "a field of the coupon has a length that it cannot have",
                    Self::Truncated(_) => "a field of the coupon is cut off",
                    Self::MissingCode(_) => "a code of the coupon is missing",
                    Self::InvalidCode(_) => "a code of the coupon is none that there is",
                }
            }
        }
    };
}

breaches! {
    NonDigit = "NON_DIGIT_CHARACTER", "it must be digits";
    NotCset39 = "INVALID_CSET39_CHARACTER", "it may have digits, capitals, #, - and / only";
    NotCset64 = "INVALID_CSET64_CHARACTER", "it may have letters, digits, - and _ only";
    Cset64Padding = "INVALID_CSET64_PADDING", "it must be padded with = to a multiple of three characters";
    NotCset82 = "INVALID_CSET82_CHARACTER", "it has a character that element strings cannot have";
    CheckDigitMissing = "TOO_SHORT_FOR_CHECK_DIGIT", "it is too short for a check digit";
    CheckDigit = "INCORRECT_CHECK_DIGIT", "its check digit is wrong";
    CheckPairMissing = "TOO_SHORT_FOR_CHECK_PAIR", "it is too short for a pair of check characters";
    CheckPairTooLong = "TOO_LONG_FOR_CHECK_PAIR_IMPLEMENTATION", "it is too long for a pair of check characters";
    CheckPair = "INCORRECT_CHECK_PAIR", "its pair of check characters is wrong";
    PrefixTooShort = "TOO_SHORT_FOR_GCP", "it is too short for a company prefix";
    Prefix = "INVALID_GCP_PREFIX", "its company prefix is none";
    PrefixesAway = "GCP_DATASOURCE_OFFLINE", "its company prefix cannot be looked up now";
    AllDigits = "REQUIRES_NON_DIGIT_CHARACTER", "it must have a character that is no digit";
    Hour = "ILLEGAL_HOUR", "its hour must be 00 to 23";
    HourTooShort = "HOUR_TOO_SHORT", "its hour must be two digits";
    HourTooLong = "HOUR_TOO_LONG", "its hour must be two digits";
    HourMinuteTooShort = "HOUR_WITH_MINUTE_TOO_SHORT", "its hour and minute must be four digits";
    HourMinuteTooLong = "HOUR_WITH_MINUTE_TOO_LONG", "its hour and minute must be four digits";
    Minute = "ILLEGAL_MINUTE", "its minute must be 00 to 59";
    MinuteTooShort = "MINUTE_TOO_SHORT", "its minute must be two digits";
    MinuteTooLong = "MINUTE_TOO_LONG", "its minute must be two digits";
    Second = "ILLEGAL_SECOND", "its second must be 00 to 59";
    SecondTooShort = "SECOND_TOO_SHORT", "its second must be two digits";
    SecondTooLong = "SECOND_TOO_LONG", "its second must be two digits";
    DateTooShort = "DATE_TOO_SHORT", "its date is too short";
    DateTooLong = "DATE_TOO_LONG", "its date is too long";
    Month = "ILLEGAL_MONTH", "its month must be 01 to 12";
    Day = "ILLEGAL_DAY", "its day is none of that month";
    NotHyphen = "NOT_HYPHEN", "it must be a hyphen";
    ImporterIndexLength = "IMPORTER_IDX_MUST_BE_ONE_CHARACTER", "its importer index must be one character";
    ImporterIndex = "INVALID_IMPORT_IDX_CHARACTER", "its importer index must be a letter, a digit, - or _";
    IbanTooShort = "IBAN_TOO_SHORT", "it is too short for an IBAN";
    IbanTooLong = "IBAN_TOO_LONG", "it is too long for an IBAN";
    IbanCountry = "ILLEGAL_IBAN_COUNTRY_CODE", "an IBAN begins with a country";
    IbanCharacter = "INVALID_IBAN_CHARACTER", "an IBAN has digits and capitals only";
    IbanChecksum = "INCORRECT_IBAN_CHECKSUM", "its check digits are wrong";
    NotCountry = "NOT_ISO3166", "it must be a country of ISO 3166 in three digits";
    NotCountryOr999 = "NOT_ISO3166_OR_999", "it must be a country of ISO 3166 in three digits, or 999";
    NotCountryLetters = "NOT_ISO3166_ALPHA2", "it must be a country of ISO 3166 in two letters";
    NotCurrency = "NOT_ISO4217", "it must be a currency of ISO 4217 in three digits";
    BiologicalSex = "INVALID_BIOLOGICAL_SEX_CODE", "it must be 0, 1, 2 or 9";
    LatitudeLength = "LATITUDE_INVALID_LENGTH", "a latitude has ten digits";
    Latitude = "INVALID_LATITUDE", "a latitude is at most 1800000000";
    LongitudeLength = "LONGITUDE_INVALID_LENGTH", "a longitude has ten digits";
    Longitude = "INVALID_LONGITUDE", "a longitude is at most 3600000000";
    MediaType = "INVALID_MEDIA_TYPE", "it must be a media type";
    PackageType = "INVALID_PACKAGE_TYPE", "it must be a package type";
    ZeroValue = "ILLEGAL_ZERO_VALUE", "it must not be zero";
    ZeroPrefix = "ILLEGAL_ZERO_PREFIX", "it must not begin with 0";
    NotZero = "NOT_ZERO", "it must be zero";
    NotZeroOrOne = "NOT_ZERO_OR_ONE", "it must be 0 or 1";
    PercentSequence = "INVALID_PERCENT_SEQUENCE", "a % must have two hexadecimal digits behind it";
    PieceOfTotalLength = "INVALID_LENGTH_FOR_PIECE_OF_TOTAL", "piece and total must have as many digits";
    PieceZero = "ZERO_PIECE_NUMBER", "its piece must not be zero";
    TotalZero = "ZERO_TOTAL_PIECES", "its total must not be zero";
    PieceExceedsTotal = "PIECE_NUMBER_EXCEEDS_TOTAL", "its piece must not be above its total";
    Position = "POSITION_IN_SEQUENCE_MALFORMED", "it must be a position, a slash and an end";
    PositionExceedsEnd = "POSITION_EXCEEDS_END", "its position must not be above its end";
    Winding = "INVALID_WINDING_DIRECTION", "its winding must be 0, 1 or 9";
    CouponTooShortForExpiry = "COUPON_TOO_SHORT_FOR_EXPIRATION_DATE", "the coupon's expiry is cut off";
    // The code is spelled so.
    CouponExpiry = "COUPON_INVALID_EXIPIRATION_DATE", "the coupon's expiry is no date";
    CouponTooShortForStart = "COUPON_TOO_SHORT_FOR_START_DATE", "the coupon's start is cut off";
    CouponStart = "COUPON_INVALID_START_DATE", "the coupon's start is no date";
    CouponExpiresBeforeStart = "COUPON_EXPIRATION_BEFORE_START", "the coupon ends before it starts";
    CouponExcess = "COUPON_EXCESS_DATA", "the coupon has more than its fields";
}

/// Declares the fields of coupons, each with its part of a code.
macro_rules! fields {
    ($($variant:ident = $code:literal, $what:literal;)*) => {
        /// A field of a coupon (GS1 General Specifications, AIs 8110 and 8112).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum CouponField {
            $(#[doc = $what] $variant,)*
        }

        impl CouponField {
            const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }
        }
    };
}

fields! {
    Format = "FORMAT_CODE", "How the coupon is written.";
    Funder = "FUNDER", "Who pays for it.";
    Company = "GCP", "The company prefix of who issued it.";
    Offer = "OFFER_CODE", "Which offer it is.";
    SaveValue = "SAVE_VALUE", "What is saved.";
    FirstRequirement = "1ST_PURCHASE_REQUIREMENT", "How much of the first article must be bought.";
    FirstRequirementCode = "1ST_PURCHASE_REQUIREMENT_CODE", "In which unit that is.";
    FirstFamily = "1ST_PURCHASE_FAMILY_CODE", "Which articles count as the first.";
    AdditionalRules = "ADDITIONAL_PURCHASE_RULES_CODE", "How further articles combine with the first.";
    SecondRequirement = "2ND_PURCHASE_REQUIREMENT", "How much of the second article must be bought.";
    SecondRequirementCode = "2ND_PURCHASE_REQUIREMENT_CODE", "In which unit that is.";
    SecondFamily = "2ND_PURCHASE_FAMILY_CODE", "Which articles count as the second.";
    SecondCompany = "2ND_PURCHASE_GCP", "The company prefix of the second article.";
    ThirdRequirement = "3RD_PURCHASE_REQUIREMENT", "How much of the third article must be bought.";
    ThirdRequirementCode = "3RD_PURCHASE_REQUIREMENT_CODE", "In which unit that is.";
    ThirdFamily = "3RD_PURCHASE_FAMILY_CODE", "Which articles count as the third.";
    ThirdCompany = "3RD_PURCHASE_GCP", "The company prefix of the third article.";
    Serial = "SERIAL_NUMBER", "Which of the coupons it is.";
    Retailer = "RETAILER_GCP_OR_GLN", "The retailer that takes it.";
    SaveValueCode = "SAVE_VALUE_CODE", "What the saved value means.";
    AppliesTo = "SAVE_VALUE_APPLIES_TO_ITEM", "Which of the articles is cheaper.";
    StoreCoupon = "STORE_COUPON_FLAG", "Whether it is the store's own.";
    Multiply = "DONT_MULTIPLY_FLAG", "Whether its value may be multiplied.";
}
