//! Roots, parts, known posts and what cards shall show.

use super::*;
use crate::record::{KnownPost, Mapping, PostState, Touch};

contract! {
    a_root_that_stands_is_mapped_and_may_be_repeated,
    a_part_that_stands_is_counted_once,
    a_later_generation_takes_over_and_the_former_root_is_still_known,
    a_start_ends_with_its_root,
    a_placeholder_that_opens_a_thread_is_still_a_placeholder,
    an_edit_finds_the_posts_of_its_message,
    what_an_edit_changes_may_be_parked,
    a_root_may_quote_the_first_message_among_the_next,
    a_card_is_wanted_until_it_is_shown,
    a_former_root_is_wanted_once,
    a_notification_has_no_thread,
}

/// The lane's head with a root open below it.
async fn open(bench: &Bench, claim: &Claim, name: &str, now: Timestamp) -> Claim {
    let step = bench
        .store()
        .step(claim, Step::Root(1), None, now)
        .await
        .unwrap();
    bench
        .store()
        .opened(&step, &root(&step, 1, name), now)
        .await
        .unwrap()
}

async fn mapping(bench: &Bench) -> Option<Mapping> {
    let conversation = ConversationId::new("conv_1").unwrap();
    bench
        .store()
        .mapping_of(&licence(), &conversation)
        .await
        .unwrap()
}

async fn owner(bench: &Bench, root: &str) -> Option<String> {
    let found = bench.store().conversation_of(&post_id(root)).await.unwrap();
    found.map(|(licence, conversation)| format!("{licence} {conversation}"))
}

async fn a_root_that_stands_is_mapped_and_may_be_repeated(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    assert_eq!(
        (mapping(bench).await, owner(bench, "r1").await),
        (None, None)
    );
    let claim = bench.claim(at(1)).await;
    let step = bench
        .store()
        .step(&claim, Step::Root(1), None, at(1))
        .await
        .unwrap();
    let mut root = root(&step, 1, "r1");
    root.card.url = Some("https://example.net/conv_1".into());
    let opened = bench.store().opened(&step, &root, at(2)).await.unwrap();
    let expected = Mapping {
        generation: 1,
        root_id: post_id("r1"),
        channel_id: channel(),
        event: EventId::new("evt_1").unwrap(),
        replies: 0,
        last_create_at: at(1),
    };
    assert_eq!(opened.mapping, Some(expected.clone()));
    assert_eq!(
        (opened.step, opened.doubt, opened.first_started),
        (Step::Part(0), Doubt::None, Some(at(2)))
    );
    assert_eq!(opened.card, Some(root.card.clone()));
    assert_eq!(opened.opening, None, "there is a root");
    assert_eq!(
        bench.store().opened(&step, &root, at(2)).await.unwrap(),
        opened
    );
    assert_eq!(mapping(bench).await, Some(expected));
    assert_eq!(owner(bench, "r1").await.as_deref(), Some("acme conv_1"));
    assert_eq!(bench.status("evt_1").await.root_id, Some(post_id("r1")));
    assert_eq!(
        bench.store().wanted(10).await.unwrap(),
        [],
        "the root shows its card"
    );
    bench.crash(at(3)).await;
    let doubtful = bench.claim(at(3)).await;
    assert_eq!(
        (doubtful.step, doubtful.doubt),
        (Step::Part(0), Doubt::Open)
    );
    assert_eq!(doubtful.mapping, opened.mapping);
}

async fn a_part_that_stands_is_counted_once(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    let claim = open(bench, &bench.claim(at(1)).await, "r1", at(1)).await;
    let part = Posted {
        create_at: at(4),
        ..post("p1", Some("r1"))
    };
    let next = bench
        .store()
        .part_done(&claim, &part, Step::Part(1), at(5))
        .await
        .unwrap();
    assert_eq!(
        (next.step, next.doubt, next.first_started),
        (Step::Part(1), Doubt::None, Some(at(5)))
    );
    assert_eq!(
        bench
            .store()
            .part_done(&claim, &part, Step::Part(1), at(5))
            .await
            .unwrap(),
        next
    );
    let after = mapping(bench).await.unwrap();
    assert_eq!((after.replies, after.last_create_at), (1, at(4)));
    let last = Posted {
        create_at: at(3),
        ..post("p2", Some("r1"))
    };
    let delivered = Delivered {
        post: Some(last),
        ..end(at(6))
    };
    bench.store().delivered(&next, &delivered).await.unwrap();
    bench.store().delivered(&next, &delivered).await.unwrap();
    let after = mapping(bench).await.unwrap();
    assert_eq!(
        (after.replies, after.last_create_at),
        (2, at(4)),
        "the newest stays the newest"
    );
    let status = bench.status("evt_1").await;
    assert_eq!(
        (status.status, status.post_id),
        (State::Delivered, Some(post_id("p1"))),
        "its first part"
    );
}

async fn a_later_generation_takes_over_and_the_former_root_is_still_known(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    let claim = open(bench, &bench.claim(at(1)).await, "r1", at(1)).await;
    let step = bench
        .store()
        .step(&claim, Step::Root(2), None, at(2))
        .await
        .unwrap();
    assert_eq!(step.mapping.as_ref().map(|root| root.generation), Some(1));
    let second = root(&step, 2, "r2");
    let opened = bench.store().opened(&step, &second, at(3)).await.unwrap();
    assert_eq!(
        bench.store().opened(&step, &second, at(3)).await.unwrap(),
        opened
    );
    let live = mapping(bench).await.unwrap();
    assert_eq!(
        (live.generation, live.root_id.clone(), live.replies),
        (2, post_id("r2"), 0)
    );
    let delivered = Delivered {
        post: Some(post("p1", Some("r1"))),
        ..end(at(4))
    };
    bench.store().delivered(&opened, &delivered).await.unwrap();
    assert_eq!(
        mapping(bench).await.unwrap().replies,
        0,
        "a post under the former root counts there"
    );
    for root in ["r1", "r2"] {
        assert_eq!(owner(bench, root).await.as_deref(), Some("acme conv_1"));
    }
}

async fn a_start_ends_with_its_root(bench: &mut Bench) {
    bench
        .accept_new(event(
            "evt_1",
            "conv_1",
            "conversation.started",
            Step::Root(1),
        ))
        .await;
    let claim = open(bench, &bench.claim(at(1)).await, "r1", at(1)).await;
    let delivered = Delivered {
        post: Some(post("r1", None)),
        ..end(at(2))
    };
    bench.store().delivered(&claim, &delivered).await.unwrap();
    let status = bench.status("evt_1").await;
    assert_eq!(
        (status.post_id, status.root_id),
        (Some(post_id("r1")), Some(post_id("r1")))
    );
    assert_eq!(mapping(bench).await.unwrap().replies, 0);
}

async fn a_placeholder_that_opens_a_thread_is_still_a_placeholder(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    bench.park(&bench.claim(at(1)).await, at(2)).await;
    let placeholder = open(bench, &bench.claim(at(3)).await, "r1", at(3)).await;
    assert_eq!(
        placeholder.step,
        Step::Parked,
        "its mark is not that of the event's first part"
    );
    let delivered = Delivered {
        post: Some(post("p1", Some("r1"))),
        ..end(at(4))
    };
    bench
        .store()
        .delivered(&placeholder, &delivered)
        .await
        .unwrap();
    assert_eq!(bench.status("evt_1").await.post_id, None);
    assert_eq!(mapping(bench).await.unwrap().replies, 1);
}

async fn an_edit_finds_the_posts_of_its_message(bench: &mut Bench) {
    let events = vec![
        said("evt_1", "conv_1"),
        said("evt_2", "conv_1"),
        edited("evt_3", "conv_1", "evt_1"),
    ];
    bench.accept(events).await;
    let claim = open(bench, &bench.claim(at(1)).await, "r1", at(1)).await;
    let claim = bench
        .store()
        .part_done(&claim, &post("p1", Some("r1")), Step::Part(1), at(2))
        .await
        .unwrap();
    for (claim, name) in [(Some(claim), "p2"), (None, "p3")] {
        let claim = match claim {
            Some(claim) => claim,
            None => bench.claim(at(3)).await,
        };
        let delivered = Delivered {
            post: Some(post(name, Some("r1"))),
            ..end(at(3))
        };
        bench.store().delivered(&claim, &delivered).await.unwrap();
    }
    let edit = bench.claim(at(4)).await;
    let known = |name: &str, part| KnownPost {
        mark: None,
        post_id: post_id(name),
        root_id: post_id("r1"),
        message_id: Some(MessageId::new("m_evt_1").unwrap()),
        part,
        state: PostState::Ours,
        create_at: at(1),
        edit_at: 0,
        sent_edit_at: None,
    };
    assert_eq!(edit.target, [known("p1", 0), known("p2", 1)]);
    assert!(!edit.target_parked);
}

async fn what_an_edit_changes_may_be_parked(bench: &mut Bench) {
    let events = vec![
        said("evt_1", "conv_1"),
        edited("evt_2", "conv_1", "evt_1"),
        edited("evt_3", "conv_1", "evt_9"),
    ];
    bench.accept(events).await;
    bench.park(&bench.claim(at(1)).await, at(2)).await;
    bench.deliver(&bench.claim(at(2)).await, at(2)).await;
    let edit = bench.claim(at(3)).await;
    assert_eq!(
        (edit.event.as_str(), edit.target_parked, edit.target.len()),
        ("evt_2", true, 0)
    );
    bench.deliver(&edit, at(3)).await;
    let edit = bench.claim(at(4)).await;
    assert!(!edit.target_parked, "another message is meant");
    bench
        .store()
        .replay(&Selection::default(), crate::record::Moment::agreed(at(5)))
        .await
        .unwrap();
    bench.deliver(&edit, at(5)).await;
    assert_eq!(bench.drain(at(5)).await, ["evt_1"]);
    bench.accept_new(edited("evt_4", "conv_1", "evt_1")).await;
    assert!(!bench.claim(at(6)).await.target_parked, "it no longer is");
}

async fn a_root_may_quote_the_first_message_among_the_next(bench: &mut Bench) {
    let started = |id: &str, conversation: &str| {
        event(id, conversation, "conversation.started", Step::Root(1))
    };
    let mut events = vec![
        started("evt_1", "conv_1"),
        said("evt_2", "conv_1"),
        said("evt_3", "conv_1"),
    ];
    events.push(started("far_1", "conv_2"));
    events.extend((2..7).map(|number| {
        event(
            &format!("far_{number}"),
            "conv_2",
            "conversation.assigned",
            Step::Part(0),
        )
    }));
    events.push(said("far_7", "conv_2"));
    bench.accept(events).await;
    let claims = bench.claims(at(1)).await;
    let [near, far] = &claims[..] else {
        panic!("{claims:?}")
    };
    assert_eq!(near.opening, Some(said("evt_2", "conv_1").content));
    assert_eq!(
        far.opening, None,
        "five events behind the head are looked at"
    );
}

async fn a_card_is_wanted_until_it_is_shown(bench: &mut Bench) {
    bench
        .accept(vec![said("evt_1", "conv_1"), said("evt_2", "conv_1")])
        .await;
    let claim = open(bench, &bench.claim(at(1)).await, "r1", at(1)).await;
    let mut card = claim.card.clone().unwrap();
    card.department = Some("sales".into());
    let wanted = Delivered {
        wanted: Some(card.clone()),
        ..end(at(2))
    };
    bench.store().delivered(&claim, &wanted).await.unwrap();
    let touches = bench.store().wanted(10).await.unwrap();
    let [
        touch @ Touch::Card {
            root,
            card: shown,
            continues_in,
            conversation,
            ..
        },
    ] = &touches[..]
    else {
        panic!("{touches:?}")
    };
    assert_eq!(
        (root.root_id.clone(), &**shown, continues_in),
        (post_id("r1"), &card, &None)
    );
    assert_eq!(conversation.as_str(), "conv_1");
    assert_eq!(bench.store().wanted(0).await.unwrap(), []);
    let claim = bench.claim(at(3)).await;
    assert_eq!(claim.card.as_ref(), Some(&card));
    card.test = true;
    let newer = Park {
        wanted: Some(card.clone()),
        ..parked(at(3))
    };
    bench.store().park(&claim, &newer).await.unwrap();
    bench.store().shown(touch).await.unwrap();
    bench.crash(at(4)).await;
    let touches = bench.store().wanted(10).await.unwrap();
    let [newest @ Touch::Card { card: shown, .. }] = &touches[..] else {
        panic!("what changed since is still wanted: {touches:?}")
    };
    assert_eq!(**shown, card);
    for touch in [newest, touch] {
        bench.store().shown(touch).await.unwrap();
        assert_eq!(
            bench.store().wanted(10).await.unwrap(),
            [],
            "an old one does not undo it"
        );
    }
    let placeholder = bench.claim(at(5)).await;
    let same = Delivered {
        wanted: Some(card),
        ..end(at(5))
    };
    bench.store().delivered(&placeholder, &same).await.unwrap();
    assert_eq!(
        bench.store().wanted(10).await.unwrap(),
        [],
        "it shows that already"
    );
}

async fn a_former_root_is_wanted_once(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    let claim = open(bench, &bench.claim(at(1)).await, "r1", at(1)).await;
    let step = bench
        .store()
        .step(&claim, Step::Root(2), None, at(2))
        .await
        .unwrap();
    let _opened = bench
        .store()
        .opened(&step, &root(&step, 2, "r2"), at(3))
        .await
        .unwrap();
    let touches = bench.store().wanted(10).await.unwrap();
    let [
        touch @ Touch::Card {
            root, continues_in, ..
        },
    ] = &touches[..]
    else {
        panic!("{touches:?}")
    };
    assert_eq!((root.root_id.clone(), root.generation), (post_id("r1"), 1));
    assert_eq!(continues_in, &Some(post_id("r2")));
    for _ in 0..2 {
        bench.store().shown(touch).await.unwrap();
        assert_eq!(bench.store().wanted(10).await.unwrap(), []);
    }
}

async fn a_notification_has_no_thread(bench: &mut Bench) {
    bench.accept_new(notification("evt_1", "conv_1")).await;
    let claim = bench.claim(at(1)).await;
    assert_eq!((claim.mapping.clone(), claim.card.clone()), (None, None));
    let delivered = Delivered {
        post: Some(post("p1", None)),
        ..end(at(2))
    };
    bench.store().delivered(&claim, &delivered).await.unwrap();
    assert_eq!(
        (mapping(bench).await, owner(bench, "p1").await),
        (None, None)
    );
}
