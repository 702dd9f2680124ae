//! Prices as Google reads them: `12.50 USD`.

use tillmesh_plugin::UnitPrice;
use tillmesh_plugin::money::decimals;

/// A price in the decimals of its currency; what is finer is rounded, a half away from zero. None: it is below 0.
pub(crate) fn shown(price: &UnitPrice) -> Option<String> {
    let minor = decimals(&price.currency);
    let scale = price.scale.map_or(minor, usize::from);
    let power = |exponent: usize| 10_i128.pow(u32::try_from(exponent).unwrap_or_default());
    let amount = i128::from(price.amount);
    let amount = if scale <= minor {
        amount * power(minor - scale)
    } else {
        let unit = power(scale - minor);
        (amount + unit / 2) / unit
    };
    if price.amount < 0 {
        return None;
    }
    let (whole, part) = (amount / power(minor), amount % power(minor));
    let number = if minor == 0 { whole.to_string() } else { format!("{whole}.{part:0minor$}") };
    Some(format!("{number} {}", price.currency))
}
