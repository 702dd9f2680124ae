//! Policies: how far a node may promise what it does not hold rights to.

use std::collections::BTreeSet;

use crate::event::PromisePolicy;
use crate::id::{Name, Sku};

/// What holds for one SKU, promised to one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How promises are backed.
    pub policy: PromisePolicy,
    /// With `buffered`: how many units of a location may be promised beyond its stock, as far as a node has heard.
    pub buffer: i64,
    /// How many units of a location are kept for the counter: no rights are made of them.
    pub floor: i64,
    /// How many units of a location are this channel's: those promised to it that have not left, and of those that a
    /// node may promise the rest.
    pub allocation: i64,
}

impl Default for Terms {
    fn default() -> Self {
        Self { policy: PromisePolicy::Strict, buffer: 0, floor: 0, allocation: 0 }
    }
}

/// Terms for some SKUs or channels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// Only this SKU.
    pub sku: Option<Sku>,
    /// Only products of this category.
    pub category: Option<String>,
    /// Only this channel.
    pub channel: Option<Name>,
    /// What holds then.
    pub terms: Terms,
}

impl Rule {
    fn fits(&self, sku: &Sku, category: Option<&str>, channel: Option<&Name>) -> bool {
        self.sku.as_ref().is_none_or(|only| only == sku)
            && self.category.as_deref().is_none_or(|only| Some(only) == category)
            && self.channel.as_ref().is_none_or(|only| Some(only) == channel)
    }
}

/// What a node was told about promising.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    /// The first rule that fits holds.
    pub rules: Vec<Rule>,
    /// What holds where none fits.
    pub otherwise: Terms,
    /// Whether the node asks peers for rights before its clients need them, and shares out more than is asked for.
    pub rebalance: bool,
}

impl Default for Policies {
    fn default() -> Self {
        Self { rules: Vec::new(), otherwise: Terms::default(), rebalance: true }
    }
}

impl Policies {
    /// What holds for a SKU of a category, promised to a channel.
    pub fn of(&self, sku: &Sku, category: Option<&str>, channel: Option<&Name>) -> Terms {
        let rule = self.rules.iter().find(|rule| rule.fits(sku, category, channel));
        rule.map_or(self.otherwise, |rule| rule.terms)
    }

    /// The channels that units of a SKU of a category are kept for, and how many.
    pub fn allocations<'a>(
        &'a self,
        sku: &'a Sku,
        category: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Name, i64)> + use<'a> {
        let channels: BTreeSet<&Name> = self
            .rules
            .iter()
            .filter(|rule| rule.terms.allocation > 0)
            .filter_map(|rule| rule.channel.as_ref())
            .collect();
        let allocated =
            channels.into_iter().map(move |channel| (channel, self.of(sku, category, Some(channel)).allocation));
        allocated.filter(|(_, units)| *units > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_holds() {
        let terms = |buffer| Terms { policy: PromisePolicy::Buffered, buffer, ..Terms::default() };
        let (tea, milk) = (Sku::new("tea").unwrap(), Sku::new("milk").unwrap());
        let web = Name::new("web").unwrap();
        let rules = vec![
            Rule { sku: Some(tea.clone()), channel: Some(web.clone()), terms: terms(1), ..Rule::default() },
            Rule { category: Some("Drinks".to_owned()), terms: terms(2), ..Rule::default() },
        ];
        let policies = Policies { rules, ..Policies::default() };
        assert_eq!(policies.of(&tea, Some("Drinks"), Some(&web)).buffer, 1);
        assert_eq!(policies.of(&tea, Some("Drinks"), None).buffer, 2);
        assert_eq!(policies.of(&milk, None, Some(&web)), Terms::default());
    }

    #[test]
    fn each_channel_has_what_its_first_rule_that_fits_allocates() {
        let (tea, milk) = (Sku::new("tea").unwrap(), Sku::new("milk").unwrap());
        let (web, market) = (Name::new("web").unwrap(), Name::new("market").unwrap());
        let rule = |sku: Option<&Sku>, channel: &Name, allocation| Rule {
            sku: sku.cloned(),
            channel: Some(channel.clone()),
            terms: Terms { allocation, ..Terms::default() },
            ..Rule::default()
        };
        let rules = vec![rule(Some(&tea), &web, 5), rule(None, &web, 2), rule(Some(&tea), &market, 1)];
        let policies = Policies { rules, ..Policies::default() };
        let of = |sku| policies.allocations(sku, None).collect::<Vec<_>>();
        assert_eq!(of(&tea), [(&market, 1), (&web, 5)]);
        assert_eq!(of(&milk), [(&web, 2)]);
    }
}
