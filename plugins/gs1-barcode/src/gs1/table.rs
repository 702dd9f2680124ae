//! The application identifiers of the GS1 General Specifications as of July 2026, as facts: what a value is made of,
//! which other identifiers one needs or excludes, what it is in a Digital Link.
//!
//! Sorted as text. No identifier is the beginning of another, and those that begin with the same two digits have as
//! many digits.

use super::ai::{Ai, Part, ai, measure, n, n_to, x, x_to, y_to, z_to};
use super::lint::Lint::{
    CouponCode, CouponPosOffer, Csum, CsumAlpha, GcpPos1, GcpPos2, HasNonDigit, Hour, HourMinute, Hyphen, Iban,
    ImporterIndex, Iso3166, Iso3166Alpha2, Iso3166Or999, Iso4217, Iso5218, Latitude, Longitude, MediaType, Minute,
    NoZeroPrefix, NonZero, PackageType, PercentEncoded, PieceOfTotal, PositionInSequence, Second, Winding, YesNo,
    Yymmd0, Yymmdd, Yyyymmdd, Zero,
};

const SSCC: &[Part] = &[n(18).by(&[Csum, GcpPos2])];
const GTIN: &[Part] = &[n(14).by(&[Csum, GcpPos2])];
const GLN: &[Part] = &[n(13).by(&[Csum, GcpPos1])];
const GSRN: &[Part] = &[n(18).by(&[Csum, GcpPos1])];
/// A GTIN, and which piece of how many it is.
const PIECE: &[Part] = &[n(14).by(&[Csum, GcpPos2]), n(4).by(&[PieceOfTotal])];
/// A date whose day may be 00, for the end of the month.
const DATE: &[Part] = &[n(6).by(&[Yymmd0])];
const WHOLE_DATE: &[Part] = &[n(6).by(&[Yymmdd])];
const COUNTRY: &[Part] = &[n(3).by(&[Iso3166])];
/// One country, or up to five.
const COUNTRIES: &[Part] = &[
    n(3).by(&[Iso3166]),
    n(3).by(&[Iso3166]).optional(),
    n(3).by(&[Iso3166]).optional(),
    n(3).by(&[Iso3166]).optional(),
    n(3).by(&[Iso3166]).optional(),
];
/// Hundredths of a degree, with a hyphen behind where it is below zero.
const TEMPERATURE: &[Part] = &[n(6), x(1).by(&[Hyphen]).optional()];
const SIX_DIGITS: &[Part] = &[n(6)];
const TEXT_20: &[Part] = &[x_to(20)];
const TEXT_30: &[Part] = &[x_to(30)];
const ENCODED_35: &[Part] = &[x_to(35).by(&[PercentEncoded])];
const ENCODED_70: &[Part] = &[x_to(70).by(&[PercentEncoded])];

/// A logistic unit.
const THE_UNIT: &[&str] = &["00"];
const THE_GTIN: &[&str] = &["01"];
const UNIT_OR_GTIN: &[&str] = &["00", "01"];
const GTIN_OR_CONTENT: &[&str] = &["01", "02"];
const GTINS: &[&str] = &["01", "02", "03"];
const ITEM: &[&str] = &["01", "03", "8006"];
const ITEM_OR_CONTENT: &[&str] = &["01", "02", "03", "8006", "8026"];
/// A service relation, of who serves or of who is served.
const SERVICE: &[&str] = &["8017", "8018"];
const MEASURES: &[&str] = &["30", "31nn", "32nn", "35nn", "36nn"];

/// Every identifier.
pub(super) const ROWS: &[Ai] = &[
    // Logistic units and trade items.
    ai("00", SSCC).predefined().attribute().key(&[]),
    ai("01", GTIN).predefined().attribute().excludes(&["255", "37"]).key(&[&["22", "10", "21"], &["235"]]),
    ai("02", GTIN).predefined().attribute().needs(&["37"]).excludes(&["01", "03"]),
    ai("03", GTIN).predefined().excludes(&["01", "02", "37", "235"]),
    // Batches, dates, variants, serial numbers of trade items.
    ai("10", TEXT_20).attribute().needs(ITEM_OR_CONTENT),
    ai("11", DATE).predefined().attribute().needs(ITEM_OR_CONTENT),
    ai("12", DATE).predefined().attribute().needs(&["8020"]),
    ai("13", DATE).predefined().attribute().needs(ITEM_OR_CONTENT),
    ai("15", DATE).to("16").predefined().attribute().needs(ITEM_OR_CONTENT),
    ai("17", DATE).predefined().attribute().needs(&["01", "02", "03", "255", "8006", "8026"]),
    ai("20", &[n(2)]).predefined().attribute().needs(ITEM_OR_CONTENT),
    ai("21", TEXT_20).needs(ITEM).excludes(&["235"]),
    ai("22", TEXT_20).needs(THE_GTIN),
    // Extensions, part numbers, documents, coupons.
    ai("235", &[x_to(28)]).needs(THE_GTIN),
    ai("240", TEXT_30).to("241").attribute().needs(ITEM_OR_CONTENT),
    ai("242", &[n_to(6)]).attribute().needs(&["01", "02", "8006", "8026"]),
    ai("243", TEXT_20).attribute().needs(&["01", "03"]),
    ai("250", TEXT_30).attribute().needs(&["01+21", "03+21", "8006+21"]),
    ai("251", TEXT_30).attribute().needs(ITEM),
    ai("253", &[n(13).by(&[Csum, GcpPos1]), x_to(17).optional()]).attribute().key(&[]),
    ai("254", TEXT_20).needs(&["414"]),
    ai("255", &[n(13).by(&[Csum, GcpPos1]), n_to(12).optional()])
        .attribute()
        .excludes(&["01", "02", "415", "8006", "8020", "8026"])
        .key(&[]),
    // Counts and measures of trade items, and of their logistic units.
    ai("30", &[n_to(8)]).attribute().needs(GTIN_OR_CONTENT),
    measure("3100", "3105", GTIN_OR_CONTENT, &["310n"]),
    measure("3110", "3115", GTIN_OR_CONTENT, &["311n"]),
    measure("3120", "3125", GTIN_OR_CONTENT, &["312n"]),
    measure("3130", "3135", GTIN_OR_CONTENT, &["313n"]),
    measure("3140", "3145", GTIN_OR_CONTENT, &["314n"]),
    measure("3150", "3155", GTIN_OR_CONTENT, &["315n"]),
    measure("3160", "3165", GTIN_OR_CONTENT, &["316n"]),
    measure("3200", "3205", GTIN_OR_CONTENT, &["320n"]),
    measure("3210", "3215", GTIN_OR_CONTENT, &["321n"]),
    measure("3220", "3225", GTIN_OR_CONTENT, &["322n"]),
    measure("3230", "3235", GTIN_OR_CONTENT, &["323n"]),
    measure("3240", "3245", GTIN_OR_CONTENT, &["324n"]),
    measure("3250", "3255", GTIN_OR_CONTENT, &["325n"]),
    measure("3260", "3265", GTIN_OR_CONTENT, &["326n"]),
    measure("3270", "3275", GTIN_OR_CONTENT, &["327n"]),
    measure("3280", "3285", GTIN_OR_CONTENT, &["328n"]),
    measure("3290", "3295", GTIN_OR_CONTENT, &["329n"]),
    measure("3300", "3305", UNIT_OR_GTIN, &["330n"]),
    measure("3310", "3315", UNIT_OR_GTIN, &["331n"]),
    measure("3320", "3325", UNIT_OR_GTIN, &["332n"]),
    measure("3330", "3335", UNIT_OR_GTIN, &["333n"]),
    measure("3340", "3345", UNIT_OR_GTIN, &["334n"]),
    measure("3350", "3355", UNIT_OR_GTIN, &["335n"]),
    measure("3360", "3365", UNIT_OR_GTIN, &["336n"]),
    measure("3370", "3375", THE_GTIN, &["337n"]),
    measure("3400", "3405", UNIT_OR_GTIN, &["340n"]),
    measure("3410", "3415", UNIT_OR_GTIN, &["341n"]),
    measure("3420", "3425", UNIT_OR_GTIN, &["342n"]),
    measure("3430", "3435", UNIT_OR_GTIN, &["343n"]),
    measure("3440", "3445", UNIT_OR_GTIN, &["344n"]),
    measure("3450", "3455", UNIT_OR_GTIN, &["345n"]),
    measure("3460", "3465", UNIT_OR_GTIN, &["346n"]),
    measure("3470", "3475", UNIT_OR_GTIN, &["347n"]),
    measure("3480", "3485", UNIT_OR_GTIN, &["348n"]),
    measure("3490", "3495", UNIT_OR_GTIN, &["349n"]),
    measure("3500", "3505", GTIN_OR_CONTENT, &["350n"]),
    measure("3510", "3515", GTIN_OR_CONTENT, &["351n"]),
    measure("3520", "3525", GTIN_OR_CONTENT, &["352n"]),
    measure("3530", "3535", UNIT_OR_GTIN, &["353n"]),
    measure("3540", "3545", UNIT_OR_GTIN, &["354n"]),
    measure("3550", "3555", UNIT_OR_GTIN, &["355n"]),
    measure("3560", "3565", GTIN_OR_CONTENT, &["356n"]),
    measure("3570", "3575", GTIN_OR_CONTENT, &["357n"]),
    measure("3600", "3605", GTIN_OR_CONTENT, &["360n"]),
    measure("3610", "3615", GTIN_OR_CONTENT, &["361n"]),
    measure("3620", "3625", UNIT_OR_GTIN, &["362n"]),
    measure("3630", "3635", UNIT_OR_GTIN, &["363n"]),
    measure("3640", "3645", GTIN_OR_CONTENT, &["364n"]),
    measure("3650", "3655", GTIN_OR_CONTENT, &["365n"]),
    measure("3660", "3665", GTIN_OR_CONTENT, &["366n"]),
    measure("3670", "3675", UNIT_OR_GTIN, &["367n"]),
    measure("3680", "3685", UNIT_OR_GTIN, &["368n"]),
    measure("3690", "3695", UNIT_OR_GTIN, &["369n"]),
    // What a logistic unit contains; amounts and prices.
    ai("37", &[n_to(8)]).attribute().needs(&["00+02", "00+8026"]),
    ai("3900", &[n_to(15)]).to("3909").attribute().needs(&["255", "8020"]).excludes(&["390n", "391n", "394n", "8111"]),
    ai("3910", &[n(3).by(&[Iso4217]), n_to(15)]).to("3919").attribute().needs(&["8020"]).excludes(&["391n"]),
    ai("3920", &[n_to(15)])
        .to("3929")
        .attribute()
        .needs(&["01+30", "01+31nn", "01+32nn", "01+35nn", "01+36nn"])
        .excludes(&["392n", "393n"]),
    ai("3930", &[n(3).by(&[Iso4217]), n_to(15)]).to("3939").attribute().needs(MEASURES).excludes(&["393n"]),
    ai("3940", &[n(4)]).to("3943").attribute().needs(&["255"]).excludes(&["394n", "8111"]),
    ai("3950", SIX_DIGITS).to("3955").attribute().needs(MEASURES).excludes(&["392n", "393n", "395n", "8005"]),
    // Orders and shipments.
    ai("400", TEXT_30).attribute(),
    ai("401", &[x_to(30).by(&[GcpPos1])]).attribute().key(&[]),
    ai("402", &[n(17).by(&[Csum, GcpPos1])]).attribute().key(&[]),
    ai("403", TEXT_30).attribute().needs(THE_UNIT),
    // Locations and parties, postal codes, countries.
    ai("410", GLN).to("413").predefined().attribute(),
    ai("414", GLN).predefined().attribute().key(&[&["254"], &["7040"]]),
    ai("415", GLN).predefined().attribute().needs(&["8020"]).key(&[&["8020"]]),
    ai("416", GLN).predefined().attribute(),
    ai("417", GLN).predefined().attribute().key(&[&["7040"]]),
    ai("420", TEXT_20).attribute().excludes(&["421"]),
    ai("421", &[n(3).by(&[Iso3166]), x_to(9)]).attribute().excludes(&["4307"]),
    ai("422", COUNTRY).attribute().needs(ITEM_OR_CONTENT).excludes(&["426"]),
    ai("423", COUNTRIES).attribute().needs(GTINS).excludes(&["426"]),
    ai("424", COUNTRY).attribute().needs(GTINS).excludes(&["426"]),
    ai("425", COUNTRIES).attribute().needs(GTINS).excludes(&["426"]),
    ai("426", COUNTRY).attribute().needs(GTINS),
    ai("427", &[x_to(3)]).attribute().needs(&["01+422", "02+422", "03+422"]),
    // Where a logistic unit is sent, returned, and how it is handled.
    ai("4300", ENCODED_35).to("4301").attribute().needs(THE_UNIT),
    ai("4302", ENCODED_70).attribute().needs(THE_UNIT),
    ai("4303", ENCODED_70).attribute().needs(&["4302"]),
    ai("4304", ENCODED_70).to("4306").attribute().needs(THE_UNIT),
    ai("4307", &[x(2).by(&[Iso3166Alpha2])]).attribute().needs(THE_UNIT),
    ai("4308", TEXT_30).attribute().needs(THE_UNIT),
    ai("4309", &[n(10).by(&[Latitude]), n(10).by(&[Longitude])]).attribute().needs(THE_UNIT),
    ai("4310", ENCODED_35).to("4311").attribute().needs(THE_UNIT),
    ai("4312", ENCODED_70).attribute().needs(THE_UNIT),
    ai("4313", ENCODED_70).attribute().needs(&["4312"]),
    ai("4314", ENCODED_70).to("4316").attribute().needs(THE_UNIT),
    ai("4317", &[x(2).by(&[Iso3166Alpha2])]).attribute().needs(THE_UNIT),
    ai("4318", TEXT_20).attribute().needs(THE_UNIT),
    ai("4319", TEXT_30).attribute().needs(THE_UNIT),
    ai("4320", ENCODED_35).attribute().needs(THE_UNIT),
    ai("4321", &[n(1).by(&[YesNo])]).to("4323").attribute().needs(THE_UNIT),
    ai("4324", &[n(6).by(&[Yymmd0]), n(4).by(&[HourMinute])]).to("4325").attribute().needs(THE_UNIT),
    ai("4326", WHOLE_DATE).attribute().needs(THE_UNIT),
    ai("4330", TEMPERATURE).attribute().needs(THE_UNIT).excludes(&["4331"]),
    ai("4331", TEMPERATURE).attribute().needs(THE_UNIT).excludes(&["4330"]),
    ai("4332", TEMPERATURE).attribute().needs(THE_UNIT).excludes(&["4333"]),
    ai("4333", TEMPERATURE).attribute().needs(THE_UNIT).excludes(&["4332"]),
    // Food, chemicals, works, processors.
    ai("7001", &[n(13)]).attribute().needs(&["01", "02", "8006", "8026"]),
    ai("7002", TEXT_30).attribute().needs(GTIN_OR_CONTENT),
    ai("7003", &[n(6).by(&[Yymmdd]), n(4).by(&[HourMinute])]).attribute().needs(GTINS),
    ai("7004", &[n_to(4)]).attribute().needs(&["01+10", "03+10"]),
    ai("7005", &[x_to(12)]).attribute().needs(GTIN_OR_CONTENT),
    ai("7006", WHOLE_DATE).attribute().needs(GTIN_OR_CONTENT),
    ai("7007", &[n(6).by(&[Yymmdd]), n(6).by(&[Yymmdd]).optional()]).attribute().needs(GTIN_OR_CONTENT),
    ai("7008", &[x_to(3)]).attribute().needs(GTIN_OR_CONTENT),
    ai("7009", &[x_to(10)]).attribute().needs(GTIN_OR_CONTENT),
    ai("7010", &[x_to(2)]).attribute().needs(GTINS),
    ai("7011", &[n(6).by(&[Yymmdd]), n(4).by(&[HourMinute]).optional()]).attribute().needs(GTINS),
    ai("7020", TEXT_20).attribute().needs(&["01+416", "03+416", "8006+416"]),
    ai("7021", TEXT_20).attribute().needs(ITEM),
    ai("7022", TEXT_20).attribute().needs(&["01+7021", "03+7021", "8006+7021"]),
    ai("7023", &[x_to(30).by(&[GcpPos1])]).attribute(),
    ai("7030", &[n(3).by(&[Iso3166Or999]), x_to(27)]).to("7039").attribute().needs(GTIN_OR_CONTENT),
    ai("7040", &[n(1), x(1), x(1), x(1).by(&[ImporterIndex])]),
    ai("7041", &[x_to(4).by(&[PackageType])]).needs(THE_UNIT),
    // Reimbursement of health care, certificates, clinical trials, persons.
    ai("710", TEXT_20).to("717").attribute().needs(THE_GTIN),
    ai("7230", &[x(2), x_to(28)]).to("7239").attribute().needs(&["01", "8004"]),
    ai("7240", TEXT_20).attribute().needs(&["01", "8006"]).excludes(&["03"]),
    ai("7241", &[n(2).by(&[MediaType])]).attribute().needs(SERVICE),
    ai("7242", &[x_to(25)]).attribute().needs(SERVICE),
    ai("7250", &[n(8).by(&[Yyyymmdd])]).attribute().needs(&["8018"]).excludes(&["7251"]),
    ai("7251", &[n(8).by(&[Yyyymmdd]), n(4).by(&[HourMinute])]).attribute().needs(&["8018"]).excludes(&["7250"]),
    ai("7252", &[n(1).by(&[Iso5218])]).attribute().needs(&["8018"]),
    ai("7253", &[x_to(40).by(&[PercentEncoded])]).to("7254").attribute().needs(SERVICE).excludes(&["7256", "7259"]),
    ai("7255", &[x_to(10)]).attribute().needs(SERVICE).excludes(&["7256", "7259"]),
    ai("7256", &[x_to(90).by(&[PercentEncoded])]).attribute().needs(SERVICE),
    ai("7257", ENCODED_70).attribute().needs(&["8018"]),
    ai("7258", &[x(3).by(&[PositionInSequence])]).attribute().needs(&["8018+7259"]),
    ai("7259", &[x_to(40).by(&[PercentEncoded])]).attribute().needs(&["8018"]).excludes(&["7256"]),
    // Rolls, assets, components, pieces, services, payments.
    ai("8001", &[n(4).by(&[NonZero]), n(5).by(&[NonZero]), n(3).by(&[NonZero]), n(1).by(&[Winding]), n(1)])
        .attribute()
        .needs(THE_GTIN),
    ai("8002", TEXT_20).attribute(),
    ai("8003", &[n(1).by(&[Zero]), n(13).by(&[Csum, GcpPos1]), x_to(16).optional()]).attribute().key(&[]),
    ai("8004", &[x_to(30).by(&[GcpPos1])]).attribute().key(&[&["7040"]]),
    ai("8005", SIX_DIGITS).attribute().needs(GTIN_OR_CONTENT),
    ai("8006", PIECE).attribute().excludes(&["01", "03", "37"]).key(&[&["22", "10", "21"]]),
    ai("8007", &[x_to(34).by(&[Iban])]).attribute().needs(&["415"]),
    ai("8008", &[n(6).by(&[Yymmdd]), n(2).by(&[Hour]), n(2).by(&[Minute]).optional(), n(2).by(&[Second]).optional()])
        .attribute()
        .needs(GTINS),
    ai("8009", &[x_to(50)]).attribute().needs(&["00", "01", "03"]),
    ai("8010", &[y_to(30).by(&[GcpPos1])]).attribute().key(&[&["8011"]]),
    ai("8011", &[n_to(12).by(&[NoZeroPrefix])]).needs(&["8010"]),
    ai("8012", TEXT_20).attribute().needs(ITEM),
    ai("8013", &[x_to(25).by(&[CsumAlpha, GcpPos1])]).attribute().key(&[]),
    ai("8014", &[x_to(25).by(&[CsumAlpha, GcpPos1, HasNonDigit])]).needs(THE_GTIN),
    ai("8017", GSRN).attribute().excludes(&["8018"]).key(&[&["8019"]]),
    ai("8018", GSRN).attribute().excludes(&["8017"]).key(&[&["8019"]]),
    ai("8019", &[n_to(10)]).needs(SERVICE),
    ai("8020", &[x_to(25)]).needs(&["415"]),
    ai("8026", PIECE).attribute().needs(&["37"]).excludes(&["02", "03", "8006"]),
    ai("8030", &[z_to(90)]).attribute().needs(&[
        "00",
        "01+21",
        "03+21",
        "253",
        "255",
        "8003",
        "8004",
        "8006+21",
        "8010+8011",
        "8017",
        "8018",
    ]),
    ai("8040", &[n(15)]).needs(&["01+21"]),
    ai("8041", &[n(15)]).needs(&["01+21+8040"]),
    ai("8042", &[n(32)]).needs(&["01+21+8040"]),
    ai("8043", &[n(18), n_to(2).optional()]).needs(&["01+21+8040"]),
    // Coupons and loyalty.
    ai("8110", &[x_to(70).by(&[CouponCode])]).attribute(),
    ai("8111", &[n(4)]).attribute().needs(&["255"]),
    ai("8112", &[x_to(70).by(&[CouponPosOffer])]).attribute(),
    // Addresses of the web; what partners or companies agree upon.
    ai("8200", &[x_to(70)]).needs(THE_GTIN),
    ai("90", TEXT_30).attribute(),
    ai("91", &[x_to(90)]).to("99").attribute(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_sorted_and_as_long_as_others_that_begin_with_the_same_two_digits() {
        for (row, next) in ROWS.iter().zip(&ROWS[1..]) {
            assert!(row.first <= row.last && row.last < next.first, "{} {}", row.last, next.first);
            let is_family = row.last[..2] == next.first[..2];
            assert!(!is_family || row.last.len() == next.first.len(), "{} {}", row.last, next.first);
        }
    }
}
