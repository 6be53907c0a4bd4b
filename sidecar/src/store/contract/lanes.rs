//! Lanes: order, claims, take-over, fences, and the notes of an attempt before its request.

use super::*;
use crate::store::StoreError;

contract! {
    a_lane_is_worked_in_the_order_of_acceptance_one_at_a_time,
    both_directions_and_all_queues_are_apart,
    a_claim_carries_what_was_accepted,
    at_most_as_many_are_claimed_as_asked_for,
    a_held_event_waits_for_its_time_and_says_when,
    a_retried_head_stays_the_head,
    a_take_over_makes_what_was_in_flight_doubtful_and_due,
    a_take_over_leaves_what_was_not_in_flight_alone,
    every_operation_with_a_stale_fence_changes_nothing,
    another_step_begins_without_doubt_and_its_note_may_be_repeated,
    a_step_that_was_never_taken_begins_anew,
}

async fn a_lane_is_worked_in_the_order_of_acceptance_one_at_a_time(bench: &mut Bench) {
    bench
        .accept(vec![said("evt_1", "conv_1"), said("evt_2", "conv_1")])
        .await;
    bench.accept_new(said("evt_3", "conv_1")).await;
    let first = bench.claim(at(1)).await;
    assert_eq!(first.event.as_str(), "evt_1");
    bench.accept_new(said("evt_4", "conv_1")).await;
    assert_eq!(bench.claims(at(2)).await, [], "its head is being tried");
    bench.accept_new(said("evt_5", "conv_2")).await;
    assert_eq!(
        bench.claim(at(2)).await.event.as_str(),
        "evt_5",
        "lanes do not wait for each other"
    );
    bench.deliver(&first, at(3)).await;
    assert_eq!(bench.drain(at(3)).await, ["evt_2", "evt_3", "evt_4"]);
}

async fn both_directions_and_all_queues_are_apart(bench: &mut Bench) {
    bench
        .accept(vec![said("evt_1", "conv_1"), reply("evt_2", "conv_1")])
        .await;
    let mut other = reply("evt_3", "conv_1");
    let beta = LicenceId::new("beta").unwrap();
    other.lane.licence = beta.clone();
    other.queue = Queue::Ireserve(beta.clone());
    bench.accept_new(other).await;
    assert_eq!(bench.claim(at(1)).await.event.as_str(), "evt_1");
    for (owner, event) in [(licence(), "evt_2"), (beta, "evt_3")] {
        let queue = Queue::Ireserve(owner);
        let claimed = bench
            .store()
            .claim(
                bench.fence,
                &queue,
                10,
                crate::record::Moment::agreed(at(1)),
            )
            .await
            .unwrap();
        let events: Vec<_> = claimed
            .claims
            .iter()
            .map(|claim| claim.event.as_str())
            .collect();
        assert_eq!(events, [event]);
        assert_eq!(claimed.claims[0].queue, queue);
    }
}

async fn a_claim_carries_what_was_accepted(bench: &mut Bench) {
    let event = said("evt_1", "conv_1");
    let seq = bench.accept_new(event.clone()).await;
    let claim = bench.claim(at(1)).await;
    let expected = Claim {
        fence: bench.fence,
        queue: Queue::Mattermost,
        lane: lane("conv_1"),
        seq,
        event: event.id,
        kind: event.kind,
        content: event.content.clone(),
        accepted_at: at(0),
        step: Step::Part(0),
        doubt: Doubt::None,
        refused: 0,
        attempts: 1,
        first_started: Some(at(1)),
        last_ended: None,
        look_from: None,
        mapping: None,
        card: Some(Card::new(1, at(0))),
        wanted: None,
        opening: Some(event.content),
        target: Vec::new(),
        target_parked: false,
    };
    assert_eq!(claim, expected);
}

async fn at_most_as_many_are_claimed_as_asked_for(bench: &mut Bench) {
    for number in 0..20 {
        bench
            .accept_new(said(&format!("evt_{number}"), &format!("conv_{number}")))
            .await;
    }
    let mut events = std::collections::HashSet::new();
    for expected in [7, 7, 6, 0] {
        let claimed = bench
            .store()
            .claim(
                bench.fence,
                &Queue::Mattermost,
                7,
                crate::record::Moment::agreed(at(1)),
            )
            .await
            .unwrap();
        assert_eq!(claimed.claims.len(), expected);
        assert_eq!(
            claimed.next_due.is_some_and(|due| due <= at(1)),
            events.len() + expected < 20,
            "says whether more is due"
        );
        events.extend(claimed.claims.into_iter().map(|claim| claim.event));
    }
    assert_eq!(events.len(), 20);
}

async fn a_held_event_waits_for_its_time_and_says_when(bench: &mut Bench) {
    let held = NewEvent {
        hold_until: Some(at(30)),
        ..said("evt_1", "conv_1")
    };
    bench.accept_new(held).await;
    let claimed = bench
        .store()
        .claim(
            bench.fence,
            &Queue::Mattermost,
            10,
            crate::record::Moment::agreed(at(29)),
        )
        .await
        .unwrap();
    assert_eq!((claimed.claims.len(), claimed.next_due), (0, Some(at(30))));
    bench.accept_new(said("evt_2", "conv_1")).await;
    assert_eq!(
        bench.claims(at(29)).await,
        [],
        "what follows does not overtake it"
    );
    let first = bench.claim(at(30)).await;
    let held = NewEvent {
        hold_until: Some(at(60)),
        ..said("evt_3", "conv_1")
    };
    bench.accept_new(held).await;
    bench.deliver(&first, at(31)).await;
    assert_eq!(bench.drain(at(59)).await, ["evt_2"]);
    assert_eq!(bench.drain(at(60)).await, ["evt_3"]);
}

async fn a_retried_head_stays_the_head(bench: &mut Bench) {
    bench
        .accept(vec![said("evt_1", "conv_1"), said("evt_2", "conv_1")])
        .await;
    let claim = bench.claim(at(1)).await;
    bench
        .store()
        .retry(&claim, &again(at(10), "no connection", at(2)))
        .await
        .unwrap();
    bench.accept_new(said("evt_3", "conv_1")).await;
    let claimed = bench
        .store()
        .claim(
            bench.fence,
            &Queue::Mattermost,
            10,
            crate::record::Moment::agreed(at(9)),
        )
        .await
        .unwrap();
    assert_eq!((claimed.claims.len(), claimed.next_due), (0, Some(at(10))));
    bench.crash(at(9)).await;
    assert_eq!(
        bench.claims(at(9)).await,
        [],
        "a take-over does not make it due"
    );
    let claim = bench.claim(at(10)).await;
    assert_eq!(
        (claim.event.as_str(), claim.attempts, claim.doubt),
        ("evt_1", 2, Doubt::None)
    );
    assert_eq!(
        (claim.first_started, claim.last_ended),
        (Some(at(10)), Some(at(2)))
    );
}

async fn a_take_over_makes_what_was_in_flight_doubtful_and_due(bench: &mut Bench) {
    let events = vec![
        said("evt_1", "conv_1"),
        edited("evt_2", "conv_2", "evt_0"),
        said("evt_3", "conv_1"),
    ];
    bench.accept(events).await;
    let before = bench.claims(at(1)).await;
    assert_eq!(before.len(), 2);
    let old = bench.fence;
    bench.crash(at(5)).await;
    assert!(old < bench.fence);
    assert_eq!(bench.status("evt_1").await.next_attempt_at, None);
    let after = bench.claims(at(5)).await;
    assert_eq!(after.len(), 2);
    let [creating, changing] = &after[..] else {
        panic!()
    };
    assert_eq!(creating.event.as_str(), "evt_1");
    assert_eq!((creating.doubt, creating.attempts), (Doubt::Open, 2));
    assert_eq!(
        (creating.first_started, creating.last_ended),
        (Some(at(1)), Some(at(5)))
    );
    assert_eq!(
        (changing.event.as_str(), changing.doubt),
        ("evt_2", Doubt::None),
        "what creates nothing is simply repeated"
    );
    bench.crash(at(6)).await;
    assert_eq!(
        bench.claims(at(6)).await.len(),
        2,
        "and so after the next crash"
    );
}

async fn a_take_over_leaves_what_was_not_in_flight_alone(bench: &mut Bench) {
    bench
        .accept(vec![
            said("evt_1", "conv_1"),
            said("evt_2", "conv_2"),
            said("evt_3", "conv_3"),
        ])
        .await;
    let claims = bench.claims(at(1)).await;
    bench.deliver(&claims[0], at(2)).await;
    let retry = Retry {
        doubt: Doubt::Ended,
        first_started: Some(at(1)),
        ..again(at(3), "500", at(2))
    };
    bench.store().retry(&claims[1], &retry).await.unwrap();
    bench.park(&claims[2], at(2)).await;
    bench.crash(at(4)).await;
    let claims = bench.claims(at(4)).await;
    let found: Vec<_> = claims
        .iter()
        .map(|claim| (claim.event.as_str(), claim.step, claim.doubt))
        .collect();
    assert_eq!(
        found,
        [
            ("evt_2", Step::Part(0), Doubt::Ended),
            ("evt_3", Step::Parked, Doubt::None)
        ]
    );
    assert_eq!(claims[0].last_ended, Some(at(2)));
}

async fn every_operation_with_a_stale_fence_changes_nothing(bench: &mut Bench) {
    bench
        .accept(vec![said("evt_1", "conv_1"), said("evt_2", "conv_1")])
        .await;
    let stale = bench.claim(at(1)).await;
    bench.crash(at(2)).await;
    let current = bench.claim(at(2)).await;
    let before = bench.seen(&["evt_1", "evt_2"]).await;
    let store = bench.store();
    let (now, root) = (at(3), root(&stale, 1, "r1"));
    let fenced = |error: Option<StoreError>, operation: &str| match error {
        Some(StoreError::Fenced { ours, theirs }) => {
            assert_eq!((ours, theirs), (stale.fence, current.fence), "{operation}");
        }
        other => panic!("{operation} with a stale fence: {other:?}"),
    };
    let queue = Queue::Mattermost;
    fenced(
        store
            .claim(stale.fence, &queue, 1, crate::record::Moment::agreed(now))
            .await
            .err(),
        "claim",
    );
    fenced(
        store.step(&stale, Step::Root(1), None, now).await.err(),
        "step",
    );
    fenced(store.renew(&stale, now).await.err(), "renew");
    fenced(store.opened(&stale, &root, now).await.err(), "opened");
    let part = post("p1", Some("r1"));
    fenced(
        store
            .part_done(&stale, &part, Step::Part(1), now)
            .await
            .err(),
        "part_done",
    );
    let end = Delivered {
        go_on: true,
        ..end(now)
    };
    fenced(store.delivered(&stale, &end).await.err(), "delivered");
    fenced(
        store.retry(&stale, &again(now, "x", now)).await.err(),
        "retry",
    );
    fenced(store.park(&stale, &parked(now)).await.err(), "park");
    fenced(store.release(stale.fence).await.err(), "release");
    assert_eq!(bench.seen(&["evt_1", "evt_2"]).await, before);
    bench.deliver(&current, at(4)).await;
    assert_eq!(bench.drain(at(4)).await, ["evt_2"]);
}

async fn another_step_begins_without_doubt_and_its_note_may_be_repeated(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    let _lost = bench.claim(at(1)).await;
    bench.crash(at(2)).await;
    let claim = bench.claim(at(3)).await;
    let look = Some(Timestamp::from_millis(77));
    let same = bench
        .store()
        .step(&claim, Step::Part(0), look, at(4))
        .await
        .unwrap();
    assert_eq!(
        (same.doubt, same.first_started, same.look_from),
        (Doubt::Open, Some(at(1)), look),
        "the same post is as doubtful as before"
    );
    let other = bench
        .store()
        .step(&same, Step::Root(1), look, at(5))
        .await
        .unwrap();
    assert_eq!((other.step, other.doubt), (Step::Root(1), Doubt::None));
    assert_eq!(
        (other.first_started, other.last_ended, other.attempts),
        (Some(at(5)), None, 2)
    );
    let repeated = bench
        .store()
        .step(&same, Step::Root(1), look, at(5))
        .await
        .unwrap();
    assert_eq!(repeated, other);
    bench.crash(at(6)).await;
    let after = bench.claim(at(6)).await;
    assert_eq!(
        (after.step, after.doubt, after.look_from),
        (Step::Root(1), Doubt::Open, look),
        "the note was durable"
    );
}

async fn a_step_that_was_never_taken_begins_anew(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    let _lost = bench.claim(at(1)).await;
    bench.crash(at(2)).await;
    let doubtful = bench.claim(at(3)).await;
    let fresh = bench.store().renew(&doubtful, at(9)).await.unwrap();
    assert_eq!(
        (fresh.doubt, fresh.first_started, fresh.last_ended),
        (Doubt::None, Some(at(9)), None)
    );
    assert_eq!(bench.store().renew(&doubtful, at(9)).await.unwrap(), fresh);
}
