//! Requests that are refused, and how.

use serde_json::{Value, json};

use crate::support::Node;
use crate::support::http::Request;
use crate::support::shop::{goods, sale_of, usd};
use crate::webhook::signed;

/// A request that is refused.
pub struct Case {
    /// The kind of problem.
    pub kind: &'static str,
    /// The status.
    pub status: u16,
    /// The request.
    pub request: Request,
    /// What the detail says.
    pub says: Vec<&'static str>,
}

/// What the refused requests are about.
pub struct Scene {
    open_cart: String,
    empty_cart: String,
    sold_cart: String,
    merged_cart: String,
    order: String,
    /// Goods that came back and were kept aside.
    returned: String,
    /// A reservation that was given up.
    over: String,
    /// Two SKUs that were sold and are not in the catalogue, of which one was decided on.
    decided_item: String,
    open_item: String,
}

impl Scene {
    /// A product `A`, five of it, one of them sold by a cart.
    pub fn build(node: &Node) -> Self {
        node.put_product("A", 250);
        node.receive("receipt", "A", 5);
        let card = json!({ "kind": "gift-card", "amount": usd(500), "code": "5000-6000-7000-8000" });
        node.post("/v1/vouchers", "card", &card).ok();
        let open_cart = node.cart_of("open", "A", 1);
        let empty_cart = node.post("/v1/carts", "empty", &json!({})).ok()["id"].as_str().unwrap().to_owned();
        let sold_cart = node.cart_of("sold", "A", 1);
        let order = node.post(&format!("/v1/carts/{sold_cart}:checkout"), "pay", &json!({ "kind": "physical" })).ok();
        let order = order["id"].as_str().unwrap().to_owned();
        let aside = json!({ "lines": [{ "sku": "ASIDE", "quantity": 1, "undecided": true }] });
        let returned = node.post("/v1/returns", "aside", &aside).ok()["events"][0]["id"].as_str().unwrap().to_owned();
        let kept = json!({ "lines": [{ "sku": "A", "quantity": 1 }] });
        let over = node.post("/v1/reservations", "kept", &kept).ok()["id"].as_str().unwrap().to_owned();
        node.post(&format!("/v1/reservations/{over}:release"), "given-up", &json!({})).ok();
        let merged_cart = node.post("/v1/carts", "merged", &json!({})).ok()["id"].as_str().unwrap().to_owned();
        let merge = json!({ "from": merged_cart, "policy": "sum" });
        node.post(&format!("/v1/carts/{open_cart}:merge"), "merge", &merge).ok();
        let [decided_item, open_item] = unknown_skus(node);
        Self { open_cart, empty_cart, sold_cart, merged_cart, order, returned, over, decided_item, open_item }
    }
}

fn unknown_skus(node: &Node) -> [String; 2] {
    let known: Vec<Value> = node.client().list("/v1/work-items").unwrap();
    node.sell("unknown-1", "STRANGE", 1);
    node.sell("unknown-2", "STRANGER", 1);
    let mut items: Vec<Value> = node.client().list("/v1/work-items").unwrap();
    items.retain(|item| !known.contains(item));
    let [one, other] = <[Value; 2]>::try_from(items).unwrap().map(|item| item["id"].as_str().unwrap().to_owned());
    node.post(&format!("/v1/work-items/{one}:resolve"), "decide", &json!({ "choice": "accept" })).ok();
    [one, other]
}

/// Every case.
pub fn all(node: &Node, scene: &Scene) -> Vec<Case> {
    [
        bodies(node),
        fields(node),
        moves(node, scene),
        returns(node, scene),
        headers(node),
        addresses(node),
        carts(node, scene),
        reservations(node, scene),
        vouchers(node),
        messages(node),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn case(kind: &'static str, status: u16, request: Request, says: &[&'static str]) -> Case {
    Case { kind, status, request, says: says.to_vec() }
}

fn invalid(request: Request, says: &[&'static str]) -> Case {
    case("invalid-field", 422, request, says)
}

fn post(node: &Node, path: &str, body: &Value) -> Request {
    node.request("POST", path).json(body)
}

fn text(node: &Node, body: &str) -> Request {
    node.request("POST", "/v1/sales").header("Content-Type", "application/json").body(body.as_bytes())
}

fn bodies(node: &Node) -> Vec<Case> {
    let large = format!("{{\"lines\": [{}]}}", " ".repeat(512 * 1024));
    vec![
        case("malformed-json", 400, text(node, "{\"lines\": ["), &["not JSON", "line 1 column 11"]),
        case("malformed-json", 400, text(node, "{\"lines\": []} x"), &["not JSON", "line 1 column 15"]),
        case("malformed-json", 400, text(node, "\u{0}"), &["not JSON"]),
        case("body-too-large", 413, text(node, &large), &["524288 bytes"]),
        case(
            "unsupported-media-type",
            415,
            node.request("POST", "/v1/sales").header("Content-Type", "text/csv").body(b"A,1"),
            &["Content-Type is text/csv", "application/json"],
        ),
        case("unsupported-media-type", 415, post(node, "/v1/sales:import", &json!({})), &["application/x-ndjson"]),
        case(
            "unknown-field",
            422,
            post(node, "/v1/sales", &json!({ "lines": [], "colour": "red" })),
            &["colour is \"red\"", "unknown field"],
        ),
        case(
            "unknown-field",
            422,
            post(node, "/v1/sales", &json!({ "lines": [{ "sku": "A", "quantity": 1, "qty": 2 }] })),
            &["lines[0].qty is 2"],
        ),
        invalid(text(node, "[]"), &["body", "invalid type"]),
        invalid(post(node, "/v1/sales", &json!({})), &["lines: it is needed"]),
        invalid(post(node, "/v1/sales", &json!({ "lines": null })), &["lines", "null"]),
    ]
}

fn fields(node: &Node) -> Vec<Case> {
    let receipt = |line: Value| post(node, "/v1/stock/receipts", &json!({ "lines": [line] }));
    let sale = |lines: Value| post(node, "/v1/sales", &json!({ "lines": lines }));
    let product = |body: Value| node.request("PUT", "/v1/products/B").json(&body);
    let many: Vec<_> = (0..501).map(|_| json!({ "sku": "A", "quantity": 1 })).collect();
    let eur = json!({ "amount": 1, "currency": "EUR" });
    let line = |amount: &Value| json!({ "sku": "A", "quantity": 1, "amount": amount });
    let tender = json!({ "lines": [line(&usd(1))], "tenders": [{ "kind": "cash", "amount": eur }] });
    let late = json!({ "lines": [line(&usd(1))], "sold_at": "2999-01-01T00:00:00Z" });
    vec![
        invalid(receipt(json!({ "sku": "A", "quantity": -1 })), &["lines[0].quantity is -1", "between 1 and"]),
        invalid(receipt(json!({ "sku": "A", "quantity": 0 })), &["lines[0].quantity is 0", "between 1 and"]),
        invalid(receipt(json!({ "sku": "A", "quantity": i64::MAX })), &["lines[0].quantity is 9223372036854775807"]),
        invalid(receipt(json!({ "sku": "A", "quantity": 1e300 })), &["lines[0].quantity", "expected an integer"]),
        invalid(receipt(json!({ "sku": "A", "quantity": 1.5 })), &["lines[0].quantity is 1.5", "an integer"]),
        invalid(receipt(json!({ "sku": "A", "quantity": "3" })), &["lines[0].quantity is \"3\"", "an integer"]),
        invalid(receipt(json!({ "sku": " A", "quantity": 1 })), &["lines[0].sku is \" A\"", "white space"]),
        invalid(receipt(json!({ "sku": "", "quantity": 1 })), &["lines[0].sku", "it is empty"]),
        invalid(receipt(json!({ "quantity": 1 })), &["lines[0].sku: it is needed"]),
        invalid(sale(json!([])), &["lines is empty", "at least one line is needed"]),
        invalid(sale(json!(many)), &["lines is 501 entries", "at most 500"]),
        invalid(sale(json!([line(&usd(-1))])), &["lines[0].amount.amount is -1", "must not be negative"]),
        invalid(sale(json!([line(&usd(i64::MAX))])), &["lines[0].amount", "9223372036854775807"]),
        invalid(
            sale(json!([line(&json!({ "amount": 1, "currency": "XXY" }))])),
            &["lines[0].amount.currency is \"XXY\""],
        ),
        invalid(post(node, "/v1/sales", &late), &["sold_at is 2999-01-01T00:00:00Z", "a day ahead"]),
        case(
            "currency-mismatch",
            422,
            sale(json!([line(&usd(1)), line(&eur)])),
            &["lines[1].amount.currency is EUR", "currency USD"],
        ),
        case("currency-mismatch", 422, post(node, "/v1/sales", &tender), &["tenders[0].amount.currency is EUR"]),
        invalid(product(json!({ "name": " " })), &["name is \" \"", "must not be empty"]),
        invalid(product(json!({ "name": "B", "sku": "C" })), &["sku is C", "the SKU of the path"]),
        invalid(product(json!({ "name": "B", "price": usd(-1) })), &["price.amount is -1", "must not be negative"]),
        invalid(product(json!({ "name": "B", "gtin": "4006381333932" })), &["gtin is 4006381333932", "check digit"]),
        invalid(
            node.request("PUT", "/v1/promotions/p")
                .json(&json!({ "kind": { "type": "percentage", "basis_points": 0 } })),
            &["basis_points"],
        ),
        invalid(node.request("PUT", "/v1/promotions/p").json(&json!({ "kind": { "type": "gift" } })), &["kind.type"]),
    ]
}

fn moves(node: &Node, scene: &Scene) -> Vec<Case> {
    let transfer = |to: &str, quantity: i64| {
        let lines = json!([{ "sku": "A", "quantity": quantity }]);
        post(node, "/v1/stock/transfers", &json!({ "to": to, "lines": lines }))
    };
    let twice = json!({ "lines": [{ "sku": "A", "quantity": 1 }, { "sku": "A", "quantity": 2 }] });
    let returns = format!("/v1/orders/{}/returns", scene.order);
    let refund =
        json!({ "lines": [{ "sku": "A", "quantity": 1 }], "refund": [{ "kind": "cash", "amount": usd(251) }] });
    let zero = json!({ "lines": [{ "sku": "A", "quantity": 0 }], "reason": "lost" });
    let reason = json!({ "lines": [{ "sku": "A", "quantity": 1 }], "reason": "eaten" });
    let nothing = json!({ "kind": "paid-in", "amount": usd(0) });
    vec![
        case("day-not-open", 409, post(node, "/v1/days/2001-01-01:close", &json!({})), &["2001-01-01", "open day is"]),
        invalid(post(node, "/v1/cash/movements", &nothing), &["amount.amount is 0", "at least 1"]),
        case("insufficient-stock", 409, transfer("depot", 5), &["lines[0].quantity is 5", "only 4 of A", "till"]),
        invalid(transfer("till", 1), &["to is till", "another location"]),
        invalid(transfer("a b", 1), &["to is \"a b\"", "A-Z, a-z, 0-9, _ and -"]),
        invalid(post(node, "/v1/stock/counts", &twice), &["lines[1].sku is A", "each SKU once"]),
        invalid(post(node, "/v1/stock/adjustments", &zero), &["lines[0].quantity is 0", "must not be zero"]),
        invalid(post(node, "/v1/stock/adjustments", &reason), &["reason is \"eaten\"", "written-off"]),
        case(
            "more-than-ordered",
            409,
            post(node, &returns, &goods("A", 2)),
            &["lines[0].quantity is 2", "1 of A left to return"],
        ),
        invalid(post(node, &returns, &refund), &["251", "250 minor units left to pay back"]),
        case("unknown-order", 404, post(node, &returns.replace(&scene.order, NO_EVENT), &goods("A", 1)), &[NO_EVENT]),
        case(
            "more-than-ordered",
            409,
            post(node, &format!("/v1/orders/{}/fulfilments", scene.order), &goods("A", 1)),
            &["0 of A left to fulfil"],
        ),
    ]
}

fn returns(node: &Node, scene: &Scene) -> Vec<Case> {
    let order = format!("/v1/orders/{}", scene.order);
    let authorise = |body: Value| post(node, &format!("{order}/return-authorisations"), &body);
    let decide =
        |id: &str, lines: Value| post(node, &format!("/v1/returns/{id}/dispositions"), &json!({ "lines": lines }));
    let aside = |quantity: i64| json!([{ "sku": "ASIDE", "quantity": quantity, "restock": true }]);
    let both = json!({ "lines": [{ "sku": "A", "quantity": 1, "restock": true, "undecided": true }] });
    let by = json!({ "lines": goods("A", 1)["lines"], "authorisation": NO_EVENT });
    vec![
        case("more-than-ordered", 409, authorise(goods("A", 2)), &["1 of A left to authorise the return of"]),
        invalid(authorise(json!({ "until": "2001-01-01T00:00:00Z" })), &["until is 2001-01-01", "must lie ahead"]),
        invalid(authorise(goods("A", 0)), &["lines[0].quantity is 0", "between 1 and"]),
        invalid(post(node, &format!("{order}/returns"), &both), &["lines[0].undecided is true", "leave restock out"]),
        invalid(
            post(node, &format!("{order}/returns"), &by),
            &["authorisation is", NO_EVENT, "no return authorisation"],
        ),
        case("unknown-return", 404, decide(NO_EVENT, aside(1)), &[NO_EVENT]),
        case("unknown-return", 404, decide(&scene.order, aside(1)), &["there is no return"]),
        case("unknown-return", 404, node.request("GET", &format!("/v1/returns/{NO_EVENT}")), &[NO_EVENT]),
        case(
            "more-than-undecided",
            409,
            decide(&scene.returned, aside(2)),
            &["lines[0].quantity is 2", "1 of ASIDE left"],
        ),
        invalid(decide(&scene.returned, json!([])), &["lines is empty"]),
        invalid(
            decide(&scene.returned, json!([{ "sku": "ASIDE", "quantity": 1 }])),
            &["lines[0].restock: it is needed"],
        ),
    ]
}

fn vouchers(node: &Node) -> Vec<Case> {
    let issue = |body: Value| post(node, "/v1/vouchers", &body);
    let pay = |code: &str, amount: Value| {
        let tender = json!({ "kind": "gift-card", "amount": amount, "reference": code });
        // Of a SKU without a price, so that the line is of the tender's currency.
        let line = json!({ "sku": "Z", "quantity": 1, "amount": amount });
        post(node, "/v1/sales", &json!({ "lines": [line], "tenders": [tender] }))
    };
    let nobody = json!({ "kind": "gift-card", "amount": usd(1) });
    let nobody = json!({ "lines": [{ "sku": "A", "quantity": 1 }], "tenders": [nobody] });
    let euro = json!({ "amount": 100, "currency": "EUR" });
    let past = "2001-01-01T00:00:00Z";
    let card = |more: Value| {
        let mut body = json!({ "kind": "gift-card", "amount": usd(500) });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        issue(body)
    };
    vec![
        case("unknown-voucher", 404, node.request("GET", "/v1/vouchers/1111-2222-3333-4444"), &["****4444"]),
        case("unknown-voucher", 404, pay("1111222233334444", usd(1)), &["gift card ****4444", "not known"]),
        case("unknown-voucher", 404, pay("K7QM-9X20-1ABC-DEFG-HJKN", usd(1)), &["mistyped"]),
        case("voucher-spent", 409, pay("5000600070008000", usd(501)), &["501 of gift card ****8000", "500 are left"]),
        case("currency-mismatch", 422, pay("5000600070008000", euro), &["tenders[0].amount.currency is EUR", "USD"]),
        invalid(post(node, "/v1/sales", &nobody), &["tenders[0].reference", "a code"]),
        invalid(issue(json!({ "kind": "gift-card" })), &["amount", "worth an amount"]),
        invalid(issue(json!({ "kind": "coupon", "amount": usd(1) })), &["uses", "number of uses"]),
        invalid(card(json!({ "amount": usd(0) })), &["amount.amount is 0", "between 1 and"]),
        invalid(card(json!({ "code": "SHORT" })), &["code", "at least 16"]),
        invalid(card(json!({ "code": "a/b" })), &["code", "letters and digits"]),
        invalid(card(json!({ "valid_until": past })), &["valid_until is 2001-01-01", "must lie ahead"]),
        invalid(issue(json!({ "kind": "coupon", "uses": 1, "promotion": "none" })), &["promotion is none"]),
    ]
}

fn headers(node: &Node) -> Vec<Case> {
    let sale = || post(node, "/v1/sales", &sale_of("A", 1));
    let long = "k".repeat(129);
    vec![
        case(
            "invalid-idempotency-key",
            400,
            sale().key("two words"),
            &["Idempotency-Key is two words", "visible ASCII"],
        ),
        case("invalid-idempotency-key", 400, sale().key(&long), &["1 to 128"]),
        case("invalid-idempotency-key", 400, sale().key("a").key("b"), &["Idempotency-Key is a", "more than once"]),
        case("idempotency-key-reused", 422, sale().key("receipt"), &["used before for another request"]),
        case("host-not-allowed", 421, sale().header("Host", "evil.example"), &["Host is evil.example", "localhost"]),
        case("cross-origin", 403, sale().header("Origin", "https://evil.example"), &["Origin is https://evil.example"]),
        case("cross-origin", 403, sale().header("Origin", "null"), &["Origin is null"]),
    ]
}

fn addresses(node: &Node) -> Vec<Case> {
    let get = |path: &str| node.request("GET", path);
    let missing = |kind, path: &str, says: &'static str| case(kind, 404, get(path), &[says]);
    let wrong = |path: &str, says: &[&'static str]| case("invalid-parameter", 400, get(path), says);
    vec![
        missing("no-such-route", "/v2/sales", "/v2/sales"),
        missing("unknown-product", "/v1/products/NO", "NO"),
        missing("unknown-product", "/v1/stock/NO", "NO"),
        missing("unknown-promotion", "/v1/promotions/no", "no"),
        missing("unknown-order", &format!("/v1/orders/{NO_EVENT}"), NO_EVENT),
        missing("unknown-cart", &format!("/v1/carts/{NO_CART}"), NO_CART),
        missing("unknown-day", "/v1/days/2001-01-01/report", "2001-01-01"),
        wrong("/v1/days/today/report", &["date is today"]),
        missing("unknown-object", &format!("/v1/objects/{NO_OBJECT}"), NO_OBJECT),
        missing("unknown-problem", "/problems/no", "no"),
        case("method-not-allowed", 405, node.request("DELETE", "/v1/sales"), &["/v1/sales", "DELETE"]),
        wrong("/v1/stock/A?explain=maybe", &["explain is maybe", "it must be one of true, false"]),
        wrong("/v1/stock?limit=0", &["limit is 0", "between 1 and 1000"]),
        wrong("/v1/stock?limit=1&limit=2", &["limit is 1", "more than once"]),
        wrong("/v1/stock?colour=red", &["colour is red", "no such parameter"]),
        wrong("/v1/stock?location=a%20b", &["location is a b", "A-Z"]),
        wrong("/v1/orders/no", &["id is no", "base32"]),
        wrong("/v1/carts?state=sold", &["state is sold", "open, checked-out, merged"]),
        wrong("/v1/products?reference=1", &["reference is 1", "channel"]),
        wrong("/v1/events?after=1.2", &["after is 1.2", "position.slot.index"]),
        case("invalid-cursor", 400, get("/v1/stock?cursor=AAAA"), &["cursor is AAAA", "next_cursor"]),
        case("invalid-cursor", 400, get("/v1/events?after=999.0.0"), &["after is 999.0.0", "log ends at"]),
    ]
}

fn carts(node: &Node, scene: &Scene) -> Vec<Case> {
    let Scene { open_cart, empty_cart, sold_cart, merged_cart, .. } = scene;
    let merge = |into: &str, from: &str| {
        post(node, &format!("/v1/carts/{into}:merge"), &json!({ "from": from, "policy": "sum" }))
    };
    let checkout_with = |body: Value| post(node, &format!("/v1/carts/{open_cart}:checkout"), &body);
    let line =
        |cart: &str, sku: &str| post(node, &format!("/v1/carts/{cart}/lines"), &json!({ "sku": sku, "quantity": 1 }));
    let checkout = |cart: &str, kind: &str| post(node, &format!("/v1/carts/{cart}:checkout"), &json!({ "kind": kind }));
    let change = |sku: &str, quantity: i64| {
        node.request("PATCH", &format!("/v1/carts/{open_cart}/lines/{sku}")).json(&json!({ "quantity": quantity }))
    };
    let remove = node.request("DELETE", &format!("/v1/carts/{open_cart}/lines/NO"));
    let body = node.request("DELETE", &format!("/v1/carts/{open_cart}/lines/A")).json(&json!({}));
    vec![
        case("unknown-sku", 422, line(open_cart, "NO"), &["sku is NO", "no product of this SKU"]),
        case("unknown-cart", 404, line(NO_CART, "A"), &[NO_CART]),
        case("unknown-line", 404, change("NO", 1), &["NO in cart"]),
        case("unknown-line", 404, remove, &["NO in cart"]),
        invalid(change("A", -1), &["quantity is -1", "between 0 and"]),
        invalid(body, &["body is 2 bytes", "takes no body"]),
        invalid(post(node, &format!("/v1/carts/{open_cart}/coupons"), &json!({ "code": "" })), &["code", "1 to 64"]),
        case("cart-checked-out", 409, line(sold_cart, "A"), &["was checked out as order"]),
        case("cart-checked-out", 409, checkout(sold_cart, "physical"), &["was checked out as order"]),
        case("cart-empty", 409, checkout(empty_cart, "physical"), &["has no lines"]),
        case("cart-merged", 409, line(merged_cart, "A"), &["was merged into cart"]),
        case("cart-merged", 409, merge(open_cart, merged_cart), &["was merged into cart"]),
        invalid(merge(open_cart, open_cart), &["from is", "another cart"]),
        invalid(
            post(node, &format!("/v1/carts/{open_cart}:merge"), &json!({ "from": merged_cart, "policy": "mix" })),
            &["policy is \"mix\"", "keep"],
        ),
        case("unknown-cart", 404, merge(open_cart, NO_CART), &[NO_CART]),
        invalid(node.request("POST", &format!("/v1/carts/{open_cart}:fork")), &["cart is", "needs no fork"]),
        invalid(checkout_with(json!({ "kind": "physical", "ttl_seconds": 5 })), &["ttl_seconds", "not kept"]),
        invalid(checkout_with(json!({ "kind": "physical", "confirmed": true })), &["confirmed", "promise"]),
        invalid(checkout_with(json!({ "kind": "promise", "ttl_seconds": 0 })), &["ttl_seconds is 0", "between 1"]),
        invalid(checkout(open_cart, "gift"), &["kind is \"gift\"", "physical"]),
    ]
}

fn reservations(node: &Node, scene: &Scene) -> Vec<Case> {
    let Scene { order, over, decided_item: decided, open_item, .. } = scene;
    let accept = json!({ "choice": "accept" });
    let reserve = |sku: &str, quantity: i64, ttl: i64| {
        let line = json!({ "sku": sku, "quantity": quantity });
        post(node, "/v1/reservations", &json!({ "lines": [line], "ttl_seconds": ttl }))
    };
    let act = |id: &str, action: &str| node.request("POST", &format!("/v1/reservations/{id}:{action}"));
    vec![
        case("not-available", 409, reserve("A", 99, 60), &["lines[0].quantity is 99", "may be promised here"]),
        case("unknown-sku", 422, reserve("NO", 1, 60), &["lines[0].sku is NO", "no product of this SKU"]),
        invalid(reserve("A", 0, 60), &["lines[0].quantity is 0", "between 1 and"]),
        invalid(reserve("A", 1, 0), &["ttl_seconds is 0", "between 1 and"]),
        case("reservation-over", 409, act(over, "confirm"), &["is cancelled", "nothing of it is open"]),
        case("unknown-reservation", 404, act(order, "release"), &["no reservation"]),
        case("unknown-order", 404, act(NO_EVENT, "confirm"), &[NO_EVENT]),
        case("unknown-work-item", 404, node.request("GET", &format!("/v1/work-items/{NO_EVENT}")), &[NO_EVENT]),
        case(
            "work-item-decided",
            409,
            post(node, &format!("/v1/work-items/{decided}:resolve"), &accept),
            &["was decided on before"],
        ),
        invalid(
            post(node, &format!("/v1/work-items/{open_item}:resolve"), &json!({ "choice": "forget" })),
            &["accept"],
        ),
        case("unknown-reservation", 404, node.request("GET", &format!("/v1/reservations/{NO_EVENT}")), &[NO_EVENT]),
    ]
}

fn messages(node: &Node) -> Vec<Case> {
    let odd = |topic: &str| {
        node.request("POST", "/v1/channels/odd/inbound").header("X-Message-Id", "1").header("X-Topic", topic).body(b"x")
    };
    let shop = |topic: &str, body: &str| signed(node, topic, "1", body.as_bytes());
    let order = r#"{"id": 1, "currency": "EUR", "created_at": "2026-11-20T09:15:31Z", "line_items": [LINE]}"#;
    let line = |line: &str| shop("orders/create", &order.replace("LINE", line));
    let place =
        r#"{"id": 1, "currency": "EUR", "created_at": "2026-11-20T09:15:31Z", "location_id": 9, "line_items": [{}]}"#;
    let forged = signed(node, "orders/create", "1", b"{}").body(b"{ }");
    let unsigned = node.request("POST", "/v1/channels/shop/inbound").header("X-Shopify-Webhook-Id", "1").body(b"{}");
    vec![
        case("unknown-plugin", 404, node.request("GET", "/v1/plugins/no/log"), &["no plugin no"]),
        case("unknown-dead-letter", 404, node.request("GET", &format!("/v1/dead-letters/{NO_EVENT}")), &[NO_EVENT]),
        case(
            "unknown-dead-letter",
            404,
            node.request("POST", &format!("/v1/dead-letters/{NO_EVENT}:replay")),
            &[NO_EVENT],
        ),
        case("unknown-channel", 404, node.request("POST", "/v1/channels/no/inbound").body(b"x"), &["no"]),
        case(
            "invalid-header",
            400,
            node.request("POST", "/v1/channels/odd/inbound").body(b"x"),
            &["x-message-id", "missing"],
        ),
        case("bad-signature", 401, forged, &["x-shopify-hmac-sha256", "does not hold"]),
        case("bad-signature", 401, unsigned, &["x-shopify-hmac-sha256", "does not hold"]),
        case("message-malformed", 422, shop("orders/create", "{"), &["shopify", "malformed"]),
        case(
            "message-malformed",
            422,
            line(r#"{"sku": "A", "quantity": 0, "price": "1.00"}"#),
            &["line_items[0].quantity", "\"0\"", "at least 1"],
        ),
        case("message-unsupported", 422, shop("carts/update", "{}"), &["carts/update"]),
        case(
            "message-unknown-sku",
            422,
            line(r#"{"variant_id": 77, "quantity": 1, "price": "1.00"}"#),
            &["line_items[0].variant_id", "\"77\"", "no product"],
        ),
        case("message-rejected", 422, shop("orders/create", place), &["location_id", "\"9\"", "location.9"]),
        case("message-retry", 503, odd("fail"), &["catalogue", "not there yet"]),
        case("plugin-failed", 503, odd("trap"), &["misbehaving", "crashed"]),
        case("plugin-failed", 503, odd("loop"), &["misbehaving", "stopped"]),
        case("plugin-failed", 503, odd("bad-sku"), &["misbehaving", "refused"]),
    ]
}

const NO_EVENT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
const NO_CART: &str = "aaaaaaaaaaaaaaaa";
const NO_OBJECT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
