//! How an attempt ends: delivered, tried again, parked. Each may be repeated by a caller that did not hear the answer.

use super::*;
use crate::store::StoreError;

contract! {
    an_end_may_be_repeated_and_says_the_same,
    going_on_claims_the_next_event_and_a_repeat_answers_the_same_claim,
    a_repeat_does_not_take_an_attempt_away_that_began_since,
    going_on_does_not_claim_what_is_held,
    sequels_go_last_and_are_added_once,
    a_retry_is_seen_in_the_status_and_may_be_repeated,
    a_late_repeat_of_a_retry_does_not_touch_the_attempt_after_it,
    what_waits_for_people_is_listed_until_it_does_not,
    a_parked_event_leaves_its_placeholder_in_its_place,
    parking_may_be_repeated,
    a_placeholder_is_never_parked_itself,
    a_claim_that_has_ended_goes_no_further,
}

async fn an_end_may_be_repeated_and_says_the_same(bench: &mut Bench) {
    bench
        .accept(vec![said("evt_1", "conv_1"), said("evt_2", "conv_1")])
        .await;
    let claim = bench.claim(at(1)).await;
    let delivered = Delivered {
        post: Some(post("p1", None)),
        ..end(at(2))
    };
    assert_eq!(
        bench.store().delivered(&claim, &delivered).await.unwrap(),
        None
    );
    let once = bench.seen(&["evt_1", "evt_2"]).await;
    assert_eq!(
        bench.store().delivered(&claim, &delivered).await.unwrap(),
        None
    );
    assert_eq!(bench.seen(&["evt_1", "evt_2"]).await, once);
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (1, 1));
    let status = bench.status("evt_1").await;
    assert_eq!(
        (status.status, status.post_id),
        (State::Delivered, Some(post_id("p1")))
    );
    assert_eq!(bench.drain(at(3)).await, ["evt_2"]);
}

async fn going_on_claims_the_next_event_and_a_repeat_answers_the_same_claim(bench: &mut Bench) {
    bench
        .accept(vec![
            said("evt_1", "conv_1"),
            said("evt_2", "conv_1"),
            said("evt_3", "conv_1"),
        ])
        .await;
    let first = bench.claim(at(1)).await;
    let go_on = Delivered {
        go_on: true,
        ..end(at(2))
    };
    let second = bench
        .store()
        .delivered(&first, &go_on)
        .await
        .unwrap()
        .expect("the next is due");
    assert_eq!(
        (second.event.as_str(), second.attempts, second.first_started),
        ("evt_2", 1, Some(at(2)))
    );
    assert_eq!(bench.claims(at(2)).await, [], "it is claimed");
    let repeated = bench.store().delivered(&first, &go_on).await.unwrap();
    assert_eq!(
        repeated,
        Some(second.clone()),
        "whoever did not hear the answer hears it now"
    );
    bench.crash(at(3)).await;
    let doubtful = bench.claim(at(3)).await;
    assert_eq!(
        (doubtful.event.as_str(), doubtful.doubt),
        ("evt_2", Doubt::Open)
    );
    bench.deliver(&doubtful, at(4)).await;
    assert_eq!(bench.drain(at(4)).await, ["evt_3"]);
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (0, 0));
}

async fn a_repeat_does_not_take_an_attempt_away_that_began_since(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    let first = bench.claim(at(1)).await;
    let go_on = Delivered {
        go_on: true,
        ..end(at(2))
    };
    assert_eq!(
        bench.store().delivered(&first, &go_on).await.unwrap(),
        None,
        "nothing waits"
    );
    bench
        .accept(vec![said("evt_2", "conv_1"), said("evt_3", "conv_1")])
        .await;
    let second = bench.claim(at(3)).await;
    assert_eq!(
        bench.store().delivered(&first, &go_on).await.unwrap(),
        None,
        "somebody else works the lane now"
    );
    assert_eq!(bench.claims(at(3)).await, []);
    bench.deliver(&second, at(4)).await;
    assert_eq!(bench.drain(at(4)).await, ["evt_3"]);
}

async fn going_on_does_not_claim_what_is_held(bench: &mut Bench) {
    let held = NewEvent {
        hold_until: Some(at(60)),
        ..said("evt_2", "conv_1")
    };
    bench.accept(vec![said("evt_1", "conv_1"), held]).await;
    let claim = bench.claim(at(1)).await;
    let go_on = Delivered {
        go_on: true,
        ..end(at(2))
    };
    assert_eq!(bench.store().delivered(&claim, &go_on).await.unwrap(), None);
    assert_eq!(bench.drain(at(59)).await, Vec::<String>::new());
    assert_eq!(bench.drain(at(60)).await, ["evt_2"]);
}

async fn sequels_go_last_and_are_added_once(bench: &mut Bench) {
    bench
        .accept(vec![said("evt_1", "conv_1"), said("evt_2", "conv_1")])
        .await;
    let claim = bench.claim(at(1)).await;
    let sequels = vec![said("sequel_1", "conv_1"), reply("sequel_2", "conv_1")];
    let delivered = Delivered {
        sequels: sequels.clone(),
        ..end(at(2))
    };
    bench.store().delivered(&claim, &delivered).await.unwrap();
    bench.store().delivered(&claim, &delivered).await.unwrap();
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (3, 3));
    let second = bench.claim(at(3)).await;
    let park = Park {
        sequels,
        ..parked(at(3))
    };
    bench.store().park(&second, &park).await.unwrap();
    assert_eq!(
        bench.store().waiting(&licence()).await.unwrap(),
        (3, 3),
        "a sequel that is known is not added again"
    );
    assert_eq!(
        bench.drain(at(4)).await,
        ["placeholder of evt_2", "sequel_1"]
    );
    let queue = Queue::Ireserve(licence());
    let claimed = bench
        .store()
        .claim(
            bench.fence,
            &queue,
            10,
            crate::record::Moment::agreed(at(4)),
        )
        .await
        .unwrap();
    assert_eq!(claimed.claims.len(), 1);
}

async fn a_retry_is_seen_in_the_status_and_may_be_repeated(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    let claim = bench.claim(at(1)).await;
    let retry = Retry {
        doubt: Doubt::Open,
        refused: 2,
        first_started: Some(at(1)),
        ..again(at(20), "no answer within 8 s", at(9))
    };
    for _ in 0..2 {
        bench.store().retry(&claim, &retry).await.unwrap();
        let status = bench.status("evt_1").await;
        assert_eq!(
            (status.status, status.attempts, status.next_attempt_at),
            (State::Retrying, 1, Some(at(20)))
        );
        assert_eq!(status.last_error.as_deref(), Some("no answer within 8 s"));
    }
    let claim = bench.claim(at(20)).await;
    assert_eq!(
        (claim.doubt, claim.refused, claim.attempts),
        (Doubt::Open, 2, 2)
    );
    assert_eq!(
        (claim.first_started, claim.last_ended),
        (Some(at(1)), Some(at(9)))
    );
    let status = bench.status("evt_1").await;
    assert_eq!(
        (status.status, status.next_attempt_at),
        (State::Retrying, None),
        "it is being tried"
    );
}

async fn a_late_repeat_of_a_retry_does_not_touch_the_attempt_after_it(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    let first = bench.claim(at(1)).await;
    let retry = again(at(2), "no connection", at(2));
    bench.store().retry(&first, &retry).await.unwrap();
    let second = bench.claim(at(3)).await;
    bench.store().retry(&first, &retry).await.unwrap();
    bench.store().park(&first, &parked(at(3))).await.unwrap();
    assert_eq!(
        bench.claims(at(3)).await,
        [],
        "the second attempt is still in flight"
    );
    bench.deliver(&second, at(4)).await;
    assert_eq!(bench.state("evt_1").await, State::Delivered);
}

async fn what_waits_for_people_is_listed_until_it_does_not(bench: &mut Bench) {
    bench
        .accept(vec![
            said("evt_1", "conv_1"),
            said("evt_2", "conv_2"),
            said("evt_3", "conv_3"),
        ])
        .await;
    let claims = bench.claims(at(1)).await;
    for (claim, now) in claims.iter().zip([10, 5, 7]) {
        let reason = if claim.event.as_str() == "evt_3" {
            "channel unknown"
        } else {
            "archived"
        };
        let channel = (reason == "archived").then(channel);
        let retry = Retry {
            blocked: Some(channel),
            ..again(at(60), reason, at(now))
        };
        bench.store().retry(claim, &retry).await.unwrap();
    }
    let blocked = bench.store().blocked().await.unwrap();
    let found: Vec<_> = blocked
        .iter()
        .map(|one| (one.channel_id.clone(), one.reason.as_str(), one.since))
        .collect();
    assert_eq!(
        found,
        [
            (Some(channel()), "archived", at(5)),
            (None, "channel unknown", at(7))
        ],
        "one line for each cause, since it began"
    );
    let claims = bench.claims(at(60)).await;
    let still = Retry {
        blocked: Some(Some(channel())),
        ..again(at(120), "archived", at(61))
    };
    bench.store().retry(&claims[0], &still).await.unwrap();
    bench.deliver(&claims[1], at(61)).await;
    bench.park(&claims[2], at(61)).await;
    let blocked = bench.store().blocked().await.unwrap();
    assert_eq!(
        (blocked.len(), blocked[0].since),
        (1, at(10)),
        "it is blocked since it first was"
    );
    let claim = bench.claims(at(120)).await.remove(0);
    assert_eq!(claim.event.as_str(), "evt_1");
    bench
        .store()
        .retry(&claim, &again(at(130), "no connection", at(121)))
        .await
        .unwrap();
    assert_eq!(bench.store().blocked().await.unwrap(), []);
}

async fn a_parked_event_leaves_its_placeholder_in_its_place(bench: &mut Bench) {
    bench
        .accept(vec![
            said("evt_1", "conv_1"),
            said("evt_2", "conv_1"),
            said("evt_3", "conv_2"),
        ])
        .await;
    let claims = bench.claims(at(1)).await;
    bench.park(&claims[0], at(2)).await;
    let without = Park {
        placeholder: None,
        ..parked(at(2))
    };
    bench.store().park(&claims[1], &without).await.unwrap();
    let status = bench.status("evt_1").await;
    assert_eq!(
        (status.status, status.last_error.as_deref()),
        (State::Parked, Some("refused three times"))
    );
    assert_eq!((status.attempts, status.next_attempt_at), (1, None));
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (2, 2));
    let placeholder = bench.claim(at(3)).await;
    assert_eq!(
        (placeholder.seq, placeholder.event.as_str()),
        (claims[0].seq + 1, "evt_1")
    );
    assert_eq!(
        (placeholder.step, placeholder.kind.as_str()),
        (Step::Parked, "placeholder")
    );
    assert_eq!(Some(placeholder.content.clone()), parked(at(2)).placeholder);
    let delivered = Delivered {
        post: Some(post("p1", Some("r1"))),
        ..end(at(4))
    };
    bench
        .store()
        .delivered(&placeholder, &delivered)
        .await
        .unwrap();
    let status = bench.status("evt_1").await;
    assert_eq!(
        (status.status, status.post_id),
        (State::Parked, None),
        "its placeholder is not the event"
    );
    assert_eq!(bench.drain(at(4)).await, ["evt_2"]);
}

async fn parking_may_be_repeated(bench: &mut Bench) {
    bench
        .accept(vec![said("evt_1", "conv_1"), said("evt_2", "conv_1")])
        .await;
    let claim = bench.claim(at(1)).await;
    bench.park(&claim, at(2)).await;
    let once = bench.seen(&["evt_1", "evt_2"]).await;
    bench.park(&claim, at(2)).await;
    assert_eq!(bench.seen(&["evt_1", "evt_2"]).await, once);
    assert_eq!(bench.drain(at(3)).await, ["placeholder of evt_1", "evt_2"]);
    bench.park(&claim, at(2)).await;
    assert_eq!(bench.drain(at(4)).await, Vec::<String>::new());
}

async fn a_placeholder_is_never_parked_itself(bench: &mut Bench) {
    bench
        .accept(vec![said("evt_1", "conv_1"), said("evt_2", "conv_1")])
        .await;
    let claim = bench.claim(at(1)).await;
    bench.park(&claim, at(2)).await;
    let placeholder = bench.claim(at(3)).await;
    bench.park(&placeholder, at(4)).await;
    bench.park(&placeholder, at(4)).await;
    let page = bench
        .store()
        .parked(&Selection::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(bench.drain(at(5)).await, ["evt_2"]);
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (0, 0));
}

async fn a_claim_that_has_ended_goes_no_further(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    let claim = bench.claim(at(1)).await;
    bench.deliver(&claim, at(2)).await;
    let store = bench.store();
    let errors = [
        store.step(&claim, Step::Root(1), None, at(3)).await.err(),
        store.renew(&claim, at(3)).await.err(),
        store
            .opened(&claim, &root(&claim, 1, "r1"), at(3))
            .await
            .err(),
        store
            .part_done(&claim, &post("p1", None), Step::Part(1), at(3))
            .await
            .err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(StoreError::Ended { .. })), "{error:?}");
    }
}
