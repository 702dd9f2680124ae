use std::collections::BTreeMap;

use minicbor::bytes::ByteVec;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;
use crate::event::{
    Adjustment, AdjustmentReason, Body, Burn, CancellationRequest, CashKind, CashMovement, Class, Confirmation,
    Consent, Count, CountOf, DayClose, Delivery, Disposition, Event, Fulfilment, Grant, Issue, Kind, Line, Mint,
    Progress, Promise, PromisePolicy, Receipt, Redemption, Refund, RefundGrant, Release, Resolution, Return,
    ReturnAuthorisation, Sale, Stage, Transfer,
};
use crate::id::{Boot, ChangeHash, DocumentHash, EventId, Name, StatementId};
use crate::identity::{Identity, Secret};
use crate::money::{Currency, Money};
use crate::tests::name;
use crate::time::Timestamp;

fn fleet() -> Name {
    name("fleet")
}

fn key(seed: u8) -> FleetKey {
    FleetKey::from_seed(&[seed; 32])
}

fn node(seed: u64) -> Identity {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    Identity::new(name("till"), &Secret::generate(&mut rng), Boot::from_bytes([1; 6]))
}

fn certificate(of: &Identity, role: Role) -> Certificate {
    Certificate {
        node: of.writer().node.clone(),
        key: of.public_key(),
        role,
        locations: vec![name("store")],
        keeper: None,
        issued_at: Timestamp(1),
    }
}

fn certified(by: &FleetKey, of: &Identity) -> Signed {
    signed(by, Statement::Certificate(certificate(of, Role::Store)))
}

fn retired(by: &FleetKey, of: &Identity, stolen: bool) -> Signed {
    let retirement = Retirement { node: name("till"), key: of.public_key(), at: Timestamp(2), stolen, counted: None };
    signed(by, Statement::Retirement(retirement))
}

fn signed(by: &FleetKey, statement: Statement) -> Signed {
    Signed::open(&fleet(), &by.sign(&fleet(), &statement)).unwrap()
}

fn rotated(from: &FleetKey, to: &FleetKey, valid: &[&Signed]) -> Signed {
    let valid = valid.iter().map(|signed| signed.id()).collect();
    Signed::open(&fleet(), &from.rotate(&fleet(), to, valid, Timestamp(3)).unwrap()).unwrap()
}

fn heard(statements: &[&Signed]) -> BTreeMap<StatementId, Signed> {
    statements.iter().map(|signed| (signed.id(), (*signed).clone())).collect()
}

fn standing(anchor: &FleetKey, statements: &[&Signed], of: &Identity) -> Standing {
    Members::of(Some(anchor.public()), &heard(statements)).standing(&of.public_key(), &name("till"))
}

#[test]
fn an_open_fleet_hears_everybody() {
    let (authority, till) = (key(1), node(1));
    let members = Members::of(None, &heard(&[&certified(&authority, &till)]));
    assert_eq!(members.standing(&till.public_key(), &name("till")), Standing::Open);
    assert!(members.permits(&till.public_key(), &Write::Catalogue));
}

#[test]
fn only_the_fleets_key_makes_members() {
    let (authority, till) = (key(1), node(1));
    assert_eq!(standing(&authority, &[], &till), Standing::Unknown);
    assert_eq!(standing(&authority, &[&certified(&authority, &till)], &till), Standing::Member);
    assert_eq!(standing(&authority, &[&certified(&key(2), &till)], &till), Standing::Unknown);
    assert_eq!(standing(&authority, &[&certified(&authority, &node(2))], &till), Standing::Unknown);
}

#[test]
fn a_member_goes_by_the_name_in_its_certificate() {
    let (authority, till) = (key(1), node(1));
    let members = Members::of(Some(authority.public()), &heard(&[&certified(&authority, &till)]));
    assert_eq!(members.standing(&till.public_key(), &name("other")), Standing::Unknown);
}

#[test]
fn a_retired_node_is_heard_and_a_stolen_one_is_not() {
    let (authority, till) = (key(1), node(1));
    let (member, lost, stolen) =
        (certified(&authority, &till), retired(&authority, &till, false), retired(&authority, &till, true));
    assert_eq!(standing(&authority, &[&member, &lost], &till), Standing::Retired);
    assert_eq!(standing(&authority, &[&member, &lost, &stolen], &till), Standing::Stolen);
    assert_eq!(standing(&authority, &[&member, &retired(&key(2), &till, true)], &till), Standing::Member);
    assert_eq!(standing(&authority, &[&lost], &till), Standing::Unknown);
}

#[test]
fn after_a_rotation_what_was_listed_goes_on_and_the_old_key_says_nothing_more() {
    let (old, new, till, other) = (key(1), key(2), node(1), node(2));
    let (member, unlisted) = (certified(&old, &till), certified(&old, &other));
    let rotation = rotated(&old, &new, &[&member]);
    let all = [&member, &unlisted, &rotation];
    for anchor in [&old, &new] {
        assert_eq!(Members::of(Some(anchor.public()), &heard(&all)).anchor(), Some(new.public()));
        assert_eq!(standing(anchor, &all, &till), Standing::Member, "as seen from {anchor:?}");
        assert_eq!(standing(anchor, &all, &other), Standing::Unknown);
    }
}

#[test]
fn a_chain_of_rotations_is_followed_to_its_end_and_a_ring_ends() {
    let (first, second, third, till) = (key(1), key(2), key(3), node(1));
    let member = certified(&first, &till);
    let chain = [&member, &rotated(&first, &second, &[&member]), &rotated(&second, &third, &[&member])];
    assert_eq!(standing(&first, &chain, &till), Standing::Member);
    let back = rotated(&third, &first, &[]);
    let ring: Vec<_> = chain.into_iter().chain([&back]).collect();
    assert!(Members::of(Some(first.public()), &heard(&ring)).anchor().is_some());
}

#[test]
fn who_begins_at_the_new_key_believes_no_rotation_of_the_old_one_any_more() {
    let (old, new, evil) = (key(1), key(2), key(3));
    let honest = rotated(&old, &new, &[]);
    let late = rotated(&old, &evil, &[]);
    assert_eq!(Members::of(Some(new.public()), &heard(&[&honest, &late])).anchor(), Some(new.public()));
}

#[test]
fn a_key_that_was_handed_over_twice_is_seen_from_both_sides() {
    let (old, ours, theirs) = (key(1), key(2), key(3));
    let (to_ours, to_theirs) = (rotated(&old, &ours, &[]), rotated(&old, &theirs, &[]));
    for (anchor, rival) in [(&ours, &theirs), (&theirs, &ours)] {
        let members = Members::of(Some(anchor.public()), &heard(&[&to_ours, &to_theirs]));
        assert_eq!(members.anchor(), Some(anchor.public()));
        assert_eq!(members.rivals(), [Rival { from: old.public(), to: rival.public() }]);
    }
    assert_eq!(Members::of(Some(ours.public()), &heard(&[&to_ours])).rivals(), []);
}

#[test]
fn an_enrolment_carries_the_last_rotations_that_fit_beside_a_statement() {
    let ids: Vec<_> = (0..MAX_LISTED).map(|number| StatementId::hash_of("test", &[&number.to_be_bytes()])).collect();
    let rotations: Vec<ByteVec> = (1..9)
        .map(|seed| key(seed).rotate(&fleet(), &key(seed + 1), ids.clone(), Timestamp(3)).unwrap().into())
        .collect();
    let last = rotations.last().cloned();
    let chain = Enrolment { fleet: fleet(), anchor: key(9).public(), statements: rotations }.within_a_chain();
    assert!((2..8).contains(&chain.statements.len()), "{}", chain.statements.len());
    assert_eq!(chain.statements.last(), last.as_ref());
    let largest = key(9).rotate(&fleet(), &key(10), ids, Timestamp(3)).unwrap();
    let statements = chain.statements.into_iter().chain([largest.into()]).collect();
    let text = Enrolment { statements, ..chain }.to_text();
    assert!(Enrolment::from_text(&text).is_ok(), "{} bytes", text.len());
}

#[test]
fn nobody_hands_the_fleet_to_a_key_whose_holder_did_not_agree() {
    let (old, new) = (key(1), key(2));
    let bytes = old.rotate(&fleet(), &new, Vec::new(), Timestamp(3)).unwrap();
    let Statement::Rotation(rotation) = Signed::open(&fleet(), &bytes).unwrap().statement else {
        panic!("no rotation")
    };
    let widened = Rotation { valid: vec![StatementId::from_bytes([7; 16])], ..rotation };
    let forged = old.sign(&fleet(), &Statement::Rotation(widened));
    assert!(matches!(Signed::open(&fleet(), &forged), Err(StatementError::Endorsement)));
}

#[test]
fn a_rotation_lists_at_most_what_fits_a_change() {
    let ids: Vec<_> = (0..=MAX_LISTED)
        .map(|number| StatementId::hash_of("test", &[&u64::try_from(number).unwrap().to_be_bytes()]))
        .collect();
    let full = key(1).rotate(&fleet(), &key(2), ids[..MAX_LISTED].to_vec(), Timestamp(3)).unwrap();
    assert!(Signed::open(&fleet(), &full).is_ok(), "{} bytes", full.len());
    assert!(key(1).rotate(&fleet(), &key(2), ids, Timestamp(3)).is_err());
}

#[test]
fn a_retirement_names_at_most_what_fits_a_change() {
    let counted = |number: usize| Counted {
        document: DocumentHash::hash_of("test", &[&number.to_be_bytes()]),
        changes: vec![ChangeHash::hash_of("test", &[&number.to_be_bytes()])],
    };
    let naming = |count: usize| {
        let counted = Some((0..count).map(counted).collect());
        let till = node(1);
        let retirement =
            Retirement { node: name("till"), key: till.public_key(), at: Timestamp(2), stolen: true, counted };
        key(1).sign(&fleet(), &Statement::Retirement(retirement))
    };
    let full = naming(MAX_COUNTED);
    assert!(Signed::open(&fleet(), &full).is_ok(), "{} bytes", full.len());
    assert!(Signed::open(&fleet(), &naming(MAX_COUNTED + 1)).is_err());
}

#[test]
fn what_retirements_count_adds_up_and_only_the_fleets_key_says_so() {
    let document = DocumentHash::hash_of("test", &[b"ledger"]);
    let change = |number: u8| ChangeHash::from_bytes([number; 32]);
    let counting = |by: &FleetKey, number: u8| {
        let counted = Some(vec![Counted { document, changes: vec![change(number)] }]);
        let key = node(1).public_key();
        let retirement = Retirement { node: name("till"), key, at: Timestamp(2), stolen: false, counted };
        signed(by, Statement::Retirement(retirement))
    };
    let (authority, forger) = (key(1), key(2));
    let all = heard(&[&counting(&authority, 1), &counting(&authority, 2), &counting(&forger, 3)]);
    let members = Members::of(Some(authority.public()), &all);
    let expected = [change(1), change(2)].into();
    assert_eq!(members.counted(&document), Some(&expected));
    assert_eq!(members.counted(&DocumentHash::hash_of("test", &[b"other"])), None);
    assert_eq!(members.standing(&node(1).public_key(), &name("till")), Standing::Unknown);
}

#[test]
fn a_statement_is_of_one_fleet_and_cannot_be_altered() {
    let bytes = key(1).sign(&fleet(), &Statement::Certificate(certificate(&node(1), Role::Kiosk)));
    assert!(Signed::open(&name("other"), &bytes).is_err());
    for place in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[place] ^= 1;
        assert!(Signed::open(&fleet(), &altered).is_err(), "byte {place}");
    }
}

#[test]
fn a_certificate_names_at_least_one_location() {
    let nowhere = Certificate { locations: Vec::new(), ..certificate(&node(1), Role::Store) };
    let bytes = key(1).sign(&fleet(), &Statement::Certificate(nowhere));
    assert!(matches!(Signed::open(&fleet(), &bytes), Err(StatementError::TooMany { count: 0, .. })));
}

#[test]
fn a_request_proves_that_the_node_holds_its_key() {
    let till = node(1);
    let bytes = EnrolmentRequest::seal(&till, &fleet(), &name("store"));
    let request = EnrolmentRequest::open(&bytes).unwrap();
    assert_eq!((request.key, request.node), (till.public_key(), name("till")));
    for place in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[place] ^= 1;
        assert!(EnrolmentRequest::open(&altered).is_err(), "byte {place}");
    }
}

#[test]
fn a_member_is_introduced_by_its_newest_certificate() {
    let (fleet_key, till) = (key(1), node(1));
    let issued = |role, at| {
        let certificate = Certificate { issued_at: Timestamp(at), ..certificate(&till, role) };
        signed(&fleet_key, Statement::Certificate(certificate))
    };
    let all = [issued(Role::Kiosk, 1), issued(Role::Store, 3), issued(Role::Headquarters, 2)];
    let statements: BTreeMap<_, _> = all.iter().map(|signed| (signed.id(), signed.clone())).collect();
    let members = Members::of(Some(fleet_key.public()), &statements);
    let member = members.node(&till.public_key()).unwrap();
    assert_eq!((member.newest, member.certificates[0].role), (Some(all[1].id()), Role::Store));
}

#[test]
fn an_enrolment_takes_of_an_introduction_what_holds_under_its_key() {
    let (old, new, stranger) = (key(1), key(2), key(3));
    let (till, other, third) = (certified(&old, &node(1)), certified(&old, &node(2)), certified(&old, &node(3)));
    let rotation = rotated(&old, &new, &[&till, &other]);
    let own = certified(&new, &node(4));
    let bytes = |signed: &[&Signed]| signed.iter().map(|signed| ByteVec::from(signed.bytes.clone())).collect();
    let given =
        |by: &FleetKey, of: &[&Signed]| Enrolment { fleet: fleet(), anchor: by.public(), statements: bytes(of) };
    let enrolment = given(&new, &[&rotation, &own]);
    let introduced = |other: &[&Signed]| enrolment.clone().introducing(&given(&old, other)).statements;
    assert_eq!(introduced(&[&other]), given(&new, &[&rotation, &own, &other]).statements, "its rotation names it");
    assert_eq!(introduced(&[&third, &certified(&stranger, &node(5)), &own]), enrolment.statements);
}

#[test]
fn texts_survive_line_breaks_and_say_when_they_are_damaged() {
    let statement = key(1).sign(&fleet(), &Statement::Certificate(certificate(&node(1), Role::Store)));
    let enrolment = Enrolment { fleet: fleet(), anchor: key(1).public(), statements: vec![statement.into()] };
    let text = enrolment.to_text();
    let broken: Vec<_> = text.as_bytes().chunks(60).map(|line| std::str::from_utf8(line).unwrap()).collect();
    assert_eq!(Enrolment::from_text(&format!("  {}\n", broken.join("\r\n  "))).unwrap(), enrolment);
    assert!(Enrolment::from_text(&text[..text.len() - 9]).is_err());
    assert!(matches!(Enrolment::from_text("tillmesh-request-1.AAAA"), Err(TextError::Prefix { .. })));
    assert!(matches!(Enrolment::from_text(&"a".repeat(1 << 20)), Err(TextError::TooLong { .. })));
    let request = EnrolmentRequest::seal(&node(1), &fleet(), &name("store"));
    assert_eq!(EnrolmentRequest::from_text(&EnrolmentRequest::to_text(&request)).unwrap(), request);
    let (of, read) = FleetKey::from_text(&key(5).to_text(&fleet())).unwrap();
    assert_eq!((of, read.public()), (fleet(), key(5).public()));
}

/// One of each kind of event.
fn bodies() -> Vec<Body> {
    let id = EventId::from_bytes([1; 16]);
    let transfer = Transfer { other: name("store"), lines: Vec::new(), answers: None };
    let (currency, to) = (Currency::new("USD").unwrap(), node(3).writer().clone());
    vec![
        Body::Sale(Sale {
            receipt: 1,
            lines: Vec::new(),
            currency: None,
            adjustments: Vec::new(),
            tenders: Vec::new(),
            customer: None,
            cart: None,
            pricing: None,
            tax: None,
            rounding: None,
        }),
        Body::Return(Return { order: None, lines: Vec::new(), authorisation: None }),
        Body::ReturnAuthorisation(ReturnAuthorisation { order: id, lines: Vec::new(), until: None }),
        Body::Disposition(Disposition { back: id, order: None, lines: Vec::new() }),
        Body::Receipt(Receipt { lines: Vec::new() }),
        Body::Count(Count { lines: Vec::new(), seen: Vec::new(), of: CountOf::OnHand }),
        Body::TransferOut(transfer.clone()),
        Body::TransferIn(transfer),
        Body::Adjustment(Adjustment { lines: Vec::new(), reason: AdjustmentReason::Found }),
        Body::Promise(Promise {
            lines: Vec::new(),
            policy: PromisePolicy::Strict,
            expires_at: None,
            currency: None,
            adjustments: Vec::new(),
            customer: None,
            cart: None,
            stated: None,
            pricing: None,
            tax: None,
        }),
        Body::Release(Release { promise: id, lines: Vec::new(), reason: None, rights: None, request: None }),
        Body::Fulfilment(Fulfilment {
            promise: id,
            lines: Vec::new(),
            parcel: None,
            handover: None,
            stages: None,
            from: None,
        }),
        mint(),
        Body::Grant(Grant { to: to.clone(), lines: Vec::new(), proof: None }),
        Body::Refund(Refund { order: id, tenders: Vec::new(), currency, taxes: None, promised: None }),
        Body::RefundGrant(RefundGrant { order: id, to, amount: Money { amount: 1, currency }, proof: None }),
        Body::DayClose(DayClose::default()),
        Body::Burn(Burn { lines: Vec::new(), cause: None }),
        Body::Confirmation(Confirmation { promise: id, paid: None }),
        Body::Resolution(Resolution { item: id, choice: name("keep"), reason: None, extent: None }),
        Body::Progress(Progress { promise: id, stage: Stage::Picked, lines: Vec::new() }),
        Body::Delivery(Delivery { promise: id, shipments: vec![id] }),
        Body::CancellationRequest(CancellationRequest {
            promise: id,
            lines: Vec::new(),
            asked: name("till"),
            reason: None,
        }),
        Body::Consent(Consent { promise: id, request: id, lines: Vec::new() }),
        Body::CashMovement(CashMovement { kind: CashKind::Float, amount: Money { amount: 1, currency }, reason: None }),
    ]
}

fn mint() -> Body {
    Body::Mint(Mint { lines: Vec::new() })
}

#[test]
fn each_role_writes_what_its_trade_needs_and_no_more() {
    let selling = ["sale", "promise", "release", "grant", "day-close"];
    let counter =
        selling.into_iter().chain(["burn", "confirmation", "cash-movement", "refund-grant", "cancellation-request"]);
    let counter: Vec<_> = counter.collect();
    let back = ["return-authorisation", "return", "disposition", "refund"];
    let service = ["fulfilment", "resolution", "progress", "delivery", "consent"].into_iter().chain(back);
    let channel: Vec<_> = counter.iter().copied().chain(service).collect();
    let everything: Vec<_> = bodies().iter().map(Body::kind).filter(|kind| *kind != "mint").collect();
    for (role, own, elsewhere) in [
        (Role::Headquarters, everything.clone(), everything.clone()),
        (Role::Store, everything, vec!["transfer-in", "day-close"]),
        (Role::Kiosk, counter, Vec::new()),
        (Role::Channel, channel.clone(), channel),
    ] {
        let papers = certificate(&node(1), role);
        for body in bodies() {
            for (location, allowed) in [(name("store"), &own), (name("elsewhere"), &elsewhere)] {
                let permitted = papers.permits(&Write::Event(&location, Kind::of(&body)));
                assert_eq!(permitted, allowed.contains(&body.kind()), "{role}: {} at {location}", body.kind());
            }
        }
        assert_eq!(papers.permits(&Write::Catalogue), role == Role::Headquarters);
        assert!(papers.permits(&Write::Cart));
    }
}

#[test]
fn the_kind_of_an_event_is_read_from_its_number_whatever_its_version() {
    for body in bodies() {
        let id = EventId::from_bytes([1; 16]);
        let word = body.kind();
        let event = Event {
            id,
            number: 3,
            recorded_at: Timestamp(1),
            occurred_at: None,
            body,
            channel: None,
            reference: None,
            clerk: None,
        };
        let mut value = event.to_bytes();
        assert_eq!(
            (Kind::read(&value), Kind::of(&event.body).to_string()),
            (Kind::of(&event.body), format!("a {word}"))
        );
        value[0] = 200;
        assert_eq!(Kind::read(&value), Kind::of(&event.body));
    }
    assert_eq!(Kind::read(&[]), Kind::read(b"\x01nonsense"));
}

#[test]
fn a_kind_that_this_version_does_not_know_may_be_written_by_those_whose_range_it_is_from() {
    // A record as a newer version may write it: id, number, two times, a body of another kind.
    let record = |number: u32| {
        let mut value = vec![1];
        minicbor::encode((0_u8, 1_u8, 2_u8, 3_u8, (number, [7_u8])), &mut value).unwrap();
        Kind::read(&value)
    };
    let (here, there) = (name("store"), name("elsewhere"));
    for (number, class, writers) in [
        (17, Class::Booking, vec![Role::Headquarters, Role::Store]),
        (66, Class::Trade, vec![Role::Headquarters, Role::Store, Role::Kiosk, Role::Channel]),
        (127, Class::Service, vec![Role::Headquarters, Role::Store, Role::Channel]),
        (129, Class::Booking, vec![Role::Headquarters, Role::Store]),
    ] {
        let kind = record(number);
        assert_eq!(kind.class(), class, "{number}");
        let may = |role: &Role| certificate(&node(1), *role).permits(&Write::Event(&here, kind));
        assert_eq!(Role::ALL.into_iter().filter(may).collect::<Vec<_>>(), writers, "{number}");
        assert!(!certificate(&node(1), Role::Store).permits(&Write::Event(&there, kind)));
    }
}

#[test]
fn a_kiosk_redeems_vouchers_and_issues_none() {
    let sku = crate::id::Sku::new("voucher-0123456789abcdef0123456789abcdef-uses").unwrap();
    let (valid_until, promotion, order) = (None, None, None);
    let issue = Issue { voucher: sku.clone(), quantity: 1, minted: Some(1), valid_until, promotion, order };
    let (issue, lines) = (Body::Issue(issue), vec![Line { sku, quantity: 1 }]);
    let redeem = Body::Redemption(Redemption { order: EventId::from_bytes([1; 16]), lines });
    let here = name("store");
    for (role, redeems, issues) in [
        (Role::Headquarters, true, true),
        (Role::Store, true, true),
        (Role::Kiosk, true, false),
        (Role::Channel, true, false),
    ] {
        let may = |body: &Body| certificate(&node(1), role).permits(&Write::Event(&here, Kind::of(body)));
        assert_eq!((may(&redeem), may(&issue)), (redeems, issues), "{role}");
    }
}

#[test]
fn a_keeper_mints_and_writes_openings_of_its_terms_at_its_locations() {
    let keeper = Certificate { keeper: Some(2), ..certificate(&node(1), Role::Store) };
    let (here, there, mint) = (name("store"), name("elsewhere"), mint());
    assert!(keeper.permits(&Write::Opening(&here, 2)) && keeper.permits(&Write::Event(&here, Kind::of(&mint))));
    assert!(!keeper.permits(&Write::Opening(&here, 3)) && !keeper.permits(&Write::Opening(&there, 0)));
    let clerk = certificate(&node(1), Role::Headquarters);
    assert!(!clerk.permits(&Write::Opening(&here, 0)) && !clerk.permits(&Write::Event(&here, Kind::of(&mint))));
}

#[test]
fn what_one_certificate_covers_another_does_not_take_back() {
    let (authority, till) = (key(1), node(1));
    let kiosk = Certificate { issued_at: Timestamp(9), ..certificate(&till, Role::Kiosk) };
    let (wide, narrow) = (certified(&authority, &till), signed(&authority, Statement::Certificate(kiosk)));
    let members = Members::of(Some(authority.public()), &heard(&[&wide, &narrow]));
    let receipt = Body::Receipt(Receipt { lines: Vec::new() });
    assert!(members.permits(&till.public_key(), &Write::Event(&name("store"), Kind::of(&receipt))));
    assert_eq!(members.node(&till.public_key()).unwrap().certificates[0].role, Role::Kiosk, "the newest is first");
}
