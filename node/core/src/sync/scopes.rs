//! The digest of each scope: the sum over its documents of a hash of (document, heads).

use std::collections::BTreeMap;

use crate::document::{DocumentId, Scope};
use crate::id::hash_parts;
use crate::view::{DocumentRow, Record as _, Staged, View};

/// The digests of this node's scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scopes {
    scopes: BTreeMap<Scope, ScopeSum>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ScopeSum {
    pub sum: [u8; 32],
    pub documents: u64,
    pub changes: u64,
}

impl Scopes {
    /// The digests of everything in a view.
    pub fn of(view: &View) -> Self {
        let mut scopes = Self::default();
        view.documents.iter().for_each(|(id, row)| scopes.add(id, row));
        scopes
    }

    /// Follows changed documents, and gives their scopes.
    pub fn follow(&mut self, before: &View, staged: &Staged) -> Vec<Scope> {
        let mut changed = Vec::new();
        for (id, row) in DocumentRow::staged(staged) {
            if let Some(old) = before.documents.get(id) {
                let scope = self.scopes.entry(old.scope.clone()).or_default();
                scope.sum = subtract(scope.sum, hash_of(id, old));
                scope.documents -= 1;
                scope.changes -= old.changes;
            }
            self.add(id, row);
            changed.push(row.scope.clone());
        }
        changed
    }

    /// The digest of a scope; of one without documents it is zero.
    pub fn sum(&self, scope: &Scope) -> ScopeSum {
        self.scopes.get(scope).copied().unwrap_or_default()
    }

    /// Whether there is, or was, a document of a scope.
    pub fn holds(&self, scope: &Scope) -> bool {
        self.scopes.contains_key(scope)
    }

    /// Whether there was never a document.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Scope, &ScopeSum)> {
        self.scopes.iter()
    }

    fn add(&mut self, id: &DocumentId, row: &DocumentRow) {
        let scope = self.scopes.entry(row.scope.clone()).or_default();
        scope.sum = add(scope.sum, hash_of(id, row));
        scope.documents += 1;
        scope.changes += row.changes;
    }
}

fn hash_of(id: &DocumentId, row: &DocumentRow) -> [u8; 32] {
    let id = id.to_bytes();
    let mut parts: Vec<&[u8]> = vec![&id];
    parts.extend(row.heads.iter().map(|head| head.as_bytes().as_slice()));
    hash_parts("tillmesh digest", &parts)
}

fn add(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    let mut sum = [0; 32];
    let mut carry = 0_u16;
    for place in (0..32).rev() {
        carry += u16::from(left[place]) + u16::from(right[place]);
        sum[place] = carry.to_be_bytes()[1];
        carry >>= 8;
    }
    sum
}

fn subtract(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    let negated = add(right.map(|byte| !byte), {
        let mut one = [0; 32];
        one[31] = 1;
        one
    });
    add(left, negated)
}
