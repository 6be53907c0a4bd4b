//! Small kept things, files, and what is counted.

use bytes::Bytes;

use super::*;
use crate::{
    record::Totals,
    store::{FileBytes, StoreError},
};

contract! {
    a_small_thing_is_kept_only_over_what_its_author_saw,
    a_file_is_kept_until_its_event_is_delivered,
    a_file_is_kept_while_its_event_is_parked,
    a_file_comes_in_pieces_with_its_size_and_digest,
    totals_say_what_waits_and_what_is_parked,
    what_is_worked_is_not_forgotten,
    the_store_says_how_it_is,
}

async fn a_small_thing_is_kept_only_over_what_its_author_saw(bench: &mut Bench) {
    let store = bench.store();
    assert_eq!(store.kept("map").await.unwrap(), None);
    assert!(
        !store.keep("map", "b", Some("a")).await.unwrap(),
        "nothing stood there"
    );
    assert!(store.keep("map", "a", None).await.unwrap());
    assert!(
        store.keep("map", "a", None).await.unwrap(),
        "a repeat says the same"
    );
    assert!(!store.keep("map", "b", None).await.unwrap());
    assert!(store.keep("map", "", Some("a")).await.unwrap());
    assert!(
        !store.keep("map", "c", None).await.unwrap(),
        "empty is not absent"
    );
    assert_eq!(store.kept("map").await.unwrap().as_deref(), Some(""));
    assert!(store.keep("other", "x", None).await.unwrap());
    bench.crash(at(1)).await;
    assert_eq!(
        bench.store().kept("map").await.unwrap().as_deref(),
        Some("")
    );
}

async fn read(bench: &Bench, name: &str) -> Result<Vec<u8>, StoreError> {
    match bench.store().file(&lane("conv_1"), name).await? {
        FileBytes::Memory(bytes) => Ok(bytes.to_vec()),
        FileBytes::Disk(path) => std::fs::read(path).map_err(|error| StoreError::Unavailable {
            reason: error.to_string(),
        }),
    }
}

async fn put(bench: &Bench, bytes: &'static [u8]) -> String {
    let bytes = FileBytes::Memory(Bytes::from_static(bytes));
    bench
        .store()
        .put_file(&lane("conv_1"), bytes)
        .await
        .unwrap()
}

async fn a_file_is_kept_until_its_event_is_delivered(bench: &mut Bench) {
    let (first, second) = (put(bench, b"one\0\xff").await, put(bench, b"two").await);
    assert_ne!(first, second);
    let event = NewEvent {
        files: vec![first.clone(), second.clone()],
        ..said("evt_1", "conv_1")
    };
    bench.accept_new(event).await;
    bench.crash(at(1)).await;
    assert_eq!(read(bench, &first).await.unwrap(), b"one\0\xff");
    let claim = bench.claim(at(2)).await;
    bench.deliver(&claim, at(3)).await;
    for name in [&first, &second] {
        assert!(read(bench, name).await.is_err(), "it goes with its event");
    }
    assert!(
        read(bench, "../store.db").await.is_err(),
        "that is no name of ours"
    );
}

async fn a_file_is_kept_while_its_event_is_parked(bench: &mut Bench) {
    let name = put(bench, b"one").await;
    let event = NewEvent {
        files: vec![name.clone()],
        ..said("evt_1", "conv_1")
    };
    bench.accept_new(event).await;
    bench.park(&bench.claim(at(1)).await, at(2)).await;
    bench.deliver(&bench.claim(at(3)).await, at(3)).await;
    assert_eq!(read(bench, &name).await.unwrap(), b"one");
    bench
        .store()
        .drop_parked(&Selection::default())
        .await
        .unwrap();
    assert!(read(bench, &name).await.is_err());
}

async fn a_file_comes_in_pieces_with_its_size_and_digest(bench: &mut Bench) {
    let mut receiving = bench.store().receive().await.unwrap();
    for piece in [&b"a"[..], b"", b"bc"] {
        receiving
            .push(&Bytes::copy_from_slice(piece))
            .await
            .unwrap();
    }
    let received = receiving.finish().await.unwrap();
    assert_eq!(received.size, 3);
    assert_eq!(ContentHash(received.sha256), ContentHash::of_bytes(b"abc"));
    let name = bench
        .store()
        .put_file(&lane("conv_1"), received.bytes)
        .await
        .unwrap();
    assert_eq!(read(bench, &name).await.unwrap(), b"abc");
}

async fn totals_say_what_waits_and_what_is_parked(bench: &mut Bench) {
    let old = NewEvent {
        accepted_at: at(-50),
        ..said("evt_2", "conv_2")
    };
    let mut other = said("evt_3", "conv_1");
    other.lane.licence = LicenceId::new("beta").unwrap();
    bench
        .accept(vec![
            said("evt_1", "conv_1"),
            old,
            other,
            reply("evt_4", "conv_1"),
            said("evt_5", "conv_5"),
        ])
        .await;
    let claims = bench.claims(at(1)).await;
    bench.park(&claims[0], at(2)).await;
    let without = Park {
        placeholder: None,
        ..parked(at(2))
    };
    bench.store().park(&claims[3], &without).await.unwrap();
    let mut totals = bench.store().totals().await.unwrap();
    totals.sort_by_key(|one| (one.licence.to_string(), one.direction));
    let expected = |licence: &str, direction, waiting, parked, oldest| Totals {
        licence: LicenceId::new(licence).unwrap(),
        direction,
        waiting,
        parked,
        oldest_accepted_at: Some(oldest),
    };
    let expected = [
        expected("acme", Direction::ChatToThread, 2, 2, at(-50)),
        expected("acme", Direction::ThreadToChat, 1, 0, at(0)),
        expected("beta", Direction::ChatToThread, 1, 0, at(0)),
    ];
    assert_eq!(totals, expected);
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (3, 4));
    bench.crash(at(3)).await;
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (3, 4));
}

async fn what_is_worked_is_not_forgotten(bench: &mut Bench) {
    let year = 366 * 24 * 3600;
    bench.accept_new(said("evt_1", "conv_1")).await;
    let claim = bench.claim(at(1)).await;
    let _opened = bench
        .store()
        .opened(&claim, &root(&claim, 1, "r1"), at(1))
        .await
        .unwrap();
    bench.store().purge(100, at(year)).await.unwrap();
    bench.crash(at(year)).await;
    let claim = bench.claim(at(year)).await;
    assert_eq!(
        claim.mapping.as_ref().map(|root| root.root_id.clone()),
        Some(post_id("r1")),
        "something of it still waits"
    );
    bench.deliver(&claim, at(year)).await;
    assert_eq!(bench.store().purge(0, at(year)).await.unwrap(), 0);
}

async fn the_store_says_how_it_is(bench: &mut Bench) {
    let health = bench.store().health().await.unwrap();
    assert!(health.ok && 0 < health.bytes, "{health:?}");
    bench.store().idle().await.unwrap();
    bench.store().release(bench.fence).await.unwrap();
    bench.store().stop().await.unwrap();
}
