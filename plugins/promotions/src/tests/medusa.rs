//! Cases that another shop's software states, where its promotions can be said with ours. Read where
//! `TILLMESH_FIXTURES` names the folder; without it nothing is compared, and the test says so.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

#[test]
fn amounts_equal_those_of_the_medusa_cases_that_can_be_said() {
    let Ok(fixtures) = std::env::var("TILLMESH_FIXTURES") else {
        eprintln!("left out: TILLMESH_FIXTURES does not name the folder of fixtures");
        return;
    };
    let text = std::fs::read_to_string(format!("{fixtures}/promotions/medusa_compute_actions.jsonl")).unwrap();
    let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut compared = 0;
    for case in &cases {
        let Some(cart) = cart_of(case) else { continue };
        let title = format!("{} > {}", case["suite"], case["test"]);
        assert_eq!(taken_off(&cart), stated(case), "{title}");
        compared += 1;
    }
    eprintln!(
        "{compared} of {} cases compared; the others use budgets, shipping, dearest-first or given adjustments",
        cases.len()
    );
    assert!(compared >= 12, "only {compared} cases were compared");
}

/// The case as a cart, unless it uses what our promotions do not have.
fn cart_of(case: &Value) -> Option<Cart> {
    let expected = case["expected"].as_array()?;
    let is_addition = |action: &Value| action["action"] == "addItemAdjustment";
    // The budget of a campaign is not part of the case's data; its title says where one is spent.
    if !expected.iter().all(is_addition) || case["test"].as_str()?.contains("budget") {
        return None;
    }
    let items = case["context"]["items"].as_array()?;
    let lines: Vec<CartLine> = items.iter().enumerate().map(|(index, item)| line_of(index, item)).collect();
    let promotions = case["promotions"].as_array()?.iter().filter(|it| is_for(it, &case["context"]));
    let promotions: Option<Vec<Promotion>> = promotions.map(|it| promotion_of(it, &lines)).collect();
    let codes = case["codes"].as_array()?.iter().map(|code| code.as_str().unwrap().to_owned());
    Some(Cart { coupons: codes.collect(), ..cart(lines, promotions?) })
}

fn line_of(index: usize, item: &Value) -> CartLine {
    let quantity = item["quantity"].as_u64().unwrap();
    let line = line(u32::try_from(index).unwrap(), item["id"].as_str().unwrap(), quantity, cents(&item["subtotal"]));
    CartLine { category: item["product_category"]["id"].as_str().map(ToOwned::to_owned), ..line }
}

/// Rules about the customer are decided before promotions are handed to a plugin.
fn is_for(promotion: &Value, context: &Value) -> bool {
    let rules = promotion["rules"].as_array().cloned().unwrap_or_default();
    let group = &context["customer"]["customer_group"]["id"];
    rules.iter().all(|rule| rule["values"].as_array().unwrap().contains(group))
}

fn promotion_of(promotion: &Value, lines: &[CartLine]) -> Option<Promotion> {
    let method = &promotion["application_method"];
    let covered = |max: &Value| lines.iter().all(|line| max.as_u64().is_none_or(|max| line.quantity <= max));
    let kind = match (method["target_type"].as_str()?, method["type"].as_str()?, method["allocation"].as_str()) {
        _ if promotion["type"] == "buyget" => buy_get(method, lines)?,
        ("order", "fixed", None) | ("items", "fixed", Some("across")) => {
            fixed(cents(&method["value"]), FixedScope::Target)
        }
        ("items", "fixed", Some("each")) if covered(&method["max_quantity"]) => {
            fixed(cents(&method["value"]), FixedScope::Unit)
        }
        ("items", "percentage", Some("across")) => percent(basis_points(method)),
        ("items", "percentage", Some("each")) if covered(&method["max_quantity"]) => percent(basis_points(method)),
        _ => return None,
    };
    let target = target_of(if promotion["type"] == "buyget" { &method["buy_rules"] } else { &method["target_rules"] })?;
    let code = promotion["code"].as_str()?.to_owned();
    Some(Promotion { coupon: Some(code.clone()), target, ..super::promotion(&code, kind) })
}

/// Medusa cheapens the dearest units and ours the cheapest: the same where it is all of them, or none.
fn buy_get(method: &Value, lines: &[CartLine]) -> Option<PromotionKind> {
    let reward = target_of(&method["target_rules"])?;
    let Target::Categories(categories) = &reward else { return None };
    let rewarded = lines.iter().filter(|line| line.category.as_ref().is_some_and(|it| categories.contains(it)));
    let get = method["apply_to_quantity"].as_u64()?;
    let units: u64 = rewarded.map(|line| line.quantity).sum();
    let bought = u32::try_from(method["buy_rules_min_quantity"].as_u64()?).ok()?;
    let deal = BuyXGetY { reward: Some(reward), times: Some(1), ..buy(bought, u32::try_from(get).ok()?) };
    (units <= get).then_some(PromotionKind::BuyXGetY(deal))
}

fn target_of(rules: &Value) -> Option<Target> {
    let Some(rules) = rules.as_array() else { return Some(Target::Everything) };
    match rules.as_slice() {
        [rule] if rule["attribute"] == "product_category.id" => {
            let values = rule["values"].as_array()?.iter().map(|value| value.as_str().map(ToOwned::to_owned));
            values.collect::<Option<_>>().map(Target::Categories)
        }
        _ => None,
    }
}

fn taken_off(cart: &Cart) -> BTreeSet<(String, String, i64)> {
    let sku = |number: u32| cart.lines.iter().find(|line| line.number == number).unwrap().sku.clone();
    let result = Promotions::price(cart).unwrap();
    result.adjustments.into_iter().map(|it| (it.promotion, sku(it.line.unwrap()), -it.amount)).collect()
}

fn stated(case: &Value) -> BTreeSet<(String, String, i64)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let actions = case["expected"].as_array().unwrap().iter();
    actions.map(|action| (text(&action["code"]), text(&action["item_id"]), cents(&action["amount"]))).collect()
}

fn basis_points(method: &Value) -> u32 {
    u32::try_from(cents(&method["value"])).unwrap()
}

/// Hundredths; the cases have at most one decimal.
fn cents(value: &Value) -> i64 {
    (value.as_f64().unwrap() * 100.0).round() as i64
}
