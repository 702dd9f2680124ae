//! What a node takes of a command. What goes beyond it is refused here, where a plugin can still say which part of the
//! message it was, rather than by the host, to which it would be an answer that breaks the rules.

use std::cmp::Ordering;
use std::fmt::Display;

use crate::inbound::Command;
use crate::{Failure, Line, LineContent, Money, Product, StockLine, UnitPrice, failure};

/// The most lines of a command.
pub const MAX_LINES: usize = 500;
/// The most units of a line.
pub const MAX_QUANTITY: u64 = 1_000_000_000;
/// The most units of a level, which is not added up.
pub const MAX_LEVEL: u64 = 1_000_000_000_000;
/// The most bytes of a SKU.
pub const MAX_SKU: usize = 64;
/// The most bytes of a reference: an order's number, a delivery note's.
pub const MAX_REFERENCE: usize = 128;
/// The most bytes of the name of a location.
pub const MAX_NAME: usize = 48;
/// The most bytes of a name or a word of the channel.
pub const MAX_TEXT: usize = 255;
/// The largest amount, in minor units.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000_000;
/// The first moment of the year 9999, in microseconds since 1970: nothing later is taken.
const END_OF_TIME: i64 = 253_370_764_800_000_000;
/// The currencies that have a minor unit: ISO 4217, without precious metals and bond units. In order.
const CURRENCIES: &str = "\
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF \
    CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP \
    GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT \
    LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD \
    OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC \
    SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XCD \
    XCG XOF XPF YER ZAR ZMW ZWG ZWL";

/// Checks a command. `at` is put before the name of the field that breaks its rule: the place of what it was read from.
///
/// # Errors
/// `malformed`, for the first field that does.
pub fn check(command: &Command, at: &str) -> Result<(), Failure> {
    let at = At(at);
    match command {
        Command::PlaceOrder(it) => {
            at.reference("reference", &it.reference)?;
            at.location(it.location.as_deref())?;
            at.optional_reference("customer-ref", it.customer_ref.as_deref())?;
            at.time("placed-at", it.placed_at)?;
            at.lines(&it.lines, &it.currency)?;
            let stated = &it.stated;
            let amounts = [&stated.subtotal, &stated.discount, &stated.tax, &stated.shipping, &stated.total];
            amounts.into_iter().flatten().try_for_each(|money| at.money(&"stated", money, &it.currency))
        }
        Command::CancelOrder(it) => {
            at.reference("reference", &it.reference)?;
            at.optional_text("reason", it.reason.as_deref())?;
            at.time("cancelled-at", it.cancelled_at)
        }
        Command::SetAvailable(it) => {
            at.sku(&"sku", &it.sku)?;
            at.within(&"available", it.available.unsigned_abs(), 0, MAX_LEVEL)?;
            at.location(it.location.as_deref())?;
            at.time("as-of", it.as_of)
        }
        Command::RecordSale(it) => {
            at.reference("reference", &it.reference)?;
            at.location(it.location.as_deref())?;
            at.optional_reference("customer-ref", it.customer_ref.as_deref())?;
            at.time("sold-at", it.sold_at)?;
            at.lines(&it.lines, &it.currency)
        }
        Command::RecordReturn(it) => {
            at.optional_reference("order", it.order.as_deref())?;
            at.location(it.location.as_deref())?;
            at.stock_lines(&it.reference, &it.lines, 1)?;
            at.time("returned-at", it.returned_at)
        }
        Command::FulfilOrder(it) => {
            at.reference("order", &it.order)?;
            at.location(it.location.as_deref())?;
            at.stock_lines(&it.reference, &it.lines, 1)?;
            at.time("fulfilled-at", it.fulfilled_at)
        }
        Command::ReceiveStock(it) => {
            at.location(it.location.as_deref())?;
            at.stock_lines(&it.reference, &it.lines, 1)?;
            at.time("received-at", it.received_at)
        }
        Command::CountStock(it) => {
            at.location(it.location.as_deref())?;
            at.stock_lines(&it.reference, &it.lines, 0)?;
            at.time("counted-at", it.counted_at)
        }
        Command::AdjustStock(it) => {
            at.reference("reference", &it.reference)?;
            at.location(it.location.as_deref())?;
            at.sku(&"sku", &it.sku)?;
            at.quantity(&"change", it.change.unsigned_abs(), 1)?;
            at.optional_text("reason", it.reason.as_deref())?;
            at.time("adjusted-at", it.adjusted_at)
        }
        Command::UpsertProduct(it) => at.product(it),
    }
}

/// Checks each of the commands of a message; the field begins with its place among them.
///
/// # Errors
/// As for [`check`].
pub fn check_all(commands: &[Command]) -> Result<(), Failure> {
    commands.iter().enumerate().try_for_each(|(index, command)| match check(command, "") {
        Ok(()) => Ok(()),
        // Written out only where it is said.
        Err(_) => check(command, &format!("commands[{index}].")),
    })
}

/// Whether it is one of [`CURRENCIES`], by halving: a file of a till asks for each of its sales.
fn is_currency(code: &str) -> bool {
    let known = |place: usize| &CURRENCIES.as_bytes()[4 * place..4 * place + 3];
    let (mut low, mut high) = (0, CURRENCIES.len().div_ceil(4));
    while low < high {
        let middle = (low + high) / 2;
        match known(middle).cmp(code.as_bytes()) {
            Ordering::Equal => return true,
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
        }
    }
    false
}

/// What stands before the name of a field.
struct At<'a>(&'a str);

impl At<'_> {
    fn refused(&self, field: &dyn Display, value: impl ToString, rule: impl Into<String>) -> Failure {
        failure::malformed(format!("{}{field}", self.0), value, rule)
    }

    fn time(&self, field: &str, time: i64) -> Result<(), Failure> {
        if (0..=END_OF_TIME).contains(&time) {
            return Ok(());
        }
        Err(self.refused(&field, time, "it must lie between 1970 and 9999"))
    }

    fn id(&self, field: &dyn Display, text: &str, most: usize) -> Result<(), Failure> {
        let is_sound = |text: &str| text.trim() == text && !text.contains(char::is_control);
        // Nearly all are of signs that neither is, and a large order has a thousand of them.
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if (1..=most).contains(&text.len()) && (is_plain || is_sound(text)) {
            return Ok(());
        }
        let rule = format!("it must have 1 to {most} bytes, without control characters or blanks around it");
        Err(self.refused(field, text, rule))
    }

    fn sku(&self, field: &dyn Display, sku: &str) -> Result<(), Failure> {
        self.id(field, sku, MAX_SKU)
    }

    fn reference(&self, field: &str, reference: &str) -> Result<(), Failure> {
        self.id(&field, reference, MAX_REFERENCE)
    }

    fn optional_reference(&self, field: &str, reference: Option<&str>) -> Result<(), Failure> {
        reference.map_or(Ok(()), |reference| self.reference(field, reference))
    }

    fn optional_text(&self, field: &str, text: Option<&str>) -> Result<(), Failure> {
        match text {
            Some(text) if text.is_empty() || text.len() > MAX_TEXT || text.contains(char::is_control) => {
                let rule = format!("it must have 1 to {MAX_TEXT} bytes, without control characters");
                Err(self.refused(&field, text, rule))
            }
            _ => Ok(()),
        }
    }

    fn quantity(&self, field: &dyn Display, quantity: u64, least: u64) -> Result<(), Failure> {
        self.within(field, quantity, least, MAX_QUANTITY)
    }

    fn within(&self, field: &dyn Display, quantity: u64, least: u64, most: u64) -> Result<(), Failure> {
        if (least..=most).contains(&quantity) {
            return Ok(());
        }
        Err(self.refused(field, quantity, format!("it must lie between {least} and {most}")))
    }

    fn location(&self, location: Option<&str>) -> Result<(), Failure> {
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        match location {
            Some(name) if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(is_of_name) => {
                let rule = format!("a location has 1 to {MAX_NAME} of A-Z, a-z, 0-9, _ and -");
                Err(self.refused(&"location", name, rule))
            }
            _ => Ok(()),
        }
    }

    fn count(&self, lines: usize) -> Result<(), Failure> {
        if (1..=MAX_LINES).contains(&lines) {
            return Ok(());
        }
        Err(self.refused(&"lines", lines, format!("there must be 1 to {MAX_LINES}")))
    }

    fn currency(&self, currency: &str) -> Result<(), Failure> {
        if is_currency(currency) {
            return Ok(());
        }
        Err(self.refused(&"currency", currency, "it must be a currency of ISO 4217 that has a minor unit"))
    }

    fn money(&self, field: &dyn Display, money: &Money, currency: &str) -> Result<(), Failure> {
        if money.currency == currency && (-MAX_AMOUNT..=MAX_AMOUNT).contains(&money.amount) {
            return Ok(());
        }
        let rule = format!("it must be an amount in {currency}, of at most {MAX_AMOUNT} minor units either way");
        Err(self.refused(field, format_args!("{} {}", money.amount, money.currency), rule))
    }

    fn price(&self, field: &dyn Display, price: &UnitPrice, currency: &str) -> Result<(), Failure> {
        if price.currency == currency && (-MAX_AMOUNT..=MAX_AMOUNT).contains(&price.amount) {
            return Ok(());
        }
        let rule = format!("it must be a price in {currency}, of at most {MAX_AMOUNT} units of its last decimal");
        Err(self.refused(field, format_args!("{} {}", price.amount, price.currency), rule))
    }

    fn lines(&self, lines: &[Line], currency: &str) -> Result<(), Failure> {
        self.currency(currency)?;
        self.count(lines.len())?;
        lines.iter().enumerate().try_for_each(|(index, line)| {
            match &line.content {
                LineContent::Sku(sku) => self.sku(&format_args!("lines[{index}].sku"), sku)?,
                LineContent::Charge(charge) => self.id(&format_args!("lines[{index}]"), charge, MAX_REFERENCE)?,
            }
            self.quantity(&format_args!("lines[{index}].quantity"), line.quantity, 1)?;
            let price = |price| self.price(&format_args!("lines[{index}].unit-price"), price, currency);
            line.unit_price.as_ref().map_or(Ok(()), price)?;
            let amount = |money| self.money(&format_args!("lines[{index}].amount"), money, currency);
            line.amount.as_ref().map_or(Ok(()), amount)
        })
    }

    fn stock_lines(&self, reference: &str, lines: &[StockLine], least: u64) -> Result<(), Failure> {
        self.reference("reference", reference)?;
        self.count(lines.len())?;
        lines.iter().enumerate().try_for_each(|(index, line)| {
            self.sku(&format_args!("lines[{index}].sku"), &line.sku)?;
            self.quantity(&format_args!("lines[{index}].quantity"), line.quantity, least)
        })
    }

    fn product(&self, product: &Product) -> Result<(), Failure> {
        self.sku(&"sku", &product.sku)?;
        if let Some(price) = &product.price {
            self.currency(&price.currency)?;
            self.price(&"price", price, &price.currency)?;
            if price.amount < 0 {
                return Err(self.refused(&"price", price.amount, "it must not be below 0"));
            }
        }
        self.optional_text("name", Some(&product.name))?;
        let texts = [
            ("gtin", &product.gtin),
            ("department", &product.department),
            ("category", &product.category),
            ("unit", &product.unit),
            ("tax-class", &product.tax_class),
        ];
        texts.into_iter().try_for_each(|(field, text)| self.optional_text(field, text.as_deref()))?;
        product.references.iter().try_for_each(|reference| self.reference("references", reference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StatedTotals;
    use crate::inbound::{PlaceOrder, SetAvailable};

    fn order() -> PlaceOrder {
        let currency = "EUR".to_owned();
        let line = Line {
            content: LineContent::Sku("TEA".to_owned()),
            quantity: 1,
            unit_price: None,
            amount: Some(Money { amount: 100, currency: currency.clone() }),
        };
        let (subtotal, discount, tax, shipping, total) = (None, None, None, None, None);
        PlaceOrder {
            reference: "1".to_owned(),
            lines: vec![line],
            customer_ref: None,
            currency,
            stated: StatedTotals { subtotal, discount, tax, tax_included: false, shipping, total },
            placed_at: 0,
            location: None,
        }
    }

    fn field_of(change: impl FnOnce(&mut PlaceOrder)) -> String {
        let mut order = order();
        change(&mut order);
        match check_all(&[Command::PlaceOrder(order)]) {
            Err(Failure::Malformed(detail)) => detail.field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_goes_beyond_what_a_node_takes_is_refused_by_field() {
        assert!(check_all(&[Command::PlaceOrder(order())]).is_ok());
        assert_eq!(field_of(|it| it.currency = "BTC".to_owned()), "commands[0].currency");
        assert_eq!(field_of(|it| it.currency = "XAU".to_owned()), "commands[0].currency");
        assert_eq!(field_of(|it| it.location = Some("North store".to_owned())), "commands[0].location");
        assert_eq!(field_of(|it| it.placed_at = -1), "commands[0].placed-at");
        assert_eq!(field_of(|it| it.placed_at = i64::MAX), "commands[0].placed-at");
        assert_eq!(field_of(|it| it.reference = "x".repeat(129)), "commands[0].reference");
        assert_eq!(field_of(|it| it.lines.clear()), "commands[0].lines");
        assert_eq!(field_of(|it| it.lines = vec![it.lines[0].clone(); 501]), "commands[0].lines");
        assert_eq!(field_of(|it| it.lines[0].quantity = 0), "commands[0].lines[0].quantity");
        assert_eq!(field_of(|it| it.lines[0].quantity = 1_000_000_001), "commands[0].lines[0].quantity");
        assert_eq!(field_of(|it| it.lines[0].content = LineContent::Sku(" A".to_owned())), "commands[0].lines[0].sku");
        let amount = |amount: i64| Some(Money { amount, currency: "EUR".to_owned() });
        assert_eq!(field_of(|it| it.lines[0].amount = amount(i64::MAX)), "commands[0].lines[0].amount");
        assert_eq!(field_of(|it| it.stated.total = amount(i64::MIN)), "commands[0].stated");
    }

    #[test]
    fn a_failure_says_where_in_the_message_it_was_read() {
        let level = SetAvailable { sku: "x".repeat(65), available: 1, as_of: 0, location: None };
        let Err(Failure::Malformed(detail)) = check(&Command::SetAvailable(level), "ST[0] ") else { panic!() };
        assert_eq!(detail.field, "ST[0] sku");
    }

    #[test]
    fn every_currency_is_found_and_nothing_else() {
        let mut codes: Vec<_> = CURRENCIES.split(' ').collect();
        assert!(codes.iter().all(|code| code.len() == 3 && is_currency(code)));
        assert!(["", "EU", "EURO", "eur", "AAA", "ZZZ", "BTC", "XAU"].iter().all(|code| !is_currency(code)));
        codes.dedup();
        assert!(codes.is_sorted());
    }
}
