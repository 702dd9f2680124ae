//! The kinds of problems, with what `GET /problems/{name}` says about each.

use axum::http::StatusCode;

macro_rules! kinds {
    ($($variant:ident = $name:literal, $status:ident, $title:literal, $text:literal;)*) => {
        /// A kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(in crate::http) enum ProblemKind {
            $(#[doc = $title] $variant,)*
        }

        impl ProblemKind {
            /// All of them.
            pub(in crate::http) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in its URI.
            pub(in crate::http) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status.
            pub(in crate::http) const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// The kind in words.
            pub(in crate::http) const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What it means and what to do.
            pub(in crate::http) const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

kinds! {
    AlreadyReceived = "already-received", CONFLICT, "Goods of this document were booked in before",
        "Goods are booked in once for each document and SKU, whatever the Idempotency-Key, so that a delivery note \
            that is sent again brings no goods again. The member `event` names the receipt. If this is another \
            delivery, such as a further part of a purchase order, send it again with the number of its own delivery \
            note or dispatch advice as `reference`: a purchase order's number names all of its deliveries. If it is \
            the same delivery, there is nothing to do.";
    AuthorisationOver = "authorisation-over", CONFLICT, "The return authorisation's time is over",
        "The member `until` says since when. Authorise the return again, or take the goods back without one.";
    BackupRunning = "backup-running", CONFLICT, "A backup is being made already",
        "A node makes one backup at a time. Wait until it is done, and ask again.";
    BadSignature = "bad-signature", UNAUTHORIZED, "The signature does not hold",
        "The channel's settings ask for a signature over the body, and the one in the header is missing or is of \
            another body or secret. Compare the secret with the channel's; the body must arrive to the byte.";
    BeingCancelled = "being-cancelled", CONFLICT, "The goods are being cancelled",
        "Who made the order asked to give it up, and its location consented: the goods may be sold again. The member \
            `left` says how much of the order may still leave. Put the goods back.";
    BodyTimeout = "body-timeout", REQUEST_TIMEOUT, "The body did not arrive in time",
        "The request's body stopped arriving. Send the request again, under the same Idempotency-Key.";
    BodyTooLarge = "body-too-large", PAYLOAD_TOO_LARGE, "The body is too large",
        "One request may not carry so many bytes. Split it; many records go through an import, which has no limit \
            as a whole.";
    CartBehind = "cart-behind", CONFLICT, "The cart's token is here, and not yet all of the cart",
        "The node that held the token knew of changes that have not arrived here yet. Try again in a moment; where \
            they do not come, for that node went away, fork the cart: `POST /v1/carts/{id}:fork`.";
    CartChanged = "cart-changed", CONFLICT, "The cart changed meanwhile",
        "Somebody changed the cart while its price was worked out. Show the cart again and check it out again.";
    CartCheckedOut = "cart-checked-out", CONFLICT, "The cart was checked out",
        "A cart is sold once. The member `order` names its order. Begin another cart for further goods.";
    CartEmpty = "cart-empty", CONFLICT, "The cart is empty",
        "There is nothing to check out. Add lines first.";
    CartExpired = "cart-expired", CONFLICT, "The cart has expired",
        "Nobody added to the cart for as many days as the node's setting carts.expire_days says. Begin another one.";
    CartHeldElsewhere = "cart-held-elsewhere", CONFLICT, "Another node holds the cart's token",
        "Only the node that holds a cart's token ends the cart. The member `holder` names it; it was asked, and did \
            not give the token away. Where `heard_lately` is true, try again in a moment. Else sell the goods in \
            hand from a fork: `POST /v1/carts/{id}:fork` gives one, which this node can check out.";
    CartMerged = "cart-merged", CONFLICT, "The cart went on in another one",
        "The lines of the cart went on in the cart that the member `into` names. Use that one.";
    CrossOrigin = "cross-origin", FORBIDDEN, "A page of another origin may not write",
        "The request's Origin is not this node. Browsers may only write from pages that the node itself serves.";
    CurrencyMismatch = "currency-mismatch", UNPROCESSABLE_ENTITY, "Amounts of different currencies",
        "Every amount of one document must have the same currency.";
    DayNotOpen = "day-not-open", CONFLICT, "The day of trade is not open",
        "Only the open day can be closed, once it has begun or something was recorded on it. The member `open` names \
            it.";
    DecidedElsewhere = "decided-elsewhere", CONFLICT, "Other nodes carry this decision out",
        "Who sold, handed over or booked in what a work item is about puts it right, so that it is put right once. The \
            member `nodes` names who can: decide there.";
    ForkNotPromised = "fork-not-promised", CONFLICT, "A fork's goods are not promised",
        "A fork sells the goods that are in hand, kind `physical`. What is to be promised is checked out from the cart \
            itself, at the node that holds its token, or reserved by itself.";
    HostNotAllowed = "host-not-allowed", MISDIRECTED_REQUEST, "This node does not go by that name",
        "The Host header is neither loopback, nor the address that the node listens on, nor in its setting \
            http.allowed_hosts. This keeps web pages from reaching the node through a name that they control.";
    IdempotencyKeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY,
        "The idempotency key was used for another request",
        "A key stands for one request. Repeat that request to the letter, or take a new key.";
    InsufficientStock = "insufficient-stock", CONFLICT, "More than is available",
        "A planned exit of goods may not take what is not there or promised to somebody. The member `available` \
            says how much can leave.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "The node failed",
        "This is a defect of the node. It goes on; its log says more.";
    InvalidCursor = "invalid-cursor", BAD_REQUEST, "The cursor is not one of this list",
        "A cursor is taken from `next_cursor` of the same list with the same filters. Begin again without one.";
    InvalidField = "invalid-field", UNPROCESSABLE_ENTITY, "A field breaks a rule",
        "The members `field`, `value` and `rule` say which. Nothing was written.";
    InvalidHeader = "invalid-header", BAD_REQUEST, "A header is missing or broken",
        "The member `field` names the header.";
    InvalidIdempotencyKey = "invalid-idempotency-key", BAD_REQUEST, "The idempotency key is not one",
        "A key has 1 to 128 visible ASCII characters, without spaces, and is given once.";
    InvalidParameter = "invalid-parameter", BAD_REQUEST, "A parameter of the path or query breaks a rule",
        "The members `field`, `value` and `rule` say which.";
    LineTooLong = "line-too-long", PAYLOAD_TOO_LARGE, "A line of an import is too long",
        "One line carries one record. The import goes on with the next line.";
    MalformedJson = "malformed-json", BAD_REQUEST, "The body is not JSON",
        "The members `line` and `column` say where reading stopped.";
    MessageMalformed = "message-malformed", UNPROCESSABLE_ENTITY, "The message breaks its own format",
        "The channel's plugin cannot read the message. Sending it again does not help.";
    MessageRejected = "message-rejected", UNPROCESSABLE_ENTITY, "The message breaks a rule of the trade",
        "The channel's plugin refuses what the message asks for.";
    MessageRetry = "message-retry", SERVICE_UNAVAILABLE, "The message cannot be taken yet",
        "Something that the channel's plugin needs is not there yet. Send the message again later.";
    MessageUnknownSku = "message-unknown-sku", UNPROCESSABLE_ENTITY,
        "The message names an article that is not in the catalogue",
        "Add the product, with what the channel calls it among its references, and send the message again.";
    MessageUnsupported = "message-unsupported", UNPROCESSABLE_ENTITY, "The plugin does not handle this message",
        "The message is well formed, and the channel's plugin has no meaning for it.";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "This resource does not take that method",
        "The header Allow lists the methods that it takes.";
    MoreThanOrdered = "more-than-ordered", CONFLICT, "More than the order has left",
        "No more of an order can come back or leave than it has. The member `left` says how much that is.";
    MoreThanUndecided = "more-than-undecided", CONFLICT, "More than the return has undecided",
        "What becomes of goods is decided once. The member `left` says of how much nobody has decided.";
    NoSuchRoute = "no-such-route", NOT_FOUND, "There is nothing at this address",
        "GET /openapi.json lists every address.";
    NotAvailable = "not-available", CONFLICT, "More than may be promised here",
        "A node promises what it alone holds the rights to, and asked its peers for the rest in vain. The member \
            `lines` says how much may be promised here, `elsewhere` where there is more. Goods in a customer's hand \
            can be sold all the same.";
    NotReplayable = "not-replayable", CONFLICT, "The dead letter cannot be tried again",
        "Of a message in pieces only the piece is kept at which the plugin stopped: have the channel send the whole \
            message again. A message for a channel needs settings that say where to send it (channels.NAME.deliver).";
    NotOwner = "not-owner", CONFLICT, "Another node made the promise",
        "Only the node that made a promise may confirm it or give it up. The member `owner` names it: ask there.";
    OutsideRole = "outside-role", FORBIDDEN, "This node's role does not cover it",
        "The fleet's certificate for this node says what it may write; its peers would refuse the rest. Ask a node \
            whose role covers it, or have this one enrolled with another role: `tillmesh fleet nodes` lists them.";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "Too much waits already",
        "Try again after the seconds in Retry-After, under the same Idempotency-Key.";
    PluginFailed = "plugin-failed", SERVICE_UNAVAILABLE, "The channel's plugin failed",
        "It crashed, ran into a limit, or gave an answer that breaks the rules. Nothing of the message was recorded.";
    PluginsNotReloaded = "plugins-not-reloaded", CONFLICT, "The plugins go on as they were",
        "One of the plugins that the settings name now is not taken; the detail says which, and why. Correct the \
            settings or the component, and read them again. Plugins that were added or taken away, and channels, take \
            a restart.";
    PricingFailed = "pricing-failed", SERVICE_UNAVAILABLE, "The cart could not be priced",
        "The pricing plugin failed, and the node's settings say that this refuses a checkout (pricing.on_failure).";
    RefundElsewhere = "refund-elsewhere", CONFLICT, "This node may not pay so much back",
        "A node pays back what it alone holds the right to, so that no more is paid back than was paid, and asked its \
            peers for the rest in vain. The member `available` says how much it may pay back, `holders` who may pay \
            more. Take the goods back now, without a refund, and pay back there, or here once that node can be \
            reached; where it is gone for good, at the keeper of the order's location.";
    ReservationOver = "reservation-over", CONFLICT, "Nothing of the reservation is open",
        "It was given up, its time was over, or everything has left. The member `reservation_status` says which. Make \
            another.";
    Retired = "retired", FORBIDDEN, "This node was retired from the fleet",
        "It sells what is in its store, and promises nothing any more. Promise at another node; to bring this one \
            back, let it begin with an empty data folder and enrol it.";
    ReturnElsewhere = "return-elsewhere", CONFLICT, "Another node took the goods back",
        "Only the node that took goods back decides what becomes of them, so that nothing enters the stock twice. The \
            member `owner` names it: ask there. Where it was retired, ask the keeper of the return's location.";
    ScopeNotHeld = "scope-not-held", MISDIRECTED_REQUEST, "This node holds another part of the fleet's data",
        "A node may hold some scopes only (the setting sync.scopes; `/v1/node` lists them), and this is of another. \
            Ask a node that holds it, or add the scope to the settings of this one.";
    Stopping = "stopping", SERVICE_UNAVAILABLE, "The node is stopping",
        "Try again after the seconds in Retry-After, under the same Idempotency-Key.";
    StorageFailed = "storage-failed", SERVICE_UNAVAILABLE, "The store failed",
        "The disk is full or broken; the node's log says more. A write may be there or not: send it again under the \
        same idempotency key, which does it once.";
    TooManyStreams = "too-many-streams", SERVICE_UNAVAILABLE, "Too many clients follow the change stream",
        "Try again later, or let several consumers share one connection.";
    UnknownCart = "unknown-cart", NOT_FOUND, "There is no such cart here",
        "A cart of another node arrives as soon as that node can be heard. Carts travel within a region.";
    UnknownChannel = "unknown-channel", NOT_FOUND, "There is no such channel",
        "Channels are set up in the node's settings.";
    UnknownDeadLetter = "unknown-dead-letter", NOT_FOUND, "There is no such dead letter here",
        "Dead letters are kept at the node that tried the message, until they are replayed or discarded.";
    UnknownDay = "unknown-day", NOT_FOUND, "Nothing was recorded on that day here",
        "The location traded nothing on that day, or this node has not heard of it yet.";
    UnknownField = "unknown-field", UNPROCESSABLE_ENTITY, "A field is not known",
        "Fields are never ignored: a misspelt one would be lost without a word.";
    UnknownLine = "unknown-line", NOT_FOUND, "The cart has no line of this SKU",
        "Add a line first.";
    UnknownObject = "unknown-object", NOT_FOUND, "There is no such object here",
        "Objects are kept where they were used: ask the node that made the order.";
    UnknownPlugin = "unknown-plugin", NOT_FOUND, "There is no such plugin here",
        "Plugins are named in the node's settings ([plugins.NAME]); `tillmesh plugin list` shows those that it runs.";
    UnknownOrder = "unknown-order", NOT_FOUND, "There is no such order here",
        "An order of another node arrives as soon as that node can be heard.";
    UnknownProblem = "unknown-problem", NOT_FOUND, "There is no such problem",
        "GET /problems lists them.";
    UnknownProduct = "unknown-product", NOT_FOUND, "There is no such product",
        "The catalogue of this node has no product of that SKU.";
    UnknownPromotion = "unknown-promotion", NOT_FOUND, "There is no such promotion",
        "The catalogue of this node has no promotion of that id.";
    UnknownReservation = "unknown-reservation", NOT_FOUND, "There is no such reservation here",
        "One of another node arrives as soon as that node can be heard.";
    UnknownReturn = "unknown-return", NOT_FOUND, "There is no such return here",
        "A return of another node arrives as soon as that node can be heard.";
    UnknownSku = "unknown-sku", UNPROCESSABLE_ENTITY, "The catalogue has no product of this SKU",
        "Put the product first, or give the line a unit price.";
    UnknownVoucher = "unknown-voucher", NOT_FOUND, "There is no such voucher here",
        "Nobody issued a gift card or a limited coupon of this code, as far as this node has heard. Check the code; \
            one that another node issued arrives as soon as that node can be heard. Till then take another means of \
            payment.";
    UnknownWorkItem = "unknown-work-item", NOT_FOUND, "There is no such work item here",
        "An item is there for as long as its cause is; GET /v1/work-items lists those that are.";
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body is of another type",
        "Send JSON as application/json and imports as application/x-ndjson.";
    VoucherElsewhere = "voucher-elsewhere", CONFLICT, "This node may not take so much of the voucher",
        "A node takes of a voucher what it alone holds the rights to, and asked its peers for the rest in vain. The \
            member `available` says how much it may take, `holders` who may take more. Take that much, take another \
            means of payment, take the coupon off, or try again when the line is up.";
    VoucherExpired = "voucher-expired", CONFLICT, "The voucher's time is over",
        "The member `valid_until` says since when. Take another means of payment, or issue it again with a later end.";
    VoucherSpent = "voucher-spent", CONFLICT, "The voucher is not worth so much",
        "The member `left` says what is left of it, as far as this node has heard, in uses or minor units. Take that \
            much, and another means of payment for the rest; a coupon that is used up is taken off the cart.";
    WorkItemDecided = "work-item-decided", CONFLICT, "Somebody decided on it before",
        "GET /v1/work-items/{id} shows the decision. An item is open again once it is about more.";
}

impl ProblemKind {
    /// The URI that stands for it.
    pub(in crate::http) fn uri(self) -> String {
        format!("/problems/{}", self.name())
    }

    /// The kind of a name.
    pub(in crate::http) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// What is missing when the core says that there is no such thing.
    pub(in crate::http) fn of_missing(what: &str) -> Self {
        match what {
            "cart" => Self::UnknownCart,
            "line" => Self::UnknownLine,
            "order" => Self::UnknownOrder,
            "reservation" => Self::UnknownReservation,
            "return" => Self::UnknownReturn,
            "product" => Self::UnknownProduct,
            "work item" => Self::UnknownWorkItem,
            _ => Self::UnknownObject,
        }
    }
}
