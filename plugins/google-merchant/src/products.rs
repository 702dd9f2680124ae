//! The product feed: RSS 2.0 with the elements of Google's namespace.

use tillmesh_plugin::{Catalogue, Context, Failure, Product, failure};

use crate::price;
use crate::xml::{escaped, segment};

/// The longest title that Google takes.
const MAX_TITLE: usize = 150;

/// A feed of products. One without a price cannot be sold there, and is left out; where none has one there is no feed.
///
/// # Errors
/// `rejected` where the settings do not say where products are shown.
pub(crate) fn feed(
    products: &[&Product],
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Option<String>, Failure> {
    let rule =
        "the channel's settings must have it, with {sku} where the SKU stands, such as https://shop.example/p/{sku}";
    let link = context.setting("link").filter(|link| link.contains("{sku}"));
    let link = link.ok_or_else(|| failure::rejected("link", context.setting("link").unwrap_or(""), rule))?;
    let of = |name: &str| escaped(context.setting(name).unwrap_or_default());
    let items = products.iter().filter_map(|product| item(product, link, context, catalogue));
    let items: String = items.collect();
    let feed = || {
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <rss xmlns:g=\"http://base.google.com/ns/1.0\" version=\"2.0\">\n  <channel>\n    \
         <title>{}</title>\n    <link>{}</link>\n    <description>{}</description>\n{items}  </channel>\n</rss>\n",
            of("shop-title"),
            of("shop-link"),
            of("shop-description"),
        )
    };
    Ok((!items.is_empty()).then(feed))
}

fn item(product: &Product, link: &str, context: &Context, catalogue: &dyn Catalogue) -> Option<String> {
    let price = price::shown(product.price.as_ref()?)?;
    let available = catalogue.availability(&product.sku, None).map_or(0, |stock| stock.available);
    let title: String = product.name.chars().take(MAX_TITLE).collect();
    let filled = |template: &str| template.replace("{sku}", &segment(&product.sku));
    let mut elements = vec![
        ("g:id", product.sku.clone()),
        ("title", title),
        ("g:condition", context.setting("condition").unwrap_or("new").to_owned()),
        ("g:availability", word(available).to_owned()),
        ("link", filled(link)),
        ("g:price", price),
    ];
    elements.extend(context.setting("image-link").map(|template| ("g:image_link", filled(template))));
    elements.extend(product.category.clone().map(|category| ("g:product_type", category)));
    match &product.gtin {
        Some(gtin) => elements.push(("g:gtin", gtin.clone())),
        None => elements.push(("g:identifier_exists", "no".to_owned())),
    }
    let lines = elements.into_iter().map(|(name, text)| format!("      <{name}>{}</{name}>\n", escaped(&text)));
    Some(format!("    <item>\n{}    </item>\n", lines.collect::<String>()))
}

/// Whether something can be bought, in Google's words.
pub(crate) const fn word(available: i64) -> &'static str {
    if available > 0 { "in_stock" } else { "out_of_stock" }
}
