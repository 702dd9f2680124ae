//! Fractions of a minor unit.

use tillmesh_plugin::pricing::Rounding;

/// `numerator / denominator`, rounded; the denominator must not be 0.
pub(crate) fn divide(numerator: u128, denominator: u128, rounding: Rounding) -> u128 {
    let (quotient, remainder) = quotient(numerator, denominator);
    let twice = remainder * 2;
    let up = match rounding {
        Rounding::HalfUp => twice >= denominator,
        Rounding::HalfEven => twice > denominator || (twice == denominator && quotient % 2 != 0),
        Rounding::Down => false,
    };
    quotient + u128::from(up)
}

/// Splits an amount by weights so that the parts add up to it: each part is rounded down, and the units that are left
/// go to the largest remainders, the first of equals first. The weights must not all be 0.
pub(crate) fn split(amount: u64, weights: &[u64]) -> Vec<u64> {
    let total: u64 = weights.iter().sum();
    let shares = weights.iter().map(|weight| quotient(u128::from(amount) * u128::from(*weight), u128::from(total)));
    let (mut parts, remainders): (Vec<u64>, Vec<u128>) = shares.map(|(part, rest)| (narrow(part), rest)).unzip();
    let left = amount - parts.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(remainders[*index]));
    for index in order.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        parts[index] += 1;
    }
    parts
}

/// An amount in 64 bits: more than there is of anything where it does not fit, since what is taken off is at most what
/// is left.
pub(crate) fn narrow(amount: u128) -> u64 {
    u64::try_from(amount).unwrap_or(u64::MAX)
}

/// Quotient and remainder. WebAssembly divides 64 bits in one instruction and 128 bits in hundreds, and most carts are
/// small.
fn quotient(numerator: u128, denominator: u128) -> (u128, u128) {
    match (u64::try_from(numerator), u64::try_from(denominator)) {
        (Ok(small), Ok(by)) => (u128::from(small / by), u128::from(small % by)),
        _ => (numerator / denominator, numerator % denominator),
    }
}
