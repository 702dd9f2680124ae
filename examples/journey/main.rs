//! The owner's journey: a cart begun on the web is found at a kiosk while the internet is down, gets another line and
//! the online promotion, is checked out at the till, and every channel sees less stock as soon as it can hear of it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use serde_json::{Value, json};
use tillmesh_examples::client::{Client, wait_until};
use tillmesh_examples::grocery::Grocery;
use tillmesh_examples::node::{Node, NodeOptions, executable, free_address, promotions};
use tillmesh_examples::proxy::Proxy;
use tillmesh_examples::report::Story;

/// The store whose products and stock are loaded.
const STORE: &str = "406";
/// How long nodes may take to hear of something.
const HEAR: Duration = Duration::from_secs(60);
/// What the online promotion takes off, in basis points.
const OFF: i64 = 1_000;

/// Plays a customer's way from the web to the till, on three nodes and a broker.
#[derive(Parser)]
struct Arguments {
    /// Leave the nodes running afterwards.
    #[arg(long)]
    keep_running: bool,
}

struct Scene {
    store: Node,
    kiosk: Node,
    web: Node,
    internet: Proxy,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let mut story = Story::default();
    let scene = open(folder.path(), &mut story)?;
    let skus = load(&scene, &mut story)?;
    let cart = begin_cart(&scene, &skus, &mut story)?;
    let before = on_hand(&scene.web.client, &skus[0])?;
    cut(&scene, &mut story)?;
    continue_at_kiosk(&scene, &cart, &skus, &mut story)?;
    let order = check_out(&scene, &cart, &mut story)?;
    see_stock(&scene, &skus, before, &mut story)?;
    mend(&scene, &skus, before, &order, &mut story)?;
    nothing_left(&scene, &cart, &mut story)?;
    println!("\nAll {} claims hold.", story.claims());
    if arguments.keep_running {
        keep_running(scene, folder);
    }
    Ok(())
}

fn open(folder: &std::path::Path, story: &mut Story) -> Result<Scene> {
    let lan = free_address()?;
    let internet = Proxy::start(lan)?;
    let (executable, promotions) = (executable()?, promotions()?);
    let node = |name: &str, location: &str, broker: [String; 2]| {
        Node::start(NodeOptions {
            executable: executable.clone(),
            name: name.to_owned(),
            location: location.to_owned(),
            folder: folder.to_path_buf(),
            listen: free_address()?,
            broker,
            promotions: Some(promotions.clone()),
        })
    };
    let location = format!("store-{STORE}");
    let scene = Scene {
        store: node("store", &location, ["--embedded-broker".into(), lan.to_string()])?,
        kiosk: node("kiosk", &location, ["--broker".into(), format!("mqtt://{lan}")])?,
        web: node("web", "web", ["--broker".into(), format!("mqtt://{}", internet.address())])?,
        internet,
    };
    story.step("Three nodes: a store with its MQTT broker, a kiosk in it, a web front out in the world");
    for node in [&scene.store, &scene.kiosk, &scene.web] {
        story.tell(&format!("{:<6} {}", node.name(), node.client.url()));
    }
    Ok(scene)
}

fn load(scene: &Scene, story: &mut Story) -> Result<Vec<String>> {
    let data = Grocery::read()?;
    let units: Vec<_> = data.sold.iter().filter(|row| row.store_id == STORE && row.quantity > 0).collect();
    let products = data.catalogue(|id| units.iter().any(|row| row.product_id == id));
    story.step(&format!("The store loads {} products and the stock of store {STORE}", products.len()));
    scene.store.client.import("/v1/products:import", &products, |_| ())?;
    for (number, rows) in units.chunks(500).enumerate() {
        let lines: Vec<Value> =
            rows.iter().map(|row| json!({ "sku": row.product_id, "quantity": row.quantity + 10 })).collect();
        scene.store.client.post("/v1/stock/receipts", &format!("opening-{number}"), &json!({ "lines": lines }))?;
    }
    let skus: Vec<String> = products
        .iter()
        .filter(|product| product["price"]["amount"].as_i64().is_some_and(|price| price > 100))
        .filter_map(|product| product["sku"].as_str().map(str::to_owned))
        .take(3)
        .collect();
    let promotion = json!({
        "kind": { "type": "percentage", "basis_points": OFF },
    });
    story.tell("The web front announces a promotion: 10 % off everything, online");
    put_promotion(&scene.web.client, &promotion)?;
    for node in [&scene.kiosk, &scene.web] {
        let client = &node.client;
        wait_until(&format!("{} has heard of it all", node.name()), HEAR, || {
            Ok(client.list("/v1/products?limit=1000")?.len() == products.len()
                && client.list("/v1/stock?limit=1000")?.len() == units.len()
                && client.is_ok("/v1/promotions/online-10"))
        })?;
    }
    wait_until("the store has heard of the promotion", HEAR, || {
        Ok(scene.store.client.is_ok("/v1/promotions/online-10"))
    })?;
    story.claim(&format!("kiosk and web front see {} products and their stock", products.len()), true)?;
    Ok(skus)
}

fn put_promotion(client: &Client, promotion: &Value) -> Result<Value> {
    client.put("/v1/promotions/online-10", "promotion-online-10", promotion)
}

fn begin_cart(scene: &Scene, skus: &[String], story: &mut Story) -> Result<String> {
    story.step("A customer fills a cart in the web front");
    let web = &scene.web.client;
    let cart = web.post("/v1/carts", "cart-1", &json!({ "customer_ref": "customer-7" }))?;
    let id = cart["id"].as_str().context("the cart's id")?.to_owned();
    for (number, sku) in skus[..2].iter().enumerate() {
        let line = json!({ "sku": sku, "quantity": number + 1 });
        web.post(&format!("/v1/carts/{id}/lines"), &format!("cart-1-line-{number}"), &line)?;
    }
    wait_until("the kiosk has heard of the cart", HEAR, || {
        let cart = scene.kiosk.client.get(&format!("/v1/carts/{id}"))?;
        Ok(cart["lines"].as_array().is_some_and(|lines| lines.len() == 2))
    })?;
    story.claim(&format!("cart {id} with 2 lines is at the kiosk before she leaves home"), true)?;
    Ok(id)
}

fn cut(scene: &Scene, story: &mut Story) -> Result<()> {
    story.step("The store's internet goes down");
    scene.internet.cut();
    wait_until("the web front has noticed", HEAR, || Ok(scene.web.client.get("/v1/node")?["link"]["state"] == "down"))?;
    story.claim("the web front is cut off from the store; both go on by themselves", true)
}

fn continue_at_kiosk(scene: &Scene, cart: &str, skus: &[String], story: &mut Story) -> Result<()> {
    story.step("She walks into the store; the kiosk finds her cart, a clerk adds a line");
    let kiosk = &scene.kiosk.client;
    let found = kiosk.list("/v1/carts?customer_ref=customer-7")?;
    story.claim("the kiosk finds her cart by her customer reference", found.iter().any(|row| row["id"] == cart))?;
    let line = json!({ "sku": skus[2], "quantity": 1, "clerk": "clerk-12" });
    let cart = kiosk.post(&format!("/v1/carts/{cart}/lines"), "clerk-adds", &line)?;
    for line in cart["lines"].as_array().into_iter().flatten() {
        story.tell(&format!("{:>3} x {:<10} {}", line["quantity"], text(&line["sku"]), text(&line["name"])));
    }
    story.claim("the cart has 3 lines", cart["lines"].as_array().is_some_and(|lines| lines.len() == 3))?;
    let (subtotal, discount) = (money(&cart["subtotal"]), money(&cart["discount"]));
    for adjustment in cart["adjustments"].as_array().into_iter().flatten() {
        story.tell(&format!("{:>12}  {}", dollars(money(&adjustment["amount"])), text(&adjustment["reason"])));
    }
    story.claim(
        &format!("the online promotion applies: {} less {} off", dollars(subtotal), dollars(discount.abs())),
        subtotal > 0 && (discount.abs() * 10_000 - subtotal * OFF).abs() <= 3 * 10_000,
    )
}

fn check_out(scene: &Scene, cart: &str, story: &mut Story) -> Result<String> {
    story.step("The till checks out");
    let till = &scene.store.client;
    wait_until("the till has heard of the clerk's line", HEAR, || {
        let cart = till.get(&format!("/v1/carts/{cart}"))?;
        Ok(cart["lines"].as_array().is_some_and(|lines| lines.len() == 3))
    })?;
    let total = till.get(&format!("/v1/carts/{cart}"))?["total"].clone();
    let held = till.post(&format!("/v1/carts/{cart}:checkout"), "checkout-0", &json!({ "kind": "physical" }));
    story.claim(
        "the web front, which began the cart, holds its token and cannot be heard: the till does not check it out",
        held.err().is_some_and(|error| error.to_string().contains("holds the token")),
    )?;
    let fork = till.post(&format!("/v1/carts/{cart}:fork"), "fork-1", &json!({}))?;
    story.claim("so it forks the cart, at the same total, and sells the goods in hand", fork["total"] == total)?;
    let fork = text(&fork["id"]);
    let body = json!({ "kind": "physical", "tenders": [{ "kind": "card", "amount": total }] });
    let order = till.post(&format!("/v1/carts/{fork}:checkout"), "checkout-1", &body)?;
    let id = text(&order["id"]).to_owned();
    story.tell(&format!("receipt {}, {} paid by card", text(&order["receipt_number"]), dollars(money(&total))));
    story.claim("the order's total is what the cart showed", order["total"] == total && money(&total) > 0)?;
    let again = till.post(&format!("/v1/carts/{fork}:checkout"), "checkout-1", &body)?;
    story.claim(
        "asking again with the same key gives the same receipt",
        again["receipt_number"] == order["receipt_number"],
    )?;
    let twice = till.post(&format!("/v1/carts/{fork}:checkout"), "checkout-2", &body);
    story.claim("a second checkout of it is refused", twice.is_err())?;
    Ok(id)
}

fn see_stock(scene: &Scene, skus: &[String], before: i64, story: &mut Story) -> Result<()> {
    story.step("In the store, everybody sees less stock at once; the web front cannot know yet");
    let client = &scene.kiosk.client;
    wait_until("the kiosk sees less stock", HEAR, || Ok(on_hand(client, &skus[0])? == before - 1))?;
    story.claim(&format!("the kiosk sees {} of {} instead of {before}", before - 1, skus[0]), true)?;
    story.claim("the web front still sees the old number", on_hand(&scene.web.client, &skus[0])? == before)
}

fn mend(scene: &Scene, skus: &[String], before: i64, order: &str, story: &mut Story) -> Result<()> {
    story.step("The internet returns");
    scene.internet.mend();
    let web = &scene.web.client;
    wait_until("the web front sees less stock", HEAR, || Ok(on_hand(web, &skus[0])? == before - 1))?;
    story.claim(&format!("the web front sees {} of {}", before - 1, skus[0]), true)?;
    for sku in skus {
        let seen = [&scene.store, &scene.kiosk, &scene.web].map(|node| on_hand(&node.client, sku));
        let seen: Vec<i64> = seen.into_iter().collect::<Result<_>>()?;
        story.claim(&format!("all three see {} of {sku}", seen[0]), seen.iter().all(|number| *number == seen[0]))?;
    }
    let there = scene.store.client.get(&format!("/v1/orders/{order}"))?;
    let here = web.get(&format!("/v1/orders/{order}"))?;
    story.claim(
        &format!("the web front shows her order {} with the same total", text(&here["receipt_number"])),
        here["total"] == there["total"] && here["receipt_number"] == there["receipt_number"],
    )
}

fn nothing_left(scene: &Scene, cart: &str, story: &mut Story) -> Result<()> {
    let web = &scene.web.client;
    wait_until("the web front has heard of the fork", HEAR, || {
        let cart = web.get(&format!("/v1/carts/{cart}"))?;
        Ok(cart["sold_by_forks"].as_array().is_some_and(|lines| lines.len() == 3))
    })?;
    let cart = web.get(&format!("/v1/carts/{cart}"))?;
    story.claim(
        "her cart on the web shows what the store sold of it, and has nothing left to sell",
        cart["state"] == "open" && cart["lines"].as_array().is_some_and(Vec::is_empty),
    )
}

fn on_hand(client: &Client, sku: &str) -> Result<i64> {
    client.get(&format!("/v1/stock/{sku}"))?["on_hand"].as_i64().context("on_hand")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn money(value: &Value) -> i64 {
    value["amount"].as_i64().unwrap_or_default()
}

fn dollars(cents: i64) -> String {
    format!("{}{}.{:02} USD", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100)
}

fn keep_running(scene: Scene, folder: tempfile::TempDir) {
    println!("\nThe nodes keep running; their stores and logs are in {}.", folder.keep().display());
    for node in [scene.store, scene.kiosk, scene.web] {
        println!("  {:<6} {}   try: curl -s {}/v1/node", node.name(), node.client.url(), node.client.url());
        node.keep_running();
    }
    println!("The link between web front and store ends with this program: press Enter to end it and keep the nodes.");
    let mut line = String::new();
    // Whatever ends the wait ends the program.
    let _ = std::io::stdin().read_line(&mut line);
}
