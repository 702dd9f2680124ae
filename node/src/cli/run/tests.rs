use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Wake, Waker};
use std::time::Duration;

use tillmesh_core::command::{Command, Outcome, Request};
use tillmesh_core::event::Line;
use tillmesh_core::id::Sku;

use super::*;
use crate::runtime::SubmitError;

/// How long a node may take to notice that it can do nothing any more.
const NOTICE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_node_is_over_once_nobody_commits_any_more_and_not_before() {
    let (commits, head) = watch::channel(0);
    let mut over = Box::pin(ended(head));
    for position in 1..4 {
        commits.send_replace(position);
        tokio::select! {
            biased;
            () = &mut over => panic!("it commits"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(commits);
    over.await;
}

/// Panics on the thread that wakes it; once, for the end of that thread wakes it again.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        assert!(std::thread::panicking(), "the engine's thread was to panic");
    }
}

type Waiting = Pin<Box<dyn Future<Output = Result<Outcome, SubmitError>> + Send>>;

fn receipt() -> Request {
    let lines = vec![Line { sku: Sku::new("A").unwrap(), quantity: 1 }];
    Request::now(Command::Receive { location: None, lines }).with_key("receipt", b"receipt")
}

/// A command that was sent, and whose answer makes the engine's thread panic.
fn fatal(node: &Node) -> Waiting {
    let waker = Waker::from(Arc::new(Panics));
    let mut context = task::Context::from_waker(&waker);
    loop {
        let handle = node.handle();
        let mut waiting: Waiting = Box::pin(async move { handle.submit(receipt()).await });
        // An answer that is there at once wakes nobody.
        if waiting.as_mut().poll(&mut context).is_pending() {
            return waiting;
        }
    }
}

#[tokio::test]
async fn a_node_whose_engine_panics_ends_says_so_and_keeps_what_it_committed() {
    let folder = tempfile::tempdir().unwrap();
    let flags = Overrides {
        node: Some("till".to_owned()),
        data: Some(folder.path().to_owned()),
        listen: Some("127.0.0.1:0".to_owned()),
        ..Overrides::default()
    };
    let settings = Settings::load(None, &flags).unwrap();
    // Nobody interrupts it.
    let up = |node: &Node, _| {
        let waiting = fatal(node);
        async move {
            let _waiting = waiting;
            std::future::pending().await
        }
    };
    let served = tokio::time::timeout(NOTICE, serve(settings.clone(), up)).await;
    let error = served.expect("it goes on without its engine").unwrap_err();
    assert!(error.to_string().starts_with("the engine panicked"), "{error:#}");

    let node = Node::start(settings).await.unwrap();
    let again = node.handle().submit(receipt()).await.unwrap();
    assert!(matches!(again, Outcome::Recorded { repeated: true, .. }), "{again:?}");
    node.shutdown().await;
}
