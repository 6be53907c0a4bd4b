//! The engine as its user sees it: what stands on the wall after faults, kills and outages.

use std::time::Duration;

use crate::{
    delivery::scripted::{Act, Desk, TURNS},
    record::{Selection, State},
};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn messages_of_one_conversation_stand_under_one_root_in_order() {
    let desk = Desk::new().await;
    for id in ["a", "b", "c"] {
        desk.says(id).await;
    }
    desk.settles("c", seconds(5)).await;
    assert_eq!(desk.wall.thread(), ["a", "b", "c"]);
    assert_eq!(desk.wall.roots(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_again_and_never_repeated() {
    let desk = Desk::new().await;
    desk.wall
        .state()
        .script
        .extend([Act::LoseAnswer, Act::LoseAnswer]);
    desk.says("a").await;
    desk.says("b").await;
    desk.settles("b", seconds(60)).await;
    assert_eq!(
        (desk.wall.roots(), desk.wall.thread()),
        (1, vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(desk.wall.state().creates, 3, "the root and two replies");
}

#[tokio::test(start_paused = true)]
async fn what_vanished_is_posted_again_with_the_same_mark() {
    let desk = Desk::new().await;
    desk.wall.state().script.push_back(Act::Vanish);
    desk.says("a").await;
    desk.settles("a", seconds(10)).await;
    assert_eq!(desk.wall.thread(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_an_hour_parks_nothing_and_ends_within_five_seconds() {
    let desk = Desk::new().await;
    desk.wall.state().away = true;
    for conversation in 0..40 {
        desk.says_in(
            &format!("conv_{conversation}"),
            &format!("evt_{conversation}"),
        )
        .await;
    }
    desk.run_for(seconds(3600)).await;
    let probes = desk.wall.state().probes;
    assert!(
        (700..=3600).contains(&probes),
        "at most one probe a second, at least one in five: {probes}"
    );
    desk.wall.state().away = false;
    for conversation in 0..40 {
        assert_eq!(
            desk.settles(&format!("evt_{conversation}"), seconds(6))
                .await,
            State::Delivered
        );
    }
    assert_eq!(desk.wall.roots(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_refused_event_steps_aside_within_a_minute_and_its_gap_is_visible() {
    let desk = Desk::new().await;
    desk.says("first").await;
    desk.settles("first", seconds(5)).await;
    desk.wall
        .state()
        .script
        .extend([Act::Refuse, Act::Refuse, Act::Refuse]);
    desk.says("poison").await;
    desk.says("next").await;
    assert_eq!(desk.settles("poison", seconds(60)).await, State::Parked);
    desk.settles("next", seconds(5)).await;
    assert_eq!(
        desk.wall.thread(),
        ["first", "poison", "next"],
        "the placeholder stands in its place"
    );

    let replayed = desk
        .store
        .replay(&Selection::default(), desk.clock.moment())
        .await
        .unwrap();
    assert_eq!(replayed, 1);
    assert_eq!(desk.settles("poison", seconds(5)).await, State::Delivered);
    assert_eq!(
        desk.store
            .replay(&Selection::default(), desk.clock.moment())
            .await
            .unwrap(),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_error_that_only_one_event_gets_counts_against_it() {
    let desk = Desk::new().await;
    desk.says("first").await;
    desk.settles("first", seconds(5)).await;
    desk.wall.state().script.push_back(Act::Fail);
    desk.says("poison").await;
    desk.run_for(Duration::from_millis(50)).await;
    desk.says_in("conv_94", "other").await;
    desk.settles("other", seconds(5)).await;
    desk.settles("poison", seconds(120)).await;
    assert_eq!(
        desk.wall.thread().len(),
        1,
        "the other conversation's thread is the newest"
    );
    let looks = desk.wall.state().looks;
    assert!(looks >= 2, "two looks before it was tried again: {looks}");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_root_is_replaced_once_and_the_lane_goes_on() {
    let desk = Desk::new().await;
    desk.says("a").await;
    desk.settles("a", seconds(5)).await;
    desk.wall.delete_root(1);
    desk.says("b").await;
    desk.says("c").await;
    desk.settles("c", seconds(5)).await;
    assert_eq!(
        (desk.wall.roots(), desk.wall.thread()),
        (1, vec!["b".to_owned(), "c".to_owned()])
    );
}

#[tokio::test(start_paused = true)]
async fn a_blocked_lane_waits_with_its_reason_and_goes_on_by_itself() {
    let desk = Desk::new().await;
    desk.wall.state().blocked = true;
    desk.says("a").await;
    desk.run_for(seconds(600)).await;
    assert_eq!(desk.state_of("a").await, State::Retrying);
    let blocked = desk.store.blocked().await.unwrap();
    assert_eq!(blocked[0].reason, "the channel is archived");
    desk.wall.state().blocked = false;
    assert_eq!(desk.settles("a", seconds(61)).await, State::Delivered);
    assert!(desk.store.blocked().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_doubt_for_its_lane_and_nothing_for_the_others() {
    let desk = Desk::new().await;
    desk.wall.state().script.push_back(Act::Panic);
    desk.says("a").await;
    desk.settles("a", seconds(60)).await;
    desk.says_in("conv_94", "b").await;
    desk.settles("b", seconds(5)).await;
    assert_eq!(desk.wall.roots(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_to_wait_is_honoured_in_full_by_all_lanes() {
    let desk = Desk::new().await;
    desk.wall.state().script.push_back(Act::Ask(seconds(100)));
    desk.says("a").await;
    desk.run_for(seconds(1)).await;
    desk.says_in("conv_94", "b").await;
    desk.run_for(seconds(98)).await;
    assert_eq!(desk.wall.state().creates, 0);
    desk.settles("a", seconds(15)).await;
    desk.settles("b", seconds(15)).await;
}

#[tokio::test(start_paused = true)]
async fn lanes_that_wait_for_a_turn_keep_quiet_when_the_others_are_asked_to_wait() {
    let desk = Desk::new().await;
    desk.wall.state().takes = seconds(1);
    desk.wall.state().script.push_back(Act::Ask(seconds(100)));
    for conversation in 0..12 {
        let (name, event) = (
            format!("conv_{conversation}"),
            format!("evt_{conversation}"),
        );
        desk.says_in(&name, &event).await;
    }
    desk.run_for(seconds(95)).await;
    let asked = desk.wall.state().creates;
    assert_eq!(asked as usize, TURNS - 1, "those that had begun");
    desk.settles("evt_11", seconds(60)).await;
    assert_eq!(desk.wall.state().looks, 0, "nothing is in doubt");
    assert_eq!(desk.wall.state().asked_at_once, TURNS);
}

#[tokio::test(start_paused = true)]
async fn kills_at_any_moment_double_nothing_and_lose_nothing() {
    let mut desk = Desk::new().await;
    for round in 0..25 {
        let acts = [Act::LoseAnswer, Act::Vanish, Act::LoseAnswer];
        desk.wall.state().script.push_back(acts[round % 3].clone());
        desk.says(&format!("evt_{round}")).await;
        desk.run_for(Duration::from_millis(7 * round as u64)).await;
        desk.is_killed().await;
        desk.starts().await;
    }
    desk.settles("evt_24", seconds(3600)).await;
    let wanted: Vec<String> = (0..25).map(|round| format!("evt_{round}")).collect();
    assert_eq!((desk.wall.roots(), desk.wall.thread()), (1, wanted));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_changes_neither_order_nor_number() {
    let desk = Desk::new().await;
    for (round, jump) in [600_000, -600_000, -86_400_000, 600_000]
        .into_iter()
        .enumerate()
    {
        desk.wall.state().script.push_back(Act::LoseAnswer);
        desk.says(&format!("evt_{round}")).await;
        desk.clock.shift(jump);
        desk.says(&format!("next_{round}")).await;
    }
    desk.settles("next_3", seconds(2 * 86_400)).await;
    let wanted: Vec<String> = (0..4)
        .flat_map(|round| [format!("evt_{round}"), format!("next_{round}")])
        .collect();
    assert_eq!((desk.wall.roots(), desk.wall.thread()), (1, wanted));
}
