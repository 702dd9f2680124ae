//! Who may write: what this node believes of its fleet, and what it lets in and out by that.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use super::ingest::{Refused, RefusedKind, refuse};
use super::reach::{Permitted, Vouched};
use super::statements::{open, statements_in};
use crate::command::Outcome;
use crate::document::{Change, DocumentId};
use crate::envelope::Batch;
use crate::event::{Body, Kind};
use crate::fleet::{
    Certificate, Enrolment, EnrolmentRequest, Members, Role, Signed, Standing, Statement, Write as Written,
};
use crate::history;
use crate::id::{Name, PublicKey, StatementId};
use crate::refusal::Refusal;
use crate::storage::{Storage, StorageError};
use crate::time::Timestamp;

/// The most statements that are kept: a certificate and a retirement of 8,000 nodes. Only who holds one of the fleet's
/// keys can add to them.
const MAX_STATEMENTS: usize = 16_384;
/// The most bytes that they have together: a certificate has about 250, and rotations, of which one may have 40 KB, are
/// few.
const MAX_STATEMENT_BYTES: usize = 8 * 1024 * 1024;

/// How many keys are remembered that an earlier key of the fleet was handed over to besides: one is enough to worry.
const MAX_RIVALS: usize = 16;

/// What this node believes of its fleet.
#[derive(Default)]
pub(super) struct Fleet {
    anchor: Option<PublicKey>,
    statements: BTreeMap<StatementId, Signed>,
    bytes: usize,
    /// How many of the statements are rotations.
    pub(super) rotations: usize,
    pub(super) members: Arc<Members>,
    pub(super) vouched: Vouched,
    /// See [`Engine::outside_papers`].
    pub(super) uncovered: Option<String>,
}

impl Fleet {
    pub(super) fn of(anchor: Option<PublicKey>, statements: impl Iterator<Item = Signed>) -> Self {
        let mut fleet = Self { anchor, ..Self::default() };
        statements.for_each(|signed| fleet.keep(signed));
        fleet.reconsider();
        fleet
    }

    pub(super) const fn anchor(&self) -> Option<PublicKey> {
        self.anchor
    }

    pub(super) fn move_to(&mut self, anchor: PublicKey) {
        self.anchor = Some(anchor);
        self.reconsider();
    }

    pub(super) fn keep(&mut self, signed: Signed) {
        self.bytes += signed.bytes.len();
        self.rotations += usize::from(matches!(signed.statement, Statement::Rotation(_)));
        self.statements.insert(signed.id(), signed);
    }

    /// Whether a statement is new and concerns this fleet. What anybody else signed fills no memory.
    pub(super) fn wants(&self, signed: &Signed) -> bool {
        !self.statements.contains_key(&signed.id())
            && self.members.concerns(signed)
            && (self.members.rivals().len() < MAX_RIVALS || !self.members.is_rival(signed))
            && self.has_room_for(std::slice::from_ref(signed))
    }

    fn has_room_for(&self, new: &[Signed]) -> bool {
        let bytes: usize = new.iter().map(|signed| signed.bytes.len()).sum();
        self.statements.len() + new.len() <= MAX_STATEMENTS && self.bytes + bytes <= MAX_STATEMENT_BYTES
    }

    pub(super) fn reconsider(&mut self) {
        self.members = Arc::new(Members::of(self.anchor, &self.statements));
        self.vouched = Vouched::default();
    }

    /// Who would belong to the fleet with these statements as well.
    fn members_with(&self, anchor: Option<PublicKey>, new: &[Signed]) -> Members {
        let mut statements = self.statements.clone();
        statements.extend(new.iter().map(|signed| (signed.id(), signed.clone())));
        Members::of(anchor, &statements)
    }
}

impl<S: Storage> Engine<S> {
    /// Who belongs to the fleet, as far as this node has heard.
    pub fn members(&self) -> Arc<Members> {
        Arc::clone(&self.fleet.members)
    }

    /// Where this node stands itself.
    pub fn standing(&self) -> Standing {
        self.fleet.members.standing(&self.identity.public_key(), &self.config.node)
    }

    /// This node's public key.
    pub fn public_key(&self) -> PublicKey {
        self.identity.public_key()
    }

    /// What this node hands to whoever holds the fleet's key: a signed [`EnrolmentRequest`].
    pub fn enrolment_request(&self) -> Vec<u8> {
        EnrolmentRequest::seal(&self.identity, &self.config.fleet, &self.config.location)
    }

    /// What makes this node known as a member to whoever goes by the fleet's key: its certificate. None: it is none.
    pub fn introduction(&self) -> Option<Enrolment> {
        if self.standing() != Standing::Member {
            return None;
        }
        let members = &self.fleet.members;
        let newest = members.node(&self.identity.public_key())?.newest?;
        let statements = vec![self.fleet.statements.get(&newest)?.bytes.clone().into()];
        Some(Enrolment { fleet: self.config.fleet.clone(), anchor: members.anchor()?, statements })
    }

    /// Takes statements of the fleet's key: its own certificate makes a node a member, others are passed on.
    pub(super) fn enrol(&mut self, now: Timestamp, enrolment: &Enrolment) -> Result<Outcome, Refusal> {
        if enrolment.fleet != self.config.fleet {
            let rule = format!("it is for another fleet than this node's, {}", self.config.fleet);
            return Err(Refusal::invalid("enrolment.fleet", &enrolment.fleet, rule));
        }
        let mut new = Vec::with_capacity(enrolment.statements.len());
        for (index, bytes) in enrolment.statements.iter().enumerate() {
            let signed = Signed::open(&self.config.fleet, bytes).map_err(|error| {
                Refusal::invalid(format!("enrolment.statements[{index}]"), "refused", error.to_string())
            })?;
            if !self.fleet.statements.contains_key(&signed.id()) {
                new.push(signed);
            }
        }
        // Before it has a key, a node keeps nothing of what it hears about one.
        let heard = if self.fleet.anchor.is_none() { self.statements_passed_on(&[])? } else { Vec::new() };
        self.check_enrolment(enrolment, &new, &heard)?;
        if !self.fleet.has_room_for(&new) {
            let rule = format!("at most {MAX_STATEMENTS}, of {MAX_STATEMENT_BYTES} bytes together, are kept");
            return Err(Refusal::invalid("enrolment.statements", "too many", rule));
        }
        if self.is_own(enrolment) {
            let anchor = self.fleet.anchor.or(Some(enrolment.anchor));
            let members = self.fleet.members_with(anchor, &[new.clone(), heard].concat());
            if let Some(write) = self.uncovered_past(&members)? {
                let rule = format!("its certificate must cover what this node has written: {write}");
                return Err(Refusal::invalid("enrolment", "too narrow", rule));
            }
        }
        if self.fleet.anchor.is_none() {
            self.set_anchor(enrolment.anchor);
            self.hear_again(&[]).inspect_err(|error| self.break_off(&Refusal::Storage(error.clone())))?;
        }
        for signed in &new {
            self.pass_on(now, signed).inspect_err(|error| self.break_off(error))?;
        }
        Ok(Outcome::Fleet { new: new.len() })
    }

    /// Once a node has an anchor, only who holds the key to it says who belongs to the fleet; and a node that has none
    /// gets one together with its own certificate.
    fn check_enrolment(&self, enrolment: &Enrolment, new: &[Signed], heard: &[Signed]) -> Result<(), Refusal> {
        let known = self.fleet.members.anchor();
        let members = self.fleet.members_with(known.or(Some(enrolment.anchor)), &[new, heard].concat());
        if let Some(known) = known
            && !members.has_had(&enrolment.anchor)
        {
            let rule = format!("this node belongs to the fleet of the key {known}");
            return Err(Refusal::invalid("enrolment.anchor", enrolment.anchor, rule));
        }
        let standing = members.standing(&self.identity.public_key(), &self.config.node);
        if known.is_none() && standing != Standing::Member {
            let rule =
                "a node that belongs to no fleet yet must be given its own certificate: make one from its request";
            return Err(Refusal::invalid("enrolment", "without this node's certificate", rule));
        }
        let counts = |signed: &&Signed| match &signed.statement {
            Statement::Rotation(rotation) => members.has_had(&rotation.to),
            _ => members.valid().binary_search(&signed.id()).is_ok(),
        };
        match new.iter().find(|signed| !counts(signed)) {
            None => Ok(()),
            Some(signed) => {
                let rule = "the fleet's key, which this node knows, did not sign it";
                Err(Refusal::invalid("enrolment.statements", format!("signed by {}", signed.by), rule))
            }
        }
    }

    /// Whether this node's own certificate is among what it is given.
    fn is_own(&self, enrolment: &Enrolment) -> bool {
        let own = |statement: Statement| match statement {
            Statement::Certificate(certificate) => certificate.key == self.identity.public_key(),
            Statement::Retirement(_) | Statement::Rotation(_) => false,
        };
        let signed = enrolment.statements.iter().filter_map(|bytes| open(&self.config.fleet, bytes));
        signed.map(|signed| signed.statement).any(own)
    }

    /// Something that this node wrote before it was let in and its certificates do not cover: peers refuse it, and
    /// with it all that it has written since. Who brings a certificate is told so and keeps it; one that others passed
    /// on counts already.
    pub fn outside_papers(&self) -> Option<&str> {
        self.fleet.uncovered.as_deref()
    }

    /// What this node wrote, in whatever epoch, that its certificates would not cover.
    pub(super) fn uncovered_past(&self, members: &Members) -> Result<Option<String>, StorageError> {
        let key = self.identity.public_key();
        if members.permits(&key, &Written::Catalogue) {
            return Ok(None);
        }
        let own = |id: &&DocumentId| id.owner().is_none_or(|owner| owner.node == self.config.node);
        let documents: Vec<_> = self.committed().documents.iter().map(|(id, _)| id).filter(own).cloned().collect();
        for document in documents {
            for (position, slot) in self.batches_of(&document)? {
                let batch = history::read_commit(&self.storage, position)?.batch(slot)?;
                if batch.key != key {
                    continue;
                }
                for bytes in &batch.changes {
                    let change = history::read_change(&document, bytes)?;
                    let write = written(&document, &change);
                    if !members.permits(&key, &write) {
                        return Ok(Some(write.to_string()));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether a batch's signer may be heard at all.
    pub(super) fn check_signer(&self, batch: &Batch) -> Result<(), Refused> {
        if self.fleet.members.standing(&batch.key, &batch.writer.node) == Standing::Unknown
            && !matches!(batch.document, DocumentId::Fleet { .. })
            && !self.may_be_within_reach(&batch.document)
        {
            return Err(refuse(RefusedKind::UnknownSigner, &"its signer has no certificate", Some(&batch.writer)));
        }
        Ok(())
    }

    /// Whether a signer may write what is new in its batch. A node's own document may bring the certificate that makes
    /// it a member.
    pub(super) fn check_permitted(&mut self, batch: &Batch, changes: &[Change]) -> Result<Permitted, Refused> {
        let refuse = |kind, reason: &dyn std::fmt::Display| Err(refuse(kind, reason, Some(&batch.writer)));
        if self.fleet.members.anchor().is_none() {
            return Ok(Permitted::Yes);
        }
        let (key, node) = (&batch.key, &batch.writer.node);
        let mut standing = self.fleet.members.standing(key, node);
        if standing == Standing::Unknown {
            let brought: Vec<_> = changes.iter().flat_map(|change| statements_in(&self.config.fleet, change)).collect();
            let brought = [brought, self.early_statements(&batch.document)].concat();
            if !brought.is_empty() {
                standing = self.fleet.members_with(self.fleet.anchor, &brought).standing(key, node);
            }
        }
        if matches!(standing, Standing::Unknown | Standing::Stolen) {
            return match self.within_reach(&batch.document, changes) {
                Ok(Some(permitted)) => {
                    self.note_named(&batch.document, changes);
                    Ok(permitted)
                }
                Ok(None) if standing == Standing::Stolen => {
                    refuse(RefusedKind::Retired, &"its signer was retired as stolen")
                }
                Ok(None) => refuse(RefusedKind::UnknownSigner, &"its signer has no certificate"),
                Err(error) => refuse(RefusedKind::Unusable, &error),
            };
        }
        for change in changes {
            let write = written(&batch.document, change);
            if !self.fleet.members.permits(key, &write) && !matches!(write, Written::Fleet) {
                return refuse(RefusedKind::Forbidden, &format_args!("its signer's role does not cover {write}"));
            }
        }
        Ok(Permitted::Yes)
    }

    /// Whether this node may write something: what its peers would refuse must not be promised to anybody here.
    pub(super) fn check_role(&self, write: &Written<'_>) -> Result<(), Refusal> {
        match self.standing() {
            Standing::Open => return Ok(()),
            // Not enrolled (again) yet: it goes on selling, as what it most probably will be.
            Standing::Unknown if self.provisional().permits(write) => return Ok(()),
            _ if self.fleet.members.permits(&self.identity.public_key(), write) => return Ok(()),
            _ => {}
        }
        let member = self.fleet.members.node(&self.identity.public_key());
        let role = member.and_then(|member| member.certificates.first()).map(|certificate| certificate.role);
        Err(Refusal::OutsideRole { what: write.to_string(), role })
    }

    /// As [`Self::check_role`], for an event.
    pub(super) fn check_event_role(&self, location: &Name, body: &Body) -> Result<(), Refusal> {
        self.check_role(&Written::Event(location, Kind::of(body)))
    }

    fn provisional(&self) -> Certificate {
        Certificate {
            node: self.config.node.clone(),
            key: self.identity.public_key(),
            role: Role::Store,
            locations: vec![self.config.location.clone(), self.config.vouchers.clone()],
            keeper: None,
            issued_at: Timestamp::default(),
        }
    }
}

/// What a change of a document is, to a certificate.
fn written<'a>(document: &'a DocumentId, change: &Change) -> Written<'a> {
    match document {
        DocumentId::Ledger { location, .. } => {
            let value = change.entries().first().map(|entry| entry.value.as_slice());
            Written::Event(location, Kind::read(value.unwrap_or_default()))
        }
        DocumentId::Opening { location, term, .. } => Written::Opening(location, term.number),
        DocumentId::Catalog { .. } => Written::Catalogue,
        DocumentId::Cart { .. } => Written::Cart,
        DocumentId::Fleet { .. } => Written::Fleet,
    }
}
