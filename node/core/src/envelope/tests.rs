use coset::{Algorithm, CborSerializable as _, CoseSign1, CoseSign1Builder, HeaderBuilder, ProtectedHeader, iana};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;
use crate::command::{Command, LineRequest, Request, TenderRequest};
use crate::engine::{Config, Effect, Engine};
use crate::id::{Boot, Epoch, Reference};
use crate::identity::Secret;
use crate::money::{Currency, Money, Rounding, UnitPrice};
use crate::storage::MemoryStorage;
use crate::tests::{name, sku};
use crate::time::{Timestamp, Zone};

fn fleet() -> Name {
    name("fleet")
}

fn identity(seed: u64) -> Identity {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    Identity::new(name("till"), &Secret::generate(&mut rng), Boot::from_bytes([2; 6]))
}

fn scope() -> Scope {
    Scope::Stock(name("store"))
}

fn date() -> BusinessDate {
    BusinessDate::from_days(20_000).unwrap()
}

fn ledger_of(identity: &Identity) -> DocumentId {
    DocumentId::Ledger { location: name("store"), writer: identity.writer().clone(), date: date() }
}

fn sealed(changes: &[Vec<u8>]) -> Vec<u8> {
    let identity = identity(1);
    seal(&identity, &fleet(), &scope(), &ledger_of(&identity), changes)
}

/// The payload of an honest envelope, to be altered and signed all the same.
fn payload() -> Payload {
    let identity = identity(1);
    Payload {
        scope: scope(),
        node: identity.writer().node.clone(),
        salt: *identity.salt(),
        document: Target::Ledger(date()),
        changes: vec![ByteVec::from(vec![7; 40])],
    }
}

/// Signs any payload under any protected header, as a hostile node can.
fn signed(protected: coset::Header, packed: Vec<u8>) -> CoseSign1 {
    let identity = identity(1);
    CoseSign1Builder::new()
        .protected(protected)
        .payload(packed)
        .create_signature(fleet().as_str().as_bytes(), |bytes| identity.sign(bytes).to_vec())
        .build()
}

fn header() -> coset::Header {
    HeaderBuilder::new().algorithm(iana::Algorithm::EdDSA).key_id(identity(1).public_key().as_bytes().to_vec()).build()
}

fn hostile(packed: Vec<u8>) -> Vec<u8> {
    signed(header(), packed).to_vec().unwrap()
}

fn plain(payload: &Payload) -> Vec<u8> {
    [&[0], codec::encode(payload).as_slice()].concat()
}

fn zstd_frame(plain: &[u8]) -> Vec<u8> {
    [&[1], zstd::bulk::compress(plain, ZSTD_LEVEL).unwrap().as_slice()].concat()
}

#[track_caller]
fn refused(bytes: &[u8]) -> EnvelopeError {
    open(&fleet(), bytes).expect_err("an envelope that must be refused was opened")
}

#[test]
fn what_was_sealed_opens_as_the_same_batch_for_every_kind_of_document() {
    let identity = identity(1);
    let writer = identity.writer().clone();
    let term = Term { number: 3, keeper: writer.clone() };
    let documents = [
        (scope(), ledger_of(&identity)),
        (scope(), DocumentId::Opening { location: name("store"), term, date: date() }),
        (Scope::Carts(name("region")), DocumentId::Cart { id: CartId::from_bytes([4; 10]) }),
        (Scope::Catalog, DocumentId::Catalog { shard: 63 }),
        (Scope::Fleet, DocumentId::Fleet { writer: writer.clone() }),
    ];
    for (scope, document) in documents {
        for changes in [vec![vec![1; 30]], vec![vec![1; 700], vec![], vec![2; 9]]] {
            let bytes = seal(&identity, &fleet(), &scope, &document, &changes);
            let (writer, document, scope) = (writer.clone(), document.clone(), scope.clone());
            let batch = Batch { key: identity.public_key(), writer, scope, document, changes };
            assert_eq!(open(&fleet(), &bytes).unwrap(), batch);
            assert_eq!(reopen(&bytes).unwrap(), batch);
        }
    }
}

/// A till's node, its name and its shop's as long as names are.
fn till() -> (Engine<MemoryStorage>, ChaCha20Rng) {
    let config = Config {
        fleet: fleet(),
        node: name("store-406-till-01"),
        location: name("store-406"),
        region: name("north"),
        zone: Zone::UTC,
        rounding: Rounding::HalfUp,
        keeper: false,
        promises: crate::policy::Policies::default(),
        taxes: crate::tax::Taxes::default(),
        vouchers: Name::new(crate::voucher::LOCATION).unwrap(),
    };
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    (Engine::open(MemoryStorage::default(), config, noon(), &mut rng).unwrap(), rng)
}

const fn noon() -> Timestamp {
    Timestamp::from_millis(1_795_521_600_123)
}

#[test]
fn a_sale_of_one_line_fits_into_400_bytes() {
    let (mut engine, mut rng) = till();
    let usd = |amount| Money { amount, currency: Currency::new("USD").unwrap() };
    let mut longest = 0;
    for number in 0..100 {
        let unit_price = Some(UnitPrice::of(usd(249)));
        let line = LineRequest { sku: sku("5901234123457"), quantity: 2, unit_price, amount: None };
        let tenders = vec![TenderRequest { kind: name("card"), amount: usd(498), reference: None }];
        let sell = Command::Sell { location: None, lines: vec![line], tenders, customer: None };
        let request = Request { clerk: Some(Reference::new("c12").unwrap()), ..Request::now(sell) };
        let _outcome = engine.submit(noon(), &mut rng, request.with_key(&format!("sale {number}"), b"body")).unwrap();
        let effects = engine.commit(noon()).unwrap().effects;
        let [Effect::Batch { envelope, .. }] = effects.as_slice() else { panic!("one batch is due: {effects:?}") };
        longest = longest.max(envelope.len());
    }
    assert!(longest <= 400, "a sale of one line takes {longest} bytes");
}

#[test]
fn any_byte_that_changes_on_the_way_is_noticed() {
    for bytes in [sealed(&[vec![7; 40]]), sealed(&[vec![7; 700]])] {
        for place in 0..bytes.len() {
            for flip in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut flipped = bytes.clone();
                flipped[place] ^= flip;
                assert!(open(&fleet(), &flipped).is_err(), "byte {place} with {flip:#x}");
            }
        }
    }
}

#[test]
fn an_envelope_that_ends_early_is_none() {
    let bytes = sealed(&[vec![7; 40]]);
    for length in 0..bytes.len() {
        assert!(matches!(refused(&bytes[..length]), EnvelopeError::Cose(CoseError::Form(_))), "{length} bytes");
    }
}

#[test]
fn bytes_behind_an_envelope_or_within_its_payload_are_refused() {
    let behind = [sealed(&[vec![7; 40]]).as_slice(), &[0]].concat();
    assert!(matches!(refused(&behind), EnvelopeError::Cose(CoseError::Form(_))));
    let within = [plain(&payload()).as_slice(), &[0]].concat();
    assert!(matches!(refused(&hostile(within)), EnvelopeError::Payload(codec::DecodeError::Trailing)));
}

#[test]
fn an_envelope_has_one_form_only_so_nobody_can_blow_it_up_on_its_way() {
    let honest = CoseSign1::from_slice(&sealed(&[vec![7; 40]])).unwrap();
    let mut padded = honest.clone();
    padded.unprotected = HeaderBuilder::new().iv(vec![0; 40_000]).build();
    assert!(
        matches!(refused(&padded.to_vec().unwrap()), EnvelopeError::Cose(CoseError::Form(_))),
        "a header that nobody signed"
    );
    let bytes = honest.to_vec().unwrap();
    // The array of four that an envelope is, with a length that ends by a mark instead.
    let endless = [&[0x9f], &bytes[1..], &[0xff]].concat();
    assert!(matches!(refused(&endless), EnvelopeError::Cose(CoseError::Form(_))), "an array without a length");
}

#[test]
fn a_signature_holds_for_its_fleet_and_its_key_alone() {
    let bytes = sealed(&[vec![7; 40]]);
    assert!(matches!(open(&name("other"), &bytes), Err(EnvelopeError::Cose(CoseError::Signature))));
    let mut other = CoseSign1::from_slice(&bytes).unwrap();
    let key_id = identity(2).public_key().as_bytes().to_vec();
    other.protected = ProtectedHeader { original_data: None, header: coset::Header { key_id, ..header() } };
    assert!(matches!(refused(&other.to_vec().unwrap()), EnvelopeError::Cose(CoseError::Signature)));
}

#[test]
fn another_signer_writes_in_another_epoch_whatever_salt_it_states() {
    let (owner, thief) = (identity(1), identity(2));
    let forged = Payload { salt: *owner.salt(), ..payload() };
    let protected =
        HeaderBuilder::new().algorithm(iana::Algorithm::EdDSA).key_id(thief.public_key().as_bytes().to_vec()).build();
    let sign1 = CoseSign1Builder::new()
        .protected(protected)
        .payload(plain(&forged))
        .create_signature(fleet().as_str().as_bytes(), |bytes| thief.sign(bytes).to_vec())
        .build();
    let batch = open(&fleet(), &sign1.to_vec().unwrap()).unwrap();
    assert_eq!(batch.writer.node, owner.writer().node, "names are not proved");
    assert_ne!(batch.writer.epoch, owner.writer().epoch, "epochs are");
    assert_ne!(batch.document, ledger_of(&owner));
}

#[test]
fn only_the_agreed_algorithm_and_a_whole_key_are_taken() {
    let mut other = header();
    other.alg = Some(Algorithm::Assigned(iana::Algorithm::ES256));
    for protected in [other, coset::Header { alg: None, ..header() }] {
        let bytes = signed(protected, plain(&payload())).to_vec().unwrap();
        assert!(matches!(refused(&bytes), EnvelopeError::Cose(CoseError::Algorithm)));
    }
    for length in [0, 31, 33] {
        let bytes = signed(coset::Header { key_id: vec![1; length], ..header() }, plain(&payload()));
        assert!(matches!(refused(&bytes.to_vec().unwrap()), EnvelopeError::Cose(CoseError::Key)), "{length} bytes");
    }
}

#[test]
fn a_weak_key_signs_nothing() {
    // The point of order one: without a strict check a signature of zeros holds for any message under it.
    let mut weak = [0; 32];
    weak[0] = 1;
    let protected = coset::Header { key_id: weak.to_vec(), ..header() };
    let mut sign1 = signed(protected, plain(&payload()));
    sign1.signature = [weak, [0; 32]].concat();
    assert!(matches!(refused(&sign1.to_vec().unwrap()), EnvelopeError::Cose(CoseError::Signature)));
}

#[test]
fn a_document_travels_in_its_own_scope_only() {
    let elsewhere = [
        (Scope::Catalog, Target::Ledger(date())),
        (Scope::Carts(name("store")), Target::Opening(1, date())),
        (scope(), Target::Cart(CartId::from_bytes([4; 10]))),
        (scope(), Target::Fleet),
        (Scope::Fleet, Target::Catalog(0)),
        (Scope::Catalog, Target::Catalog(crate::document::CATALOG_SHARDS)),
    ];
    for (scope, document) in elsewhere {
        let said = scope.to_string();
        let bytes = hostile(plain(&Payload { scope, document, ..payload() }));
        assert!(matches!(refused(&bytes), EnvelopeError::Scope), "{said}");
    }
}

#[test]
fn an_envelope_longer_than_the_limit_is_not_parsed() {
    let longest = MAX_ENVELOPE - (hostile(plain(&payload())).len() - 40) - 16;
    let of_length = |length| {
        let noise = ChangeNoise::new().take(length).collect::<Vec<_>>();
        hostile(plain(&Payload { changes: vec![ByteVec::from(noise)], ..payload() }))
    };
    assert!(open(&fleet(), &of_length(longest)).is_ok());
    let bytes = of_length(MAX_ENVELOPE);
    assert!(
        matches!(refused(&bytes), EnvelopeError::Cose(CoseError::TooLong { bytes: said, .. }) if said == bytes.len())
    );
    assert!(matches!(reopen(&bytes), Err(EnvelopeError::Cose(CoseError::TooLong { .. }))));
}

/// Bytes that zstd cannot make shorter.
struct ChangeNoise(u64);

impl ChangeNoise {
    const fn new() -> Self {
        Self(1)
    }
}

impl Iterator for ChangeNoise {
    type Item = u8;
    fn next(&mut self) -> Option<u8> {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some(self.0.to_be_bytes()[0])
    }
}

#[test]
fn a_bomb_does_not_go_off_whether_it_says_its_size_or_not() {
    let large = vec![0; 64 * 1024 * 1024];
    let declared = zstd_frame(&large);
    let undeclared = [&[1], zstd::stream::encode_all(large.as_slice(), ZSTD_LEVEL).unwrap().as_slice()].concat();
    for bomb in [declared, undeclared] {
        assert!(bomb.len() < MAX_ENVELOPE, "a bomb of {} bytes passes as an envelope", bomb.len());
        assert!(matches!(refused(&hostile(bomb)), EnvelopeError::Packing));
    }
}

#[test]
fn a_payload_unpacks_up_to_the_limit_and_no_further() {
    let of_length = |length| Payload { changes: vec![ByteVec::from(vec![0; length])], ..payload() };
    let frame = codec::encode(&of_length(MAX_UNPACKED / 2)).len() - MAX_UNPACKED / 2;
    for (length, fits) in [(MAX_UNPACKED - frame, true), (MAX_UNPACKED - frame + 1, false)] {
        let bytes = hostile(zstd_frame(&codec::encode(&of_length(length))));
        assert_eq!(open(&fleet(), &bytes).is_ok(), fits, "{length} bytes");
    }
}

#[test]
fn packing_is_one_of_two_and_its_frame_whole() {
    let frame = zstd_frame(&codec::encode(&payload()));
    let cases = [vec![], vec![2], vec![1, 0, 0], frame[..frame.len() - 1].to_vec()];
    for packed in cases {
        let length = packed.len();
        assert!(matches!(refused(&hostile(packed)), EnvelopeError::Packing), "{length} bytes");
    }
    let nothing = CoseSign1 { payload: None, ..signed(header(), Vec::new()) };
    assert!(open(&fleet(), &nothing.to_vec().unwrap()).is_err());
}

#[test]
fn a_payload_of_another_shape_is_refused() {
    let mut short = codec::encode(&payload());
    short.pop();
    let (ended, noise) = ([&[0], short.as_slice()].concat(), [&[0], [0xff; 9].as_slice()].concat());
    for bytes in [vec![0], vec![1], vec![0, 0xf6], ended, noise] {
        assert!(matches!(refused(&hostile(bytes)), EnvelopeError::Payload(_)));
    }
    // A vector that claims more elements than there are bytes must not make room for them.
    let mut claims = codec::encode(&Payload { changes: Vec::new(), ..payload() });
    claims.pop();
    claims.extend([0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    assert!(matches!(refused(&hostile([&[0], claims.as_slice()].concat())), EnvelopeError::Payload(_)));
}

#[test]
fn a_day_of_trade_beyond_every_calendar_is_refused() {
    for day in [-1, i32::MIN, 2_932_897, i32::MAX] {
        let mut bytes = codec::encode(&(&scope(), &name("till")));
        bytes[0] = 0x85;
        minicbor::encode(minicbor::bytes::ByteArray::from([1; SALT_LEN]), &mut bytes).unwrap();
        minicbor::encode((0, [day]), &mut bytes).unwrap();
        minicbor::encode(vec![ByteVec::from(vec![7; 40])], &mut bytes).unwrap();
        let result = refused(&hostile([&[0], bytes.as_slice()].concat()));
        assert!(matches!(result, EnvelopeError::Payload(codec::DecodeError::Cbor(_))), "day {day}: {result}");
    }
}

#[test]
fn an_envelope_holds_some_changes_and_not_too_many() {
    let of_count = |count| hostile(plain(&Payload { changes: vec![ByteVec::from(vec![7]); count], ..payload() }));
    assert!(open(&fleet(), &of_count(MAX_CHANGES)).is_ok());
    for count in [0, MAX_CHANGES + 1] {
        assert!(matches!(refused(&of_count(count)), EnvelopeError::Changes { count: found } if found == count));
    }
}

proptest! {
    #[test]
    fn bytes_that_are_no_envelope_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&fleet(), &bytes).is_err());
        prop_assert!(reopen(&bytes).is_err());
    }

    #[test]
    fn any_signed_payload_opens_or_is_refused_by_name(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let result = open(&fleet(), &hostile(bytes));
        prop_assert!(matches!(result, Err(EnvelopeError::Packing | EnvelopeError::Payload(_))), "{:?}", result);
    }

    #[test]
    fn whatever_changes_are_sealed_are_opened(
        changes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 1..9),
    ) {
        prop_assert_eq!(open(&fleet(), &sealed(&changes)).unwrap().changes, changes);
    }
}

#[test]
fn an_epoch_is_bound_to_key_and_salt() {
    let (one, two) = (identity(1), identity(2));
    let epochs: std::collections::BTreeSet<Epoch> = [
        one.writer().epoch,
        two.writer().epoch,
        identity::epoch_of(&one.public_key(), two.salt()),
        identity::epoch_of(&two.public_key(), one.salt()),
    ]
    .into();
    assert_eq!(epochs.len(), 4);
}
