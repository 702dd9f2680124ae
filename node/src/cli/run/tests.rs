use super::*;

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
