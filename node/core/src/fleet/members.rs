//! Who belongs to a fleet: what an anchor and a set of statements come to.

use std::collections::{BTreeMap, BTreeSet};

use super::role::Write;
use super::statement::{Certificate, Retirement, Rotation, Signed, Statement};
use crate::event::Kind;
use crate::id::{ChangeHash, DocumentHash, Name, PublicKey, StatementId};

/// Who belongs to a fleet. Without an anchor nobody does, and everybody is heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    anchor: Option<PublicKey>,
    lineage: BTreeSet<PublicKey>,
    listed: BTreeSet<StatementId>,
    rivals: Vec<Rival>,
    nodes: BTreeMap<PublicKey, Member>,
    names: BTreeSet<Name>,
    counted: BTreeMap<DocumentHash, BTreeSet<ChangeHash>>,
    valid: Vec<StatementId>,
}

/// A key that one of the fleet's keys was handed over to beside the one that this node came to: two people rotated the
/// same key, or somebody has it who should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rival {
    /// The key that hands over twice.
    pub from: PublicKey,
    /// To whom this node does not follow it.
    pub to: PublicKey,
}

/// A node of the fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member {
    /// Its certificates, the newest first. What any of them covers may be written: one is not taken back by another.
    /// One that was retired may have none: it wrote while the fleet was open.
    pub certificates: Vec<Certificate>,
    /// The statement of the newest one; of those of one time, the least.
    pub newest: Option<StatementId>,
    /// Its retirement.
    pub retired: Option<Retirement>,
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The fleet is open: everybody is heard.
    Open,
    /// It has a certificate.
    Member,
    /// It had one; what it wrote counts.
    Retired,
    /// It had one, and may be in other hands: what a retirement names counts.
    Stolen,
    /// It has none: what a retirement names counts.
    Unknown,
}

impl Members {
    /// What the statements come to for who begins at this anchor. Rotations are followed; where a key hands over
    /// twice, the lesser statement counts. A node keeps the key that it came to, and never goes back: else whoever
    /// finds an old key could take the fleet over. So one that heard the other rotation first stays there, and both
    /// sides see the other's key among the [rivals](Self::rivals): a key must hand over once.
    pub fn of(anchor: Option<PublicKey>, statements: &BTreeMap<StatementId, Signed>) -> Self {
        let Some(first) = anchor else { return Self::default() };
        let anchor = follow(first, statements);
        let (lineage, listed) = (lineage_of(anchor, statements), listed_by(anchor, statements));
        let rivals = rivals_of(&lineage, statements);
        let mut members = Self { anchor: Some(anchor), lineage, listed, rivals, ..Self::default() };
        for (id, signed) in statements {
            if signed.by == anchor || members.listed.contains(id) {
                members.add(*id, &signed.statement);
            }
        }
        for member in members.nodes.values_mut() {
            member.certificates.sort_by_key(|certificate| std::cmp::Reverse(certificate.issued_at));
        }
        members
    }

    fn add(&mut self, id: StatementId, statement: &Statement) {
        match statement {
            Statement::Certificate(certificate) => {
                self.names.insert(certificate.node.clone());
                let member = self.nodes.entry(certificate.key).or_default();
                if member.certificates.iter().all(|known| known.issued_at < certificate.issued_at) {
                    member.newest = Some(id);
                }
                member.certificates.push(certificate.clone());
            }
            Statement::Retirement(retirement) => {
                for counted in retirement.counted.iter().flatten() {
                    self.counted.entry(counted.document).or_default().extend(&counted.changes);
                }
                let retired = &mut self.nodes.entry(retirement.key).or_default().retired;
                // The graver one counts.
                if retired.as_ref().is_none_or(|known| retirement.stolen && !known.stolen) {
                    *retired = Some(Retirement { counted: None, ..retirement.clone() });
                }
            }
            Statement::Rotation(_) => return,
        }
        self.valid.push(id);
    }

    /// The fleet's key, as it is now; none: the fleet is open.
    pub const fn anchor(&self) -> Option<PublicKey> {
        self.anchor
    }

    /// Whether a key is the fleet's, or was.
    pub fn has_had(&self, key: &PublicKey) -> bool {
        self.lineage.contains(key)
    }

    /// To whom else the fleet's keys were handed over.
    pub fn rivals(&self) -> &[Rival] {
        &self.rivals
    }

    /// Whether a statement says something of this fleet: it holds, it led to the key of now, or it is a rotation that
    /// other nodes may have followed.
    pub fn concerns(&self, signed: &Signed) -> bool {
        let leads = |rotation: &Rotation| self.has_had(&rotation.to) || self.has_had(&signed.by);
        self.anchor == Some(signed.by) || self.listed.contains(&signed.id()) || rotates_to(signed).is_some_and(leads)
    }

    /// Whether a statement hands an earlier key over to another one than it was.
    pub fn is_rival(&self, signed: &Signed) -> bool {
        self.anchor != Some(signed.by) && rotates_to(signed).is_some_and(|rotation| !self.has_had(&rotation.to))
    }

    /// The nodes, by key.
    pub fn nodes(&self) -> impl Iterator<Item = (&PublicKey, &Member)> {
        self.nodes.iter()
    }

    /// The certificates of nodes that were not retired.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.nodes.values().filter(|member| member.retired.is_none()).flat_map(|member| &member.certificates)
    }

    /// Whether a node of this name has, or had, a certificate.
    pub fn has_certified(&self, node: &Name) -> bool {
        self.names.contains(node)
    }

    /// A node by its key.
    pub fn node(&self, key: &PublicKey) -> Option<&Member> {
        self.nodes.get(key)
    }

    /// The changes of a document that count whoever wrote them, with all that they build on.
    pub fn counted(&self, document: &DocumentHash) -> Option<&BTreeSet<ChangeHash>> {
        self.counted.get(document)
    }

    /// The certificates and retirements that hold: what a rotation must list.
    pub fn valid(&self) -> &[StatementId] {
        &self.valid
    }

    /// Where a key stands that says it is a node.
    pub fn standing(&self, key: &PublicKey, node: &Name) -> Standing {
        if self.anchor.is_none() {
            return Standing::Open;
        }
        let Some(member) = self.nodes.get(key).filter(|member| member.is_named(node)) else {
            return Standing::Unknown;
        };
        match &member.retired {
            None => Standing::Member,
            Some(retirement) if retirement.stolen => Standing::Stolen,
            Some(_) => Standing::Retired,
        }
    }

    /// Whether a key's certificates cover something; in an open fleet everything is.
    pub fn permits(&self, key: &PublicKey, write: &Write<'_>) -> bool {
        let covers = |member: &Member| member.certificates.iter().any(|certificate| certificate.permits(write));
        self.anchor.is_none() || self.nodes.get(key).is_some_and(covers)
    }

    /// Whether a key's certificates cover a kind of events at any of their own locations.
    pub fn permits_somewhere(&self, key: &PublicKey, kind: Kind) -> bool {
        let certificates = self.nodes.get(key).map(|member| member.certificates.as_slice()).unwrap_or_default();
        let mut locations = certificates.iter().flat_map(|certificate| &certificate.locations);
        self.anchor.is_none() || locations.any(|location| self.permits(key, &Write::Event(location, kind)))
    }
}

impl Member {
    fn is_named(&self, node: &Name) -> bool {
        self.certificates.iter().any(|certificate| certificate.node == *node)
    }
}

/// The key that an anchor has become.
fn follow(first: PublicKey, statements: &BTreeMap<StatementId, Signed>) -> PublicKey {
    let mut next = BTreeMap::new();
    for signed in statements.values() {
        if let Some(rotation) = rotates_to(signed) {
            next.entry(signed.by).or_insert(rotation.to);
        }
    }
    let (mut key, mut seen) = (first, BTreeSet::from([first]));
    while let Some(to) = next.get(&key)
        && seen.insert(*to)
    {
        key = *to;
    }
    key
}

/// A key and those that handed over to it, which it endorsed.
fn lineage_of(key: PublicKey, statements: &BTreeMap<StatementId, Signed>) -> BTreeSet<PublicKey> {
    let (mut lineage, mut open) = (BTreeSet::from([key]), vec![key]);
    while let Some(key) = open.pop() {
        let before = statements.values().filter(|signed| rotates_to(signed).is_some_and(|rotation| rotation.to == key));
        open.extend(before.map(|signed| signed.by).filter(|by| lineage.insert(*by)));
    }
    lineage
}

fn rivals_of(lineage: &BTreeSet<PublicKey>, statements: &BTreeMap<StatementId, Signed>) -> Vec<Rival> {
    let ours = statements.values().filter(|signed| lineage.contains(&signed.by));
    let rivals = ours.filter_map(|signed| Some(Rival { from: signed.by, to: rotates_to(signed)?.to }));
    let rivals: BTreeSet<_> = rivals.filter(|rival| !lineage.contains(&rival.to)).collect();
    rivals.into_iter().collect()
}

const fn rotates_to(signed: &Signed) -> Option<&Rotation> {
    match &signed.statement {
        Statement::Rotation(rotation) => Some(rotation),
        Statement::Certificate(_) | Statement::Retirement(_) => None,
    }
}

/// The statements of earlier keys that the holder of this one lets go on.
fn listed_by(key: PublicKey, statements: &BTreeMap<StatementId, Signed>) -> BTreeSet<StatementId> {
    let rotations = statements.values().filter_map(|signed| match &signed.statement {
        Statement::Rotation(rotation) if rotation.to == key => Some(&rotation.valid),
        _ => None,
    });
    rotations.flatten().copied().collect()
}
