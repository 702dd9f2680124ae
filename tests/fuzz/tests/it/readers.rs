//! Readers, each alone: what they take they read the same way again, and what is signed is nobody else's.

use bolero::check;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use sha2::{Digest as _, Sha256};
use tillmesh_core::document::read_change;
use tillmesh_core::event::{self, Recorded};
use tillmesh_core::fleet::{Certificate, EnrolmentRequest, FleetKey, Role, Signed, Statement};
use tillmesh_core::history::event_of;
use tillmesh_core::identity::{Identity, Secret, new_boot};
use tillmesh_core::sync::{Kind, reread};
use tillmesh_core::time::Timestamp;
use tillmesh_core::{codec, envelope};
use tillmesh_fuzz::corpus::Corpus;
use tillmesh_fuzz::edits::{Edited, edited};
use tillmesh_sim::node::{fleet, name};
use tillmesh_sim::world::START;

/// Inputs of each target in a run of `cargo test`: some seconds.
const INPUTS: usize = 100_000;

/// What a reader takes it writes in one form, and reads that as the same.
#[track_caller]
fn has_one_form(kind: Kind, bytes: &[u8]) {
    let Ok(once) = reread(kind, bytes) else { return };
    let again = reread(kind, &once).expect("it was written by the same version");
    assert_eq!(once, again, "{kind:?}");
}

fn messages(kind: Kind) {
    let corpus = Corpus::new();
    let real = corpus.payloads(kind);
    assert!(!real.is_empty(), "no {kind:?} was sent");
    for payload in &real {
        assert_eq!(reread(kind, payload).expect("it is real"), *payload, "{kind:?}");
    }
    check!().with_iterations(INPUTS).with_type::<Edited>().for_each(|edits| has_one_form(kind, &edited(&real, edits)));
}

#[test]
fn altered_changes_are_read_or_refused() {
    messages(Kind::Changes);
}

#[test]
fn altered_digests_are_read_or_refused() {
    messages(Kind::Digest);
}

#[test]
fn altered_requests_are_read_or_refused() {
    messages(Kind::Request);
}

#[test]
fn altered_responses_are_read_or_refused() {
    messages(Kind::Response);
}

#[test]
fn altered_presence_is_read_or_refused() {
    messages(Kind::Presence);
}

#[test]
fn any_bytes_are_read_or_refused_by_every_reader() {
    check!().with_iterations(INPUTS).with_max_len(1_024).for_each(|bytes: &[u8]| {
        for kind in Kind::ALL {
            has_one_form(kind, bytes);
            has_one_form(kind, &[&[1], bytes].concat());
        }
        assert!(envelope::open(&fleet(), bytes).is_err(), "nobody signed it");
        assert!(Signed::open(&fleet(), bytes).is_err(), "nobody signed it");
        assert!(EnrolmentRequest::open(bytes).is_err(), "nobody signed it");
    });
}

#[test]
fn an_envelope_opens_as_its_author_made_it_or_not_at_all() {
    let real = Corpus::new().envelopes;
    check!().with_iterations(INPUTS).with_type::<Edited>().for_each(|edits| {
        let bytes = edited(&real, edits);
        match envelope::open(&fleet(), &bytes) {
            Ok(batch) => {
                assert!(real.contains(&bytes), "a signature holds for what nobody signed");
                assert_eq!(batch, envelope::reopen(&bytes).expect("it was opened"));
            }
            // What a store would read of it, were it damaged.
            Err(_) => drop(envelope::reopen(&bytes)),
        }
    });
}

#[test]
fn an_altered_change_under_a_checksum_that_holds_is_read_or_refused() {
    let changes = Corpus::new().changes;
    let real: Vec<_> = changes.iter().map(|(_, bytes)| bytes).collect();
    check!().with_iterations(INPUTS).with_type::<Edited>().for_each(|edits| {
        let mut bytes = edited(&real, edits);
        if bytes.len() > 8 {
            let digest = Sha256::digest(&bytes[8..]);
            bytes[4..8].copy_from_slice(&digest[..4]);
        }
        let (document, _) = &changes[usize::from(edits.0) % changes.len()];
        if let Ok(change) = read_change(document, &bytes) {
            event_of(document, &change);
        }
    });
}

#[test]
fn an_altered_event_is_read_the_same_way_again_or_not_understood() {
    let changes = Corpus::new().changes.into_iter();
    let read = changes.filter_map(|(id, bytes)| Some((id.clone(), read_change(&id, &bytes).ok()?)));
    let real: Vec<_> = read.filter_map(|(id, change)| Some(event_of(&id, &change)?.0.to_bytes())).collect();
    assert!(!real.is_empty(), "something happened");
    check!().with_iterations(INPUTS).with_type::<Edited>().for_each(|edits| {
        if let Recorded::Known(event) = event::read(&edited(&real, edits)) {
            let Recorded::Known(again) = event::read(&event.to_bytes()) else { panic!("{event:?} is not understood") };
            assert_eq!(event, again);
        }
    });
}

#[test]
fn an_altered_document_id_is_read_the_same_way_again_or_refused() {
    let real: Vec<_> = Corpus::new().changes.iter().map(|(id, _)| id.to_bytes()).collect();
    check!().with_iterations(INPUTS).with_type::<Edited>().for_each(|edits| {
        if let Ok(id) = codec::decode::<tillmesh_core::document::DocumentId>(&edited(&real, edits)) {
            assert_eq!(codec::decode(&id.to_bytes()).ok(), Some(id));
        }
    });
}

#[test]
fn an_altered_statement_of_a_fleet_opens_as_it_was_signed_or_not_at_all() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (key, identity) = (FleetKey::generate(&mut rng), identity(&mut rng));
    let certificate = Statement::Certificate(Certificate {
        node: name("till0"),
        key: key.public(),
        role: Role::Store,
        locations: vec![name("shop"), name("depot")],
        keeper: Some(1),
        issued_at: Timestamp::from_millis(START),
    });
    let real = [key.sign(&fleet(), &certificate), EnrolmentRequest::seal(&identity, &fleet(), &name("shop"))];
    assert!(Signed::open(&fleet(), &real[0]).is_ok() && EnrolmentRequest::open(&real[1]).is_ok());
    check!().with_iterations(INPUTS).with_type::<Edited>().for_each(|edits| {
        let bytes = edited(&real, edits);
        if Signed::open(&fleet(), &bytes).is_ok() || EnrolmentRequest::open(&bytes).is_ok() {
            assert!(real.contains(&bytes), "a signature holds for what nobody signed");
        }
    });
}

fn identity(rng: &mut ChaCha20Rng) -> Identity {
    Identity::new(name("till0"), &Secret::generate(rng), new_boot(rng))
}
