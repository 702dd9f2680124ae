//! Messages that are small and want to be large: frames that unpack without end, values within values, lengths that
//! nothing follows. Signed where a signature gets them further.

use minicbor::Encoder;
use minicbor::bytes::ByteVec;
use tillmesh_core::codec;
use tillmesh_core::command::Request;
use tillmesh_core::engine::RefusedKind;
use tillmesh_core::envelope::{MAX_CHANGES, MAX_ENVELOPE, MAX_UNPACKED};
use tillmesh_core::sync::{Incoming, Kind, MAX_MESSAGE, pack};
use tillmesh_sim::node::{fleet, name};
use tillmesh_sim::traffic::{receive, sell, sku};
use tillmesh_sim::{World, check};

use crate::stranger::{Stranger, response, stock_scope};

/// How deep the nesting goes: as deep as a message is long.
const DEEP: usize = MAX_MESSAGE - 100;
/// What begins an array of one, a map of one, a tag, an array and a string whose end is open.
const OPENINGS: [u8; 5] = [0x81, 0xa1, 0xc1, 0x9f, 0x7f];
/// What begins an array, a map, bytes and a text of 2^63 and more.
const LONG: [u8; 4] = [0x9b, 0xbb, 0x5b, 0x7b];

/// A node that gets bombs, between two honest trades.
fn under_fire(bombs: impl FnOnce(&mut World, &mut Stranger)) {
    let mut world = World::new(5);
    world.add("till0", "shop");
    world.add("till1", "shop");
    world.run(0, Request::now(receive(&sku(1), 20)));
    world.settle();
    let mut stranger = Stranger::with_a_ledger(&mut world.dice);
    bombs(&mut world, &mut stranger);
    world.run(1, Request::now(sell(&sku(1), 3)));
    world.settle();
    check::everything(&world);
}

/// Gives node 0 a message, which it refuses, and of which it keeps nothing.
#[track_caller]
fn refused(world: &mut World, kind: Kind, payload: Vec<u8>) {
    let message = Incoming { scope: stock_scope(), kind, from: name("mallory"), payload };
    let refused = world.nodes[0].receive(world.now, &message);
    let [refused] = refused.as_slice() else { panic!("a {kind:?} has one reason: {refused:?}") };
    assert_eq!(refused.kind, RefusedKind::Malformed, "{}", refused.reason);
    world.commit(0);
    let engine = world.nodes[0].engine.as_ref().expect("it stays up");
    assert_eq!(engine.waiting().early_bytes, 0);
}

#[track_caller]
fn refused_envelope(world: &mut World, envelope: Vec<u8>) {
    refused(world, Kind::Changes, pack(&[envelope]));
}

/// An envelope whose signature holds, around any payload.
fn signed(stranger: &Stranger, packed: &[u8]) -> Vec<u8> {
    let identity = stranger.identity();
    let protected = encoded(|encoder| {
        encoder.map(2)?.u8(1)?.i8(-8)?.u8(4)?.bytes(identity.public_key().as_bytes())?;
        Ok(())
    });
    let to_sign = encoded(|encoder| {
        let aad = fleet();
        encoder.array(4)?.str("Signature1")?.bytes(&protected)?.bytes(aad.as_str().as_bytes())?.bytes(packed)?;
        Ok(())
    });
    encoded(|encoder| {
        encoder.array(4)?.bytes(&protected)?.map(0)?.bytes(packed)?.bytes(&identity.sign(&to_sign))?;
        Ok(())
    })
}

type Encoded = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn encoded(encode: impl FnOnce(&mut Encoder<Vec<u8>>) -> Encoded) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encode(&mut encoder).expect("it is written to memory");
    encoder.into_writer()
}

fn plain(payload: &[u8]) -> Vec<u8> {
    [&[0], payload].concat()
}

fn compressed(payload: &[u8]) -> Vec<u8> {
    [&[1], zstd::bulk::compress(payload, 19).expect("it can be packed").as_slice()].concat()
}

/// The payload of an envelope with these changes, as the author of a ledger writes it.
fn payload(stranger: &Stranger, changes: Vec<Vec<u8>>) -> Vec<u8> {
    let changes: Vec<_> = changes.into_iter().map(ByteVec::from).collect();
    let salt = ByteVec::from(stranger.identity().salt().to_vec());
    let ledger = (0_u8, (20_781_i32,));
    codec::encode(&(stock_scope(), &stranger.writer().node, salt, ledger, changes))
}

#[test]
fn a_payload_made_by_hand_is_taken_so_that_the_others_are_refused_for_what_they_are() {
    under_fire(|world, stranger| {
        let change = stranger.change(b"no event".to_vec());
        for packed in [plain(&payload(stranger, vec![change.clone()])), compressed(&payload(stranger, vec![change]))] {
            let payload = pack(&[signed(stranger, &packed)]);
            let message = Incoming { scope: stock_scope(), kind: Kind::Changes, from: name("mallory"), payload };
            assert_eq!(world.nodes[0].receive(world.now, &message), []);
            world.commit(0);
        }
    });
}

#[test]
fn values_within_values_are_refused_however_deep() {
    under_fire(|world, stranger| {
        for opening in OPENINGS {
            let deep = vec![opening; DEEP];
            for kind in Kind::ALL {
                refused(world, kind, [&[1], deep.as_slice()].concat());
            }
            // Where a request and a response say what they are about.
            for kind in [Kind::Request, Kind::Response] {
                let head = [vec![1, 0x83], codec::encode(&name("mallory")), codec::encode(&1_u64)].concat();
                refused(world, kind, [head, deep.clone()].concat());
            }
            let deep = vec![opening; MAX_ENVELOPE];
            refused_envelope(world, deep.clone());
            refused_envelope(world, signed(stranger, &plain(&deep[..MAX_ENVELOPE - 300])));
            refused_envelope(world, signed(stranger, &compressed(&vec![opening; MAX_UNPACKED])));
            // In what a signature does not cover, and in the header that says who signed.
            let unprotected = [&[0x84, 0x43, 0xa1, 1, 0x27, 0xa1, 1], &deep[..10_000]].concat();
            refused_envelope(world, unprotected);
            let mut protected = vec![0x84, 0x59, 0x27, 0x10];
            protected.extend(&deep[..10_000]);
            refused_envelope(world, protected);
        }
    });
}

#[test]
fn frames_that_unpack_without_end_are_refused() {
    under_fire(|world, stranger| {
        for megabytes in [1, 64] {
            let bomb = compressed(&vec![0; megabytes << 20]);
            assert!(bomb.len() < MAX_ENVELOPE / 4, "{} bytes", bomb.len());
            refused_envelope(world, signed(stranger, &bomb));
        }
        let whole = compressed(&vec![7; MAX_UNPACKED]);
        (1..whole.len()).for_each(|length| refused_envelope(world, signed(stranger, &whole[..length])));
        // A frame within a frame is bytes, and no payload.
        refused_envelope(world, signed(stranger, &compressed(&compressed(&vec![0; 1 << 20]))));
    });
}

#[test]
fn lengths_that_nothing_follows_take_no_memory() {
    under_fire(|world, stranger| {
        for long in LONG {
            for length in [0x7fff_ffff_u64, u64::MAX >> 1, u64::MAX] {
                let claim = [&[long], length.to_be_bytes().as_slice(), &[0; 20]].concat();
                for kind in Kind::ALL {
                    refused(world, kind, [&[1], claim.as_slice()].concat());
                }
                refused_envelope(world, claim.clone());
                refused_envelope(world, signed(stranger, &plain(&claim)));
                let whole = payload(stranger, Vec::new());
                let changes = [&whole[..whole.len() - 1], claim.as_slice()].concat();
                refused_envelope(world, signed(stranger, &plain(&changes)));
            }
        }
    });
}

#[test]
fn too_many_of_anything_are_refused() {
    under_fire(|world, stranger| {
        let changes = payload(stranger, vec![Vec::new(); MAX_CHANGES + 1]);
        refused_envelope(world, signed(stranger, &plain(&changes)));
        let changes = payload(stranger, vec![Vec::new(); 200_000]);
        refused_envelope(world, signed(stranger, &compressed(&changes)));
        refused(world, Kind::Changes, pack(&vec![Vec::new(); 60_000]));
        refused(world, Kind::Response, vec![1; MAX_MESSAGE + 1]);
        let empty: Vec<_> = vec![Vec::new(); 60_000];
        refused(world, Kind::Response, response(1, &empty));
    });
}
