//! Notifications: one says that an order was cancelled; the others say that something is to be fetched.

use serde::Deserialize;
use tillmesh_plugin::inbound::{CancelOrder, Command};
use tillmesh_plugin::json::{Field, Raw};
use tillmesh_plugin::{Failure, failure};

use crate::sale::{text, time};

/// A notification.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Notification<'a> {
    #[serde(borrow, alias = "notificationType")]
    notification_type: Raw<'a>,
    #[serde(borrow, alias = "eventTime")]
    event_time: Raw<'a>,
    #[serde(borrow, alias = "payload")]
    payload: Option<Payload<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Payload<'a> {
    #[serde(borrow)]
    order_change_notification: Option<OrderChange<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OrderChange<'a> {
    #[serde(borrow)]
    amazon_order_id: Raw<'a>,
    summary: Option<Summary<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'a> {
    #[serde(borrow)]
    order_status: Raw<'a>,
}

/// Of an order that changed and was not cancelled nothing follows: fetch it, and send it as `orders`.
pub(crate) fn commands(notification: &Notification<'_>) -> Result<Vec<Command>, Failure> {
    let kind = text("NotificationType", notification.notification_type)?;
    if kind != "ORDER_CHANGE" {
        let rule = "this plugin handles ORDER_CHANGE; what other notifications tell of is fetched";
        return Err(failure::unsupported("NotificationType", kind, rule));
    }
    let change = notification.payload.as_ref().and_then(|payload| payload.order_change_notification.as_ref());
    let missing = || Field::new("Payload.OrderChangeNotification", None).malformed("it is missing");
    let change = change.ok_or_else(missing)?;
    let reference = text("AmazonOrderId", change.amazon_order_id)?;
    let status = Field::new("Summary.OrderStatus", change.summary.as_ref().and_then(|summary| summary.order_status));
    if !matches!(status.require(status.text()?)?.as_str(), "Canceled" | "CANCELLED") {
        return Ok(Vec::new());
    }
    let (cancelled_at, reason) = (time("EventTime", notification.event_time)?, Some("canceled".to_owned()));
    Ok(vec![Command::CancelOrder(CancelOrder { reference, cancelled_at, reason })])
}
