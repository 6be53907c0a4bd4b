//! Parked events: listed, replayed, dropped, forgotten.

use super::*;

contract! {
    parked_events_are_listed_page_by_page_oldest_first,
    a_replay_goes_behind_a_head_in_flight_and_before_what_waits,
    a_replay_goes_first_when_nothing_is_in_flight,
    replaying_twice_changes_nothing,
    a_replay_goes_on_where_the_event_stood,
    a_placeholder_that_was_never_tried_goes_with_the_replay,
    what_was_replayed_may_be_parked_again,
    only_what_is_selected_is_replayed_or_dropped,
    dropped_events_are_gone_and_their_status_says_so,
    parked_events_are_forgotten_after_ninety_days,
}

fn of(ids: &[u64]) -> Selection {
    Selection {
        failed_ids: Some(ids.to_vec()),
        ..Selection::default()
    }
}

/// Parks every event of these conversations, without placeholders; their `failed_id`s by the names of the events.
async fn park_all(bench: &Bench, now: Timestamp) -> Vec<u64> {
    let mut failed = Vec::new();
    loop {
        let claims = bench.claims(now).await;
        if claims.is_empty() {
            failed.sort();
            return failed.into_iter().map(|(_, seq)| seq).collect();
        }
        for claim in claims {
            let park = Park {
                placeholder: None,
                ..parked(now)
            };
            bench.store().park(&claim, &park).await.unwrap();
            failed.push((claim.event.to_string(), claim.seq));
        }
    }
}

async fn parked_events_are_listed_page_by_page_oldest_first(bench: &mut Bench) {
    for number in 1..=7 {
        bench
            .accept_new(said(
                &format!("evt_{number}"),
                &format!("conv_{}", number % 4),
            ))
            .await;
    }
    let failed = park_all(bench, at(1)).await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = bench
            .store()
            .parked(&Selection::default(), after, 3)
            .await
            .unwrap();
        seen.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let ids: Vec<_> = seen.iter().map(|one| one.failed_id).collect();
    assert_eq!(ids, failed);
    let events: Vec<_> = seen
        .iter()
        .map(|one| one.event_id.as_str().to_owned())
        .collect();
    assert_eq!(
        events,
        (1..=7)
            .map(|number| format!("evt_{number}"))
            .collect::<Vec<_>>()
    );
    let expected = crate::record::Parked {
        failed_id: failed[0],
        licence: licence(),
        direction: Direction::ChatToThread,
        conversation_id: Some(ConversationId::new("conv_1").unwrap()),
        event_id: EventId::new("evt_1").unwrap(),
        kind: "message.created".into(),
        reason: "refused three times".into(),
        attempts: 1,
        accepted_at: at(0),
        parked_at: at(1),
    };
    assert_eq!(seen[0], expected);
}

async fn a_replay_goes_behind_a_head_in_flight_and_before_what_waits(bench: &mut Bench) {
    let events = ["evt_1", "evt_2"].map(|id| said(id, "conv_1"));
    bench.accept(events.to_vec()).await;
    park_all(bench, at(1)).await;
    let events = ["evt_3", "evt_4", "evt_5"].map(|id| said(id, "conv_1"));
    bench.accept(events.to_vec()).await;
    let head = bench.claim(at(2)).await;
    assert_eq!(
        bench
            .store()
            .replay(&Selection::default(), crate::record::Moment::agreed(at(3)))
            .await
            .unwrap(),
        2
    );
    assert_eq!(bench.claims(at(3)).await, [], "one attempt at a time");
    assert_eq!(bench.state("evt_1").await, State::Accepted);
    bench.crash(at(4)).await;
    let again = bench.claim(at(4)).await;
    assert_eq!(
        (again.seq, again.doubt),
        (head.seq, Doubt::Open),
        "what is in doubt stays the head"
    );
    bench.deliver(&again, at(5)).await;
    assert_eq!(
        bench.drain(at(5)).await,
        ["evt_1", "evt_2", "evt_4", "evt_5"]
    );
}

async fn a_replay_goes_first_when_nothing_is_in_flight(bench: &mut Bench) {
    bench
        .accept(vec![said("evt_1", "conv_1"), said("evt_2", "conv_1")])
        .await;
    park_all(bench, at(1)).await;
    let held = NewEvent {
        hold_until: Some(at(90)),
        ..said("evt_3", "conv_1")
    };
    bench.accept_new(held).await;
    assert_eq!(
        bench
            .store()
            .replay(&Selection::default(), crate::record::Moment::agreed(at(2)))
            .await
            .unwrap(),
        2
    );
    assert_eq!(bench.drain(at(2)).await, ["evt_1", "evt_2"]);
    assert_eq!(bench.drain(at(90)).await, ["evt_3"]);
}

async fn replaying_twice_changes_nothing(bench: &mut Bench) {
    bench
        .accept(vec![said("evt_1", "conv_1"), said("evt_2", "conv_2")])
        .await;
    let failed = park_all(bench, at(1)).await;
    for expected in [2, 0] {
        assert_eq!(
            bench
                .store()
                .replay(&of(&failed), crate::record::Moment::agreed(at(2)))
                .await
                .unwrap(),
            expected
        );
        assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (2, 2));
    }
    let mut order = bench.drain(at(3)).await;
    order.sort();
    assert_eq!(order, ["evt_1", "evt_2"]);
    assert_eq!(
        bench
            .store()
            .replay(&of(&failed), crate::record::Moment::agreed(at(4)))
            .await
            .unwrap(),
        0,
        "what is delivered stays delivered"
    );
    assert_eq!(bench.drain(at(5)).await, Vec::<String>::new());
    assert_eq!(bench.state("evt_1").await, State::Delivered);
}

async fn a_replay_goes_on_where_the_event_stood(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    let claim = bench.claim(at(1)).await;
    let claim = bench
        .store()
        .part_done(&claim, &post("p1", None), Step::Part(1), at(2))
        .await
        .unwrap();
    let refused = Retry {
        refused: 2,
        ..again(at(3), "400", at(3))
    };
    bench.store().retry(&claim, &refused).await.unwrap();
    let park = Park {
        placeholder: None,
        ..parked(at(4))
    };
    bench
        .store()
        .park(&bench.claim(at(4)).await, &park)
        .await
        .unwrap();
    bench
        .store()
        .replay(
            &Selection::default(),
            crate::record::Moment::agreed(at(1000)),
        )
        .await
        .unwrap();
    let status = bench.status("evt_1").await;
    assert_eq!(
        (status.status, status.attempts, status.last_error),
        (State::Accepted, 0, None)
    );
    assert_eq!(status.accepted_at, at(0));
    let claim = bench.claim(at(1000)).await;
    assert_eq!(
        (claim.step, claim.refused, claim.attempts),
        (Step::Part(1), 0, 1)
    );
    assert_eq!(
        (claim.first_started, claim.last_ended),
        (Some(at(1000)), None)
    );
    assert_eq!(claim.accepted_at, at(1000), "its seven days begin anew");
}

async fn a_placeholder_that_was_never_tried_goes_with_the_replay(bench: &mut Bench) {
    bench
        .accept(vec![said("evt_1", "conv_1"), said("evt_2", "conv_2")])
        .await;
    for claim in bench.claims(at(1)).await {
        bench.park(&claim, at(1)).await;
    }
    let tried = bench.claims(at(2)).await.remove(0);
    bench
        .store()
        .retry(&tried, &again(at(3), "no connection", at(2)))
        .await
        .unwrap();
    bench.crash(at(3)).await;
    bench.accept_new(said("evt_3", "conv_3")).await;
    bench
        .park(&bench.claims(at(3)).await.remove(2), at(3))
        .await;
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (3, 3));
    assert_eq!(
        bench
            .store()
            .replay(&Selection::default(), crate::record::Moment::agreed(at(4)))
            .await
            .unwrap(),
        3
    );
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (5, 5));
    assert_eq!(
        bench.drain(at(4)).await,
        ["evt_3"],
        "its placeholder was not needed"
    );
    bench.crash(at(5)).await;
    let mut order = bench.drain(at(5)).await;
    order.sort();
    assert_eq!(
        order,
        [
            "evt_1",
            "evt_2",
            "placeholder of evt_1",
            "placeholder of evt_2"
        ]
    );
}

async fn what_was_replayed_may_be_parked_again(bench: &mut Bench) {
    bench
        .accept(vec![said("evt_1", "conv_1"), said("evt_2", "conv_1")])
        .await;
    let sequels = vec![reply("notice", "conv_1")];
    for round in 0..3 {
        let claim = bench.claim(at(round)).await;
        assert_eq!(claim.event.as_str(), "evt_1");
        let park = Park {
            sequels: sequels.clone(),
            ..parked(at(round))
        };
        bench.store().park(&claim, &park).await.unwrap();
        assert_eq!(
            bench
                .store()
                .replay(
                    &Selection::default(),
                    crate::record::Moment::agreed(at(round))
                )
                .await
                .unwrap(),
            1
        );
    }
    assert_eq!(bench.drain(at(9)).await, ["evt_1", "evt_2"]);
}

async fn only_what_is_selected_is_replayed_or_dropped(bench: &mut Bench) {
    let mut other = said("evt_4", "conv_1");
    other.lane.licence = LicenceId::new("beta").unwrap();
    bench
        .accept(vec![
            said("evt_1", "conv_1"),
            said("evt_2", "conv_1"),
            said("evt_3", "conv_2"),
            other,
        ])
        .await;
    let failed = park_all(bench, at(1)).await;
    let by_conversation = Selection {
        conversation_id: Some(ConversationId::new("conv_1").unwrap()),
        licence: Some(licence()),
        ..Selection::default()
    };
    let by_direction = Selection {
        direction: Some(Direction::ThreadToChat),
        ..Selection::default()
    };
    let by_licence = Selection {
        licence: Some(LicenceId::new("beta").unwrap()),
        ..Selection::default()
    };
    let both = Selection {
        failed_ids: Some(failed[..2].to_vec()),
        ..by_licence.clone()
    };
    for (selection, expected) in [
        (&by_conversation, vec![0, 1]),
        (&by_direction, vec![]),
        (&by_licence, vec![3]),
        (&both, vec![]),
        (&of(&[failed[2], 999_999]), vec![2]),
        (&of(&[]), vec![]),
    ] {
        let page = bench.store().parked(selection, None, 10).await.unwrap();
        let found: Vec<_> = page.items.iter().map(|one| one.failed_id).collect();
        assert_eq!(
            found,
            expected
                .into_iter()
                .map(|at: usize| failed[at])
                .collect::<Vec<_>>(),
            "{selection:?}"
        );
    }
    assert_eq!(
        bench
            .store()
            .replay(&by_direction, crate::record::Moment::agreed(at(2)))
            .await
            .unwrap(),
        0
    );
    assert_eq!(bench.store().drop_parked(&both).await.unwrap(), 0);
    assert_eq!(
        bench
            .store()
            .replay(&by_conversation, crate::record::Moment::agreed(at(2)))
            .await
            .unwrap(),
        2
    );
    assert_eq!(bench.drain(at(2)).await, ["evt_1", "evt_2"]);
    assert_eq!(bench.store().drop_parked(&by_licence).await.unwrap(), 1);
    assert_eq!(
        bench
            .store()
            .replay(&Selection::default(), crate::record::Moment::agreed(at(3)))
            .await
            .unwrap(),
        1
    );
    assert_eq!(bench.drain(at(3)).await, ["evt_3"]);
}

async fn dropped_events_are_gone_and_their_status_says_so(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    park_all(bench, at(1)).await;
    assert_eq!(
        bench
            .store()
            .drop_parked(&Selection::default())
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        bench
            .store()
            .drop_parked(&Selection::default())
            .await
            .unwrap(),
        0
    );
    let status = bench.status("evt_1").await;
    assert_eq!((status.status, status.last_error), (State::Dropped, None));
    assert_eq!(
        bench
            .store()
            .replay(&Selection::default(), crate::record::Moment::agreed(at(2)))
            .await
            .unwrap(),
        0
    );
    let judged = bench.accept(vec![said("evt_1", "conv_1")]).await;
    assert!(
        matches!(judged[..], [Acceptance::Duplicate(_)]),
        "its id is still known"
    );
    assert_eq!(bench.drain(at(3)).await, Vec::<String>::new());
}

async fn parked_events_are_forgotten_after_ninety_days(bench: &mut Bench) {
    let day = 24 * 3600;
    bench
        .accept(vec![said("evt_1", "conv_1"), said("evt_2", "conv_2")])
        .await;
    for (claim, now) in bench.claims(at(1)).await.iter().zip([at(1), at(day)]) {
        let park = Park {
            placeholder: None,
            ..parked(now)
        };
        bench.store().park(claim, &park).await.unwrap();
    }
    bench.store().purge(100, at(90 * day)).await.unwrap();
    let left = bench
        .store()
        .parked(&Selection::default(), None, 10)
        .await
        .unwrap()
        .items;
    assert_eq!(left.len(), 2, "ninety days are not over");
    bench.store().purge(100, at(90 * day + 2)).await.unwrap();
    let left = bench
        .store()
        .parked(&Selection::default(), None, 10)
        .await
        .unwrap()
        .items;
    assert_eq!(
        left.iter()
            .map(|one| one.event_id.as_str())
            .collect::<Vec<_>>(),
        ["evt_2"]
    );
    assert_eq!(
        bench
            .store()
            .replay(&Selection::default(), crate::record::Moment::agreed(at(0)))
            .await
            .unwrap(),
        1
    );
    assert_eq!(bench.drain(at(0)).await, ["evt_2"]);
}
