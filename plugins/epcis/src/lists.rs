//! What an event of each type must be about, and what its lists may hold (EPCIS 2.0, section 7.4).

use serde_json::Value;
use tillmesh_plugin::{Failure, failure};

use crate::event::{Action, Kind};
use crate::fields::Fields;
use crate::link::Link;
use crate::urn;

/// The fields that the standard has at an event. Any other has a prefix.
const KNOWN: [&str; 31] = [
    "type",
    "id",
    "eventTime",
    "eventTimeZoneOffset",
    "recordTime",
    "eventID",
    "certificationInfo",
    "errorDeclaration",
    "action",
    "bizStep",
    "disposition",
    "persistentDisposition",
    "readPoint",
    "bizLocation",
    "bizTransactionList",
    "sourceList",
    "destinationList",
    "sensorElementList",
    "ilmd",
    "epcList",
    "quantityList",
    "parentID",
    "childEPCs",
    "childQuantityList",
    "inputEPCList",
    "inputQuantityList",
    "outputEPCList",
    "outputQuantityList",
    "transformationID",
    "comment",
    "baseURL",
];

/// Checks what an event is about.
///
/// # Errors
/// `malformed`.
pub(crate) fn check(fields: &Fields<'_>, kind: Kind, action: Option<Action>) -> Result<(), Failure> {
    check_names(fields, &KNOWN)?;
    let count = |lists: [&str; 2]| -> Result<usize, Failure> {
        let (things, classes) = (check_things(fields, lists[0])?, check_quantities(fields, lists[1])?);
        Ok(things + classes)
    };
    let objects = count(["epcList", "quantityList"])?;
    let children = count(["childEPCs", "childQuantityList"])?;
    let (inputs, outputs) =
        (count(["inputEPCList", "inputQuantityList"])?, count(["outputEPCList", "outputQuantityList"])?);
    let sensors = check_sensors(fields)?;
    for (key, object) in [("readPoint", fields.object("readPoint")?), ("bizLocation", fields.object("bizLocation")?)] {
        if let Some(place) = object {
            place.uri("id").map_err(|_| place.malformed("id", format!("a {key} has the URI of a place")))?;
            check_key(&place, "id")?;
        }
    }
    for key in ["parentID", "transformationID"] {
        if fields.has(key) {
            fields.uri(key)?;
            check_key(fields, key)?;
        }
    }
    check_certificates(fields)?;
    fields.object("ilmd")?;
    let (parent, joins) = (fields.has("parentID"), fields.has("transformationID"));
    let deletes = action == Some(Action::Delete);
    let (is_sound, key, rule) = match kind {
        Kind::Object => (objects + sensors > 0, "epcList", "an ObjectEvent names things, classes or what sensors said"),
        Kind::Aggregation if !parent && action != Some(Action::Observe) => {
            (false, "parentID", "an AggregationEvent that adds or deletes has the thing that holds the others")
        }
        Kind::Aggregation => (children > 0 || parent && (deletes || sensors > 0), "childEPCs", AGGREGATED),
        Kind::Association if !parent => (false, "parentID", "an AssociationEvent has the asset"),
        Kind::Association => (children > 0 || deletes || sensors > 0, "childEPCs", AGGREGATED),
        Kind::Transaction if fields.list("bizTransactionList")?.is_empty() => {
            (false, "bizTransactionList", "a TransactionEvent names a transaction")
        }
        Kind::Transaction => {
            (objects > 0 || parent || deletes, "epcList", "a TransactionEvent names things or classes")
        }
        Kind::Transformation if inputs == 0 && !joins => (false, "inputEPCList", TRANSFORMED),
        Kind::Transformation => (outputs > 0 || joins, "outputEPCList", TRANSFORMED),
    };
    if is_sound { Ok(()) } else { Err(fields.malformed(key, rule)) }
}

const AGGREGATED: &str = "it must name what is held";
const TRANSFORMED: &str = "a TransformationEvent without a transformationID names what went in and what came out";

fn check_names(fields: &Fields<'_>, known: &[&str]) -> Result<(), Failure> {
    let is_known = |key: &str| known.contains(&key) || key.contains(':') || key.starts_with('@');
    match fields.map.keys().find(|key| !is_known(key)) {
        Some(key) => Err(failure::malformed(fields.at(key), "", "the standard has no such field here")),
        None => Ok(()),
    }
}

/// Checks the elements of a list of things; gives their number.
fn check_things(fields: &Fields<'_>, key: &str) -> Result<usize, Failure> {
    let things = fields.uris(key)?;
    let wrong = |thing: &str| fault(thing).or_else(|| is_class(thing).then_some(CLASS));
    match things.iter().enumerate().find_map(|(index, thing)| Some((index, thing, wrong(thing)?))) {
        Some((index, thing, rule)) => Err(failure::malformed(format!("{}[{index}]", fields.at(key)), thing, rule)),
        None => Ok(things.len()),
    }
}

const CLASS: &str = "it is a class and no thing: classes have a quantity, in a list of their own";

/// Whether a text names a lot or an article, and none of its things.
fn is_class(text: &str) -> bool {
    let is_article = |link: Link<'_>| link.gtin().is_some() && link.serial().is_none();
    ["urn:epc:class:", "urn:epc:idpat:"].iter().any(|class| text.starts_with(class))
        || Link::of(text).is_some_and(is_article)
}

fn check_key(fields: &Fields<'_>, key: &str) -> Result<(), Failure> {
    match fields.text(key)?.and_then(fault) {
        Some(rule) => Err(fields.malformed(key, rule)),
        None => Ok(()),
    }
}

/// What is wrong with a GS1 key, as URN or link. Whatever else a URI is, it may be.
fn fault(text: &str) -> Option<&'static str> {
    if !urn::is_sound(text) {
        return Some("it is no EPC of the EPC Tag Data Standard");
    }
    let is_checked = Link::of(text).is_none_or(|link| link.is_checked());
    (!is_checked).then_some("the last digit of its key is not the check digit")
}

/// Checks the elements of a list of classes; gives their number.
fn check_quantities(fields: &Fields<'_>, key: &str) -> Result<usize, Failure> {
    let elements = fields.objects(key)?;
    for element in &elements {
        element.uri("epcClass")?;
        check_key(element, "epcClass")?;
        match element.map.get("quantity") {
            None | Some(Value::Null) => {}
            Some(Value::Number(number)) if number.as_f64().is_some_and(|number| number >= 0.0) => {}
            Some(_) => return Err(element.malformed("quantity", "it must be a number, 0 or above")),
        }
        let uom = element.text("uom")?;
        if uom.is_some_and(|uom| !(2..=3).contains(&uom.len()) || !uom.bytes().all(|it| it.is_ascii_alphanumeric())) {
            return Err(element.malformed("uom", "it must be a code of UN/ECE Recommendation 20, 2 or 3 characters"));
        }
        let other = element.map.keys().find(|key| !["epcClass", "quantity", "uom"].contains(&key.as_str()));
        if let Some(key) = other {
            return Err(failure::malformed(element.at(key), "", "a quantity has epcClass, quantity and uom only"));
        }
    }
    Ok(elements.len())
}

fn check_sensors(fields: &Fields<'_>) -> Result<usize, Failure> {
    let elements = fields.objects("sensorElementList")?;
    for element in &elements {
        if let Some(metadata) = element.object("sensorMetadata")? {
            for key in ["time", "startTime", "endTime"] {
                metadata.time(key)?;
            }
        }
        let reports = element.objects("sensorReport")?;
        if reports.is_empty() {
            return Err(element.malformed("sensorReport", "a sensor reports something"));
        }
        for report in &reports {
            report.time("time")?;
            for key in ["value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"] {
                if report.has(key) && !report.map.get(key).is_some_and(Value::is_number) {
                    return Err(report.malformed(key, "it must be a number"));
                }
            }
        }
    }
    Ok(elements.len())
}

/// Certificates are named by their URIs.
fn check_certificates(fields: &Fields<'_>) -> Result<(), Failure> {
    match fields.map.get("certificationInfo") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(_)) => fields.uris("certificationInfo").map(drop),
        Some(_) => fields.uri("certificationInfo").map(drop),
    }
}
