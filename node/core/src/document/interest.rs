//! Which scopes a node holds, or a link carries.

use std::fmt;
use std::str::FromStr;

use super::Scope;
use crate::id::InvalidId;

/// One scope, or all whose names begin alike: `catalog`, `stock-406`, `stock-*`, `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopePattern {
    /// This one.
    One(Scope),
    /// Those whose names begin so.
    Beginning(String),
}

/// A set of scopes. [`Scope::Fleet`] is always in it: without it nodes do not know of each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interest {
    patterns: Vec<ScopePattern>,
}

impl Interest {
    /// The scopes that one of these patterns names.
    pub const fn new(patterns: Vec<ScopePattern>) -> Self {
        Self { patterns }
    }

    /// Every scope.
    pub fn all() -> Self {
        Self::new(vec![ScopePattern::Beginning(String::new())])
    }

    /// Whether a scope is in it.
    pub fn admits(&self, scope: &Scope) -> bool {
        *scope == Scope::Fleet || self.patterns.iter().any(|pattern| pattern.admits(scope))
    }

    /// Whether the scopes of every location are in it.
    pub fn is_every_location(&self) -> bool {
        let beginning = |pattern: &ScopePattern| match pattern {
            ScopePattern::One(_) => false,
            ScopePattern::Beginning(text) => "stock-".starts_with(text),
        };
        self.patterns.iter().any(beginning)
    }

    /// Its scopes one by one; none when they cannot be counted.
    pub fn listed(&self) -> Option<Vec<Scope>> {
        let one = |pattern: &ScopePattern| match pattern {
            ScopePattern::One(scope) => Some(scope.clone()),
            ScopePattern::Beginning(_) => None,
        };
        let mut scopes: Vec<Scope> = self.patterns.iter().map(one).collect::<Option<_>>()?;
        scopes.push(Scope::Fleet);
        scopes.sort();
        scopes.dedup();
        Some(scopes)
    }

    /// What it was made of.
    pub fn patterns(&self) -> &[ScopePattern] {
        &self.patterns
    }
}

impl ScopePattern {
    fn admits(&self, scope: &Scope) -> bool {
        match self {
            Self::One(one) => one == scope,
            Self::Beginning(text) => text.is_empty() || scope.to_string().starts_with(text),
        }
    }
}

impl fmt::Display for ScopePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(scope) => write!(f, "{scope}"),
            Self::Beginning(text) => write!(f, "{text}*"),
        }
    }
}

impl FromStr for ScopePattern {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId {
            kind: "scope",
            value: text.chars().take(80).collect(),
            rule:
                "it must be catalog, fleet, stock-<location>, carts-<region>, or the beginning of one with * behind it"
                    .to_owned(),
        };
        let Some(beginning) = text.strip_suffix('*') else {
            return text.parse().map(Self::One).map_err(|_| invalid());
        };
        // What a name may follow, it may begin: the rest of a name is a name.
        let family = ["stock-", "carts-"].iter().find_map(|word| beginning.strip_prefix(word));
        let possible = match family {
            Some(name) => name.is_empty() || name.parse::<crate::id::Name>().is_ok(),
            None => ["catalog", "fleet", "stock-", "carts-"].iter().any(|word| word.starts_with(beginning)),
        };
        if possible { Ok(Self::Beginning(beginning.to_owned())) } else { Err(invalid()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interest(patterns: &[&str]) -> Interest {
        Interest::new(patterns.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn admitted(patterns: &[&str]) -> Vec<&'static str> {
        let scopes = ["catalog", "fleet", "stock-1", "stock-12", "stock-2", "carts-main"];
        let interest = interest(patterns);
        scopes.into_iter().filter(|scope| interest.admits(&scope.parse().unwrap())).collect()
    }

    #[test]
    fn a_pattern_admits_the_scopes_that_begin_as_it_says_and_the_fleet_s_is_always_in() {
        assert_eq!(admitted(&["*"]), ["catalog", "fleet", "stock-1", "stock-12", "stock-2", "carts-main"]);
        assert_eq!(admitted(&["stock-1"]), ["fleet", "stock-1"]);
        assert_eq!(admitted(&["stock-1*", "catalog"]), ["catalog", "fleet", "stock-1", "stock-12"]);
        assert_eq!(admitted(&["c*"]), ["catalog", "fleet", "carts-main"]);
        assert_eq!(admitted(&[]), ["fleet"]);
    }

    #[test]
    fn scopes_are_listed_where_every_one_is_named() {
        let listed = interest(&["stock-1", "catalog", "stock-1"]).listed().unwrap();
        let names: Vec<String> = listed.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["catalog", "fleet", "stock-1"]);
        assert_eq!(interest(&["stock-1", "carts-*"]).listed(), None);
    }

    #[test]
    fn every_location_is_in_it_only_by_a_pattern_for_all_of_them() {
        assert!(interest(&["*"]).is_every_location() && interest(&["stock-*"]).is_every_location());
        assert!(!interest(&["stock-4*", "catalog"]).is_every_location());
    }

    #[test]
    fn what_no_scope_can_be_called_is_no_pattern() {
        for text in ["", "stock", "stock-", "stock-a b", "stock-a b*", "x*", "cat-*", "*stock", "stock-*-1", "fleets"] {
            let error = text.parse::<ScopePattern>().unwrap_err();
            assert!(error.rule.contains("stock-<location>"), "{text:?}: {}", error.rule);
        }
        for text in ["*", "s*", "stock-*", "stock-4*", "carts-main", "catalog", "fleet"] {
            assert_eq!(text.parse::<ScopePattern>().unwrap().to_string(), text);
        }
    }
}
