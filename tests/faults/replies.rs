//! Replies of the team, attacked: hints that cannot be relied on, kills, a receiver that fails, a store that was lost or set back, and
//! threads that were rotated or healed (T43, T44, P18).

use std::time::Duration;

use serde_json::json;
use simulators::ireserve::event::{message, started};
use simulators::ireserve::{Says, When};
use simulators::random::Random;

use crate::harness::{Setting, Stage};
use crate::load;
use crate::team::{Thread, proven, stage_of_bad_hints};

/// So many conversations with a card each.
async fn threads(stage: &Stage, count: usize) -> Vec<Thread> {
    let mut threads = Vec::new();
    for number in 0..count {
        let conversation = format!("c{number}");
        let opening = started(&format!("{conversation}-e0"), &conversation, "Sanne");
        stage.teller.tell(&opening).await;
        let card = stage.card(&conversation).await;
        threads.push(Thread::of(&conversation, card));
    }
    threads
}

/// What nobody hinted at is found soon.
fn soon() -> Setting {
    Setting::default().with("mattermost.poll_interval", "1s")
}

fn lotte(stage: &Stage) -> String {
    stage.world().cast().lotte.id.clone()
}

#[tokio::test]
async fn replies_arrive_once_and_in_order_although_hints_are_lost_doubled_and_swapped() {
    let mut stage = stage_of_bad_hints(Setting::default()).await;
    let mut threads = threads(&stage, 12).await;
    let (who, random) = (lotte(&stage), Random::fresh());
    stage.ireserve.says(When::Chance(0.1), Says::Status(503));
    stage.ireserve.says(When::Chance(0.05), Says::TakenThenCut);
    for turn in 0..60 {
        for thread in &mut threads {
            let mattermost = load::mattermost(&stage);
            let last = thread.written.len().saturating_sub(1);
            match random.below(10) {
                0 if turn > 0 && thread.written[last].text.is_some() => {
                    thread.edit(mattermost, &who, last, &format!("edited at {turn}"));
                }
                1 if last > 0 && thread.written[last - 1].text.is_some() => {
                    thread.delete(mattermost, &who, last - 1);
                }
                _ => {
                    thread.write(mattermost, &who, &format!("reply of turn {turn}"));
                }
            }
        }
        let id = format!("says-{turn}");
        let words = message(&id, &format!("c{}", turn % 12), "Sanne", "and this");
        stage.teller.tell(&words).await;
        // People and visitors take their time; without it all turns would fall into one reading.
        tokio::time::sleep(Duration::from_millis(60)).await;
        if turn % 20 == 15 {
            stage.kill_and_start_again().await;
        }
    }
    stage.ireserve.heal();
    proven(&stage, &threads).await;
    stage.finish().await;
}

#[tokio::test]
async fn what_a_lost_store_has_sent_is_sent_again_under_the_same_ids_and_the_thread_goes_on() {
    let mut stage = load::simulated(soon()).await;
    let mut threads = threads(&stage, 1).await;
    let who = lotte(&stage);
    let thread = &mut threads[0];
    for text in ["one", "two", "three"] {
        thread.write(load::mattermost(&stage), &who, text);
    }
    thread.edit(load::mattermost(&stage), &who, 1, "two, edited");
    proven(&stage, &threads).await;

    stage.stop().await;
    let folder = stage.sidecar().folder().to_owned();
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().contains("ireserve.db") {
            std::fs::remove_file(path).unwrap();
        }
    }
    stage.sidecar_mut().start_again().await.unwrap();
    threads[0].write(load::mattermost(&stage), &who, "four");
    proven(&stage, &threads).await;

    // The mapping is known again: what the visitor says stands under the same card.
    let said = message("after", "c0", "Sanne", "still here");
    stage.teller.tell(&said).await;
    stage.teller.until_it_is("after", "delivered").await;
    let cards = load::mattermost(&stage).look(|state| state.roots_of_conversation("c0"));
    assert_eq!(cards.len(), 1, "no second card");
    let under_it = load::mattermost(&stage).thread(&cards[0].id);
    assert!(
        under_it
            .iter()
            .any(|post| post.message.ends_with("still here"))
    );
    stage.end_owing().await;
}

#[tokio::test]
async fn after_an_older_store_was_put_back_nothing_is_doubled_and_nothing_missing() {
    let mut stage = load::simulated(soon()).await;
    let mut threads = threads(&stage, 2).await;
    let who = lotte(&stage);
    for thread in &mut threads {
        thread.write(load::mattermost(&stage), &who, "before the copy");
        thread.write(load::mattermost(&stage), &who, "to be edited");
        thread.write(load::mattermost(&stage), &who, "to be deleted");
    }
    proven(&stage, &threads).await;
    stage.stop().await;
    let store = stage.sidecar().folder().join("ireserve.db");
    let copy = stage.sidecar().folder().join("backup");
    std::fs::copy(&store, &copy).unwrap();
    stage.sidecar_mut().start_again().await.unwrap();
    for thread in &mut threads {
        thread.edit(load::mattermost(&stage), &who, 1, "edited since");
        thread.delete(load::mattermost(&stage), &who, 2);
        thread.write(load::mattermost(&stage), &who, "after the copy");
    }
    proven(&stage, &threads).await;

    stage.stop().await;
    for more in ["ireserve.db-wal", "ireserve.db-shm"] {
        // Gone already where the end was orderly.
        let _ = std::fs::remove_file(stage.sidecar().folder().join(more));
    }
    std::fs::copy(&copy, &store).unwrap();
    stage.sidecar_mut().start_again().await.unwrap();
    for thread in &mut threads {
        thread.write(load::mattermost(&stage), &who, "since the restore");
    }
    proven(&stage, &threads).await;
    stage.finish().await;
}

#[tokio::test]
async fn replies_under_former_cards_still_arrive_after_rotation_healing_and_a_kill() {
    let setting = Setting::default().with("mattermost.thread_limit", "4");
    let mut stage = stage_of_bad_hints(setting).await;
    let mut first = threads(&stage, 1).await.remove(0);
    let who = lotte(&stage);
    for at in 0..6 {
        let said = message(&format!("m{at}"), "c0", "Sanne", "more and more");
        stage.teller.tell(&said).await;
    }
    stage.teller.until_nothing_is_owed().await;
    let cards = load::mattermost(&stage).look(|state| state.roots_of_conversation("c0"));
    assert_eq!(cards.len(), 2, "the thread was full");
    stage.teller.ledger(|ledger| ledger.goes_on_elsewhere("c0"));
    stage.proven().await;
    first.write(load::mattermost(&stage), &who, "under the former card");
    proven(&stage, std::slice::from_ref(&first)).await;
    stage.kill_and_start_again().await;
    first.root = cards[1].clone();
    first.write(load::mattermost(&stage), &who, "under the live card");
    proven(&stage, std::slice::from_ref(&first)).await;

    // The live card is deleted with its reply, which the visitor keeps: people lost the thread, not what was said.
    stage.delete_card("c0").await;
    let said = message("healed", "c0", "Sanne", "are you there");
    stage.teller.tell(&said).await;
    stage.teller.until_it_is("healed", "delivered").await;
    let cards_now = load::mattermost(&stage).look(|state| state.roots_of_conversation("c0"));
    assert_eq!(cards_now.len(), 2);
    for root in &cards_now {
        first.root = root.clone();
        let text = format!("under {}", root.id);
        first.write(load::mattermost(&stage), &who, &text);
        proven(&stage, std::slice::from_ref(&first)).await;
    }
    stage.finish().await;
}

#[tokio::test]
async fn late_tied_and_forged_posts_and_a_channel_the_bot_was_thrown_out_of() {
    let stage = stage_of_bad_hints(Setting::default()).await;
    let mut threads = threads(&stage, 2).await;
    let who = lotte(&stage);
    let mattermost = load::mattermost(&stage);
    // Nobody hints at all from here on.
    mattermost
        .faults()
        .hints(simulators::mattermost::HintFaults {
            lost: 1.0,
            doubled: 0.0,
            swapped: 0.0,
        });
    let root = threads[0].root.clone();
    let tied = mattermost
        .post_at_once(&who, &root.channel_id, Some(&root.id), &["a", "b", "c"])
        .unwrap();
    let mut tied: Vec<_> = tied
        .into_iter()
        .map(|post| (post.id, post.message))
        .collect();
    // Of one millisecond: their ids decide.
    tied.sort();
    for (post, text) in tied {
        threads[0].written.push(crate::team::Line {
            post,
            text: Some(text),
        });
    }
    proven(&stage, &threads).await;
    let ago = Duration::from_secs(90);
    let late = mattermost
        .post_in_the_past(&who, &root.channel_id, Some(&root.id), "from the past", ago)
        .unwrap();
    threads[0].written.push(crate::team::Line {
        post: late.id,
        text: Some("from the past".to_owned()),
    });
    proven(&stage, &threads).await;

    // Props that look like ours, by somebody who is not our bot.
    let forged = json!({ "ireserve": root.ireserve() });
    let card = mattermost
        .post_with_props(&who, &root.channel_id, None, "a forged card", &forged)
        .unwrap();
    let inside = mattermost
        .post_as(
            &who,
            &root.channel_id,
            Some(&card.id),
            "under a forged card",
            &[],
        )
        .unwrap();
    let dressed = mattermost
        .post_with_props(
            &who,
            &root.channel_id,
            Some(&root.id),
            "dressed as ours",
            &forged,
        )
        .unwrap();
    // Whose post it is decides, so this is a reply like any other.
    threads[0].written.push(crate::team::Line {
        post: dressed.id,
        text: Some("dressed as ours".to_owned()),
    });
    threads[1].write(mattermost, &who, "another thread");
    proven(&stage, &threads).await;

    let bot = stage.world().cast().bot.id.clone();
    mattermost.remove(&root.channel_id, &bot);
    threads[1].write(mattermost, &who, "while the bot was out");
    // Two rounds of the slow look find the bot outside. Nothing shows from here that they did, so there is nothing else to wait for.
    tokio::time::sleep(Duration::from_secs(2)).await;
    mattermost.invite(&root.channel_id, &bot);
    proven(&stage, &threads).await;
    stage.ireserve.look(|inbox| {
        let leaked = |body: String| body.contains(&inside.id) || body.contains("forged card");
        assert!(
            !inbox
                .taken()
                .iter()
                .any(|taken| leaked(taken.body.to_string()))
        );
    });
    stage.finish().await;
}

#[tokio::test]
async fn whatever_i_reserve_answers_a_reply_arrives_or_its_author_is_told() {
    let stage = load::simulated(soon()).await;
    let mut threads = threads(&stage, 1).await;
    let who = lotte(&stage);
    let odd = [
        Says::TakenGarbled,
        Says::TakenEndlessly,
        Says::TakenWith(json!({ "visitor": 7, "more": [[[]]] })),
        Says::TakenWith(json!({ "visitor": "x".repeat(100_000) })),
        Says::TakenWith(json!([1, 2])),
        Says::TakenThenCut,
        Says::RefusedEndlessly(503),
        Says::Status(500),
        Says::Later(429, "1".to_owned()),
        Says::Later(503, "soon".to_owned()),
        Says::Cut,
        Says::Reset,
        Says::Hang,
    ];
    for (at, says) in odd.into_iter().enumerate() {
        stage.ireserve.says(When::Next(1), says);
        let text = format!("answered oddly {at}");
        threads[0].write(load::mattermost(&stage), &who, &text);
        proven(&stage, &threads).await;
    }
    // A redirect is not followed, whatever it leads to, and means that this reply is not wanted.
    let elsewhere = format!("{}/elsewhere", stage.ireserve.url());
    stage
        .ireserve
        .says(When::Next(3), Says::Redirect(elsewhere));
    let root = threads[0].root.clone();
    load::mattermost(&stage)
        .post_as(&who, &root.channel_id, Some(&root.id), "led away", &[])
        .unwrap();
    load::mattermost(&stage)
        .within(Duration::from_secs(90), "the author is told", |state| {
            let told = |post: &&simulators::mattermost::Post| post.message.starts_with("⚠️ @lotte");
            state.standing_replies(&root.id).find(told).map(|_| ())
        })
        .await
        .unwrap();
    threads[0].write(load::mattermost(&stage), &who, "and on it goes");
    proven(&stage, &threads).await;
    stage.end_owing().await;
}
