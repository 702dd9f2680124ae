//! Importing products, in groups.

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tillmesh_core::catalog;
use tillmesh_core::command::{Command, Request};

use super::lines::{Line, Lines};
use super::spool::{Sender, SpoolError};
use super::{PutLine, encode, end, refused, too_long};
use crate::http::App;
use crate::http::json as reading;
use crate::http::problem::Problem;
use crate::http::products::Product;
use crate::runtime::SubmitError;

/// How many products are put together: they share a commit and the changes of their shards.
const GROUP: usize = 250;
/// How long a group waits that found the engine's queue full.
const OVERLOADED_WAIT: Duration = Duration::from_millis(5);

/// Imports lines until they end, the client goes or the node stops.
pub(super) async fn import(app: App, mut lines: Lines, answers: Sender) {
    let result = run(&app, &mut lines, &answers).await;
    end(&lines, answers, result);
}

async fn run(app: &App, lines: &mut Lines, answers: &Sender) -> Result<(), SpoolError> {
    // A client that goes in the middle of a line has sent what came before it.
    while let Ok(Some(line)) = lines.next().await {
        let mut group = vec![read(&line)];
        while group.len() < GROUP
            && let Some(line) = at_once(lines).await
        {
            group.push(read(&line));
        }
        for answer in put(app, group).await {
            answers.send(answer).await?;
        }
    }
    Ok(())
}

/// The next line if it has arrived already: a client that is slow is answered line by line.
async fn at_once(lines: &mut Lines) -> Option<Line> {
    let next = lines.next();
    tokio::pin!(next);
    match poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await {
        Poll::Ready(Ok(line)) => line,
        Poll::Ready(Err(_)) | Poll::Pending => None,
    }
}

/// A line's number, and its product or the answer to it.
fn read(line: &Line) -> (u64, Result<catalog::Product, Bytes>) {
    match line {
        Line::TooLong(number) => (*number, Err(too_long(*number))),
        Line::Text(number, text) => {
            let product = reading::read::<Product>(text).and_then(Product::checked);
            (*number, product.map_err(|problem| refused(*number, None, &problem)))
        }
    }
}

async fn put(app: &App, group: Vec<(u64, Result<catalog::Product, Bytes>)>) -> Vec<Bytes> {
    let products: Vec<_> = group.iter().filter_map(|(_, product)| product.as_ref().ok()).cloned().collect();
    let result = if products.is_empty() { Ok(()) } else { submit(app, products).await };
    let answer = |(number, product): (u64, Result<catalog::Product, Bytes>)| match (product, &result) {
        (Err(answer), _) => answer,
        (Ok(product), Ok(())) => encode(&PutLine { line: number, status: 200, sku: &product.sku }),
        (Ok(_), Err(problem)) => refused(number, None, problem),
    };
    group.into_iter().map(answer).collect()
}

async fn submit(app: &App, products: Vec<catalog::Product>) -> Result<(), Problem> {
    loop {
        match app.handle.submit(Request::now(Command::PutProducts(products.clone()))).await {
            Ok(_) => return Ok(()),
            Err(SubmitError::Overloaded) => tokio::time::sleep(OVERLOADED_WAIT).await,
            Err(error) => return Err(error.into()),
        }
    }
}
