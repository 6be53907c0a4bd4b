//! Accepting: new, duplicate, conflict; numbers.

use super::*;

contract! {
    an_event_is_new_once_and_then_a_duplicate_with_its_status,
    the_same_id_with_other_content_is_a_conflict_wherever_it_goes,
    an_array_is_judged_in_its_order,
    an_echo_is_delivered_at_once_and_waits_nowhere,
    another_licence_has_other_ids,
    a_conversation_keeps_its_number_and_no_number_is_used_twice,
    what_was_accepted_is_there_after_a_crash,
    what_a_delivery_left_is_what_a_duplicate_is_told,
}

async fn an_event_is_new_once_and_then_a_duplicate_with_its_status(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    let again = NewEvent {
        accepted_at: at(50),
        ..said("evt_1", "conv_1")
    };
    let Acceptance::Duplicate(status) = bench.accept(vec![again]).await.remove(0) else {
        panic!("a repeat is a duplicate")
    };
    let expected = Status {
        id: EventId::new("evt_1").unwrap(),
        kind: "message.created".into(),
        status: State::Accepted,
        attempts: 0,
        last_error: None,
        post_id: None,
        root_id: None,
        channel_id: None,
        accepted_at: at(0),
        next_attempt_at: None,
    };
    assert_eq!(status, expected);
    assert_eq!(bench.status("evt_1").await, expected);
    assert_eq!(
        bench.drain(at(1)).await,
        ["evt_1"],
        "it is brought over once"
    );
    let unknown = EventId::new("evt_9").unwrap();
    let status = bench.store().status(&licence(), &unknown).await.unwrap();
    assert_eq!(status, None);
}

async fn the_same_id_with_other_content_is_a_conflict_wherever_it_goes(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    for conversation in ["conv_1", "conv_2", "conv_3", "conv_4"] {
        let mut other = said("evt_1", conversation);
        other.hash = ContentHash::of_bytes(conversation.as_bytes());
        assert_eq!(bench.accept(vec![other]).await, [Acceptance::Conflict]);
    }
    assert_eq!(bench.drain(at(1)).await, ["evt_1"]);
}

async fn an_array_is_judged_in_its_order(bench: &mut Bench) {
    let mut other = said("evt_1", "conv_1");
    other.hash = ContentHash::of_bytes(b"other");
    let events = vec![
        said("evt_2", "conv_1"),
        said("evt_1", "conv_1"),
        said("evt_2", "conv_1"),
        other,
        said("evt_3", "conv_2"),
    ];
    let judged = bench.accept(events).await;
    let [
        Acceptance::New { seq: first },
        Acceptance::New { seq: second },
        Acceptance::Duplicate(_),
        Acceptance::Conflict,
        Acceptance::New { .. },
    ] = judged[..]
    else {
        panic!("{judged:?}")
    };
    assert!(first < second);
    assert_eq!(bench.accept(Vec::new()).await, []);
}

async fn an_echo_is_delivered_at_once_and_waits_nowhere(bench: &mut Bench) {
    let echo = NewEvent {
        done: true,
        ..said("evt_1", "conv_1")
    };
    bench.accept_new(echo).await;
    assert_eq!(bench.state("evt_1").await, State::Delivered);
    assert_eq!(bench.claims(at(1)).await, []);
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (0, 0));
}

async fn another_licence_has_other_ids(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    let mut other = said("evt_1", "conv_1");
    other.lane.licence = LicenceId::new("beta").unwrap();
    other.hash = ContentHash::of_bytes(b"other");
    bench.accept_new(other).await;
    let numbers: Vec<u64> = numbers(&bench.claims(at(1)).await);
    assert_eq!(numbers, [1, 1], "each licence counts for itself");
}

async fn a_conversation_keeps_its_number_and_no_number_is_used_twice(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    bench.accept_new(notification("evt_2", "booking_1")).await;
    let first = bench.claims(at(1)).await;
    assert_eq!(
        numbers(&first),
        [1],
        "a notification has no card: {first:?}"
    );
    for claim in &first {
        bench.deliver(claim, at(1)).await;
    }
    bench.crash(at(2)).await;
    let events = vec![
        said("evt_3", "conv_1"),
        said("evt_4", "conv_2"),
        said("evt_5", "conv_3"),
    ];
    bench.accept(events).await;
    let mut found = numbers(&bench.claims(at(3)).await);
    assert_eq!(found.remove(0), 1, "it keeps its number");
    assert!(1 < found[0] && found[0] < found[1], "{found:?}");
}

async fn what_was_accepted_is_there_after_a_crash(bench: &mut Bench) {
    let held = NewEvent {
        hold_until: Some(at(60)),
        ..said("evt_3", "conv_2")
    };
    let events = vec![said("evt_1", "conv_1"), said("evt_2", "conv_1"), held];
    bench.accept(events).await;
    bench.crash(at(5)).await;
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (3, 3));
    assert_eq!(bench.drain(at(10)).await, ["evt_1", "evt_2"]);
    assert_eq!(bench.drain(at(60)).await, ["evt_3"]);
}

async fn what_a_delivery_left_is_what_a_duplicate_is_told(bench: &mut Bench) {
    bench.accept_new(notification("evt_1", "booking_1")).await;
    let claim = bench.claim(at(1)).await;
    let delivered = Delivered {
        post: Some(post("p1", None)),
        ..end(at(2))
    };
    bench.store().delivered(&claim, &delivered).await.unwrap();
    bench.crash(at(3)).await;
    let judged = bench.accept(vec![notification("evt_1", "booking_1")]).await;
    let [Acceptance::Duplicate(status)] = &judged[..] else {
        panic!("{judged:?}")
    };
    assert_eq!(status.status, State::Delivered);
    assert_eq!(status.post_id, Some(post_id("p1")));
    assert_eq!(
        (status.root_id.clone(), status.channel_id.clone()),
        (None, Some(channel()))
    );
    assert_eq!((status.attempts, status.accepted_at), (1, at(0)));
}

fn numbers(claims: &[Claim]) -> Vec<u64> {
    let cards = claims.iter().filter_map(|claim| claim.card.as_ref());
    cards.map(|card| card.number).collect()
}
