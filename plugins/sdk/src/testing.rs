//! What tests of plugins share: what a plugin is given, made up. For tests only.

use crate::{Catalogue, Context, Message, Piece, Product};

/// When messages of tests arrive: 2026-11-28T09:30:00Z.
pub const RECEIVED: i64 = 1_795_858_200_000_000;

/// A product that has nothing but a SKU and a name.
pub fn product(sku: &str) -> Product {
    Product {
        sku: sku.to_owned(),
        name: "x".to_owned(),
        price: None,
        gtin: None,
        department: None,
        category: None,
        unit: None,
        tax_class: None,
        references: vec![],
    }
}

/// A call at the location `web`, with settings.
pub fn context(settings: &[(&str, &str)]) -> Context {
    let config = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Context { location: "web".to_owned(), config }
}

/// A whole message.
pub fn message(topic: &str, content_type: &str, body: &[u8]) -> Message {
    Message {
        channel: "test".to_owned(),
        id: "1".to_owned(),
        topic: topic.to_owned(),
        content_type: content_type.to_owned(),
        received_at: RECEIVED,
        piece: Piece { offset: 0, last: true, bytes: body.to_vec(), carry: vec![] },
    }
}

/// A catalogue that knows nothing.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Catalogue for Nothing {}

/// A catalogue that knows every reference, as a SKU.
#[derive(Debug, Clone, Copy)]
pub struct Everything;

impl Catalogue for Everything {
    fn by_reference(&self, reference: &str) -> Option<Product> {
        Some(product(reference))
    }
}

/// The folder of a family of messages that nobody here wrote, below what `TILLMESH_FIXTURES` names. None, and said so:
/// nothing names it.
pub fn collection(family: &str) -> Option<String> {
    let fixtures = std::env::var("TILLMESH_FIXTURES").ok();
    if fixtures.is_none() {
        eprintln!("left out: TILLMESH_FIXTURES does not name the folder of fixtures");
    }
    fixtures.map(|fixtures| format!("{fixtures}/{family}"))
}
