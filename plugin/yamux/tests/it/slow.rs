//! A pipe on which everything takes a while, in virtual time, and which can break.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

const PIPE: usize = 64 * 1024;

/// Two ends of a connection; what goes into one comes out of the other after `latency`. Dropping the set breaks it.
pub(crate) fn pipe(latency: Duration) -> (DuplexStream, DuplexStream, JoinSet<()>) {
    let (here, near) = duplex(PIPE);
    let (far, there) = duplex(PIPE);
    let (near_out, near_in) = split(near);
    let (far_out, far_in) = split(far);
    let mut carriers = JoinSet::new();
    carriers.spawn(carry(near_out, far_in, latency));
    carriers.spawn(carry(far_out, near_in, latency));
    (here, there, carriers)
}

async fn carry(mut from: ReadHalf<DuplexStream>, to: WriteHalf<DuplexStream>, latency: Duration) {
    let (send, receive) = mpsc::channel::<(Instant, Vec<u8>)>(16);
    let mut delivery = JoinSet::new();
    delivery.spawn(deliver(receive, to));
    let mut buffer = vec![0; PIPE];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if send
            .send((Instant::now() + latency, buffer[..read].to_vec()))
            .await
            .is_err()
        {
            break;
        }
    }
    drop(send);
    delivery.join_all().await;
}

async fn deliver(mut receive: mpsc::Receiver<(Instant, Vec<u8>)>, mut to: WriteHalf<DuplexStream>) {
    while let Some((due, bytes)) = receive.recv().await {
        sleep_until(due).await;
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
    // The other end may have closed first; then there is nobody to tell.
    let _ = to.shutdown().await;
}
