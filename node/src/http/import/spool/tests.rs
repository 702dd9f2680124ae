use futures_util::StreamExt as _;

use super::*;

fn answer(number: usize) -> Bytes {
    Bytes::from(format!("{number:>1000}\n"))
}

async fn received(receiver: Receiver) -> Vec<u8> {
    let mut all = Vec::new();
    let mut stream = Box::pin(receiver.into_stream());
    while let Some(chunk) = stream.next().await {
        all.extend_from_slice(&chunk.unwrap());
    }
    all
}

#[tokio::test]
async fn answers_that_nobody_reads_wait_in_a_file_and_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, receiver) = open(folder.path());
    let expected: Vec<u8> = (0..2_000).flat_map(|number| answer(number).to_vec()).collect();
    assert!(expected.len() > 4 * MEMORY);
    for number in 0..2_000 {
        sender.send(answer(number)).await.unwrap();
    }
    assert!(receiver.0.state().memory_bytes <= MEMORY);
    drop(sender);
    assert_eq!(received(receiver).await, expected);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
}

#[tokio::test]
async fn a_reader_that_comes_and_goes_gets_everything_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, receiver) = open(folder.path());
    let reader = tokio::spawn(received(receiver));
    let mut expected = Vec::new();
    for number in 0..3_000 {
        expected.extend_from_slice(&answer(number));
        sender.send(answer(number)).await.unwrap();
        if number % 700 == 0 {
            tokio::task::yield_now().await;
        }
    }
    drop(sender);
    assert_eq!(reader.await.unwrap(), expected);
}

#[tokio::test]
async fn a_client_that_has_gone_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, receiver) = open(folder.path());
    sender.send(answer(1)).await.unwrap();
    drop(receiver);
    assert!(matches!(sender.send(answer(2)).await, Err(SpoolError::Gone)));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_an_error_and_no_loss_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, _receiver) = open(&folder.path().join("missing"));
    let mut result = Ok(());
    for number in 0..1_000 {
        result = sender.send(answer(number)).await;
        if result.is_err() {
            break;
        }
    }
    assert!(matches!(result, Err(SpoolError::File(_))));
}

#[tokio::test]
async fn answers_that_broke_off_end_with_an_error_after_the_last_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, receiver) = open(folder.path());
    sender.send(answer(1)).await.unwrap();
    sender.break_off();
    let stream: Vec<_> = receiver.into_stream().collect().await;
    assert_eq!(stream.len(), 2);
    assert_eq!(stream[0].as_ref().unwrap(), &answer(1));
    assert!(stream[1].is_err());
}
