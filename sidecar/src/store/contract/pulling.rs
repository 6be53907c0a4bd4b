//! What was read from threads: replies, known posts, marks, cursors; and how far channels were swept.

use super::*;
use crate::{
    record::{
        Anchor, Change, Cursor, KnownPost, Moment, PostState, Pull, Pulled, ReplyMark, Thread,
        Touch,
    },
    store::Adopted,
};

contract! {
    a_reading_brings_replies_posts_and_cursor_in_one_write,
    a_reading_from_an_old_cursor_changes_nothing,
    an_edit_replaces_what_waits_untried_or_is_parked_and_else_follows,
    a_withdrawal_removes_what_waits_untried_or_is_parked_and_else_follows,
    a_reply_that_was_missed_once_waits_longer,
    a_mark_is_wanted_until_it_is_shown_and_follows_the_delivery,
    what_is_known_of_a_post_is_never_taken_from_us,
    our_own_posts_move_the_pair_that_is_expected,
    a_root_is_adopted_once_and_a_second_one_is_only_pulled,
    threads_are_listed_by_their_activity_and_channels_with_them,
    an_anchor_is_kept,
}

/// A conversation with a live root, its opening message delivered.
async fn open(bench: &Bench, conversation: &str, name: &str, now: Timestamp) {
    bench
        .accept_new(said(&format!("open_{name}"), conversation))
        .await;
    let claim = bench.claim(at(500)).await;
    let opened = bench
        .store()
        .opened(&claim, &root(&claim, 1, name), now)
        .await
        .unwrap();
    bench.deliver(&opened, now).await;
}

const fn cursor(create_at: Timestamp, post: Option<PostId>) -> Cursor {
    Cursor { create_at, post }
}

/// As a root stands after it was opened.
const fn fresh() -> Cursor {
    cursor(at(1), None)
}

fn pull(changes: Vec<Change>) -> Pull {
    Pull {
        root_id: post_id("r1"),
        before: fresh(),
        after: cursor(at(9), Some(post_id("a1"))),
        changes,
        known: Vec::new(),
        card: None,
        seen: (7, 3),
        now: Moment::agreed(at(20)),
    }
}

fn append(id: &str) -> Change {
    Change::Append(Box::new(reply(id, "conv_1")))
}

fn known(name: &str, state: PostState, mark: Option<ReplyMark>) -> KnownPost {
    KnownPost {
        post_id: post_id(name),
        root_id: post_id("r1"),
        message_id: None,
        part: 0,
        state,
        create_at: at(8),
        edit_at: 0,
        sent_edit_at: (state == PostState::Sent).then_some(0),
        mark,
    }
}

async fn take(bench: &Bench, pull: Pull) -> usize {
    match bench.store().pulled(pull).await.unwrap() {
        Pulled::Kept { new } => new,
        Pulled::Moved => panic!("nobody else has read it"),
    }
}

async fn thread(bench: &Bench, root: &str) -> Option<Thread> {
    bench.store().thread(&post_id(root)).await.unwrap()
}

async fn replies(bench: &Bench, now: Timestamp) -> Vec<Claim> {
    let queue = Queue::Ireserve(licence());
    let claimed = bench
        .store()
        .claim(bench.fence, &queue, 10, Moment::agreed(now))
        .await;
    claimed.unwrap().claims
}

/// The one reply that is due.
async fn replied(bench: &Bench, now: Timestamp) -> Claim {
    let mut claims = replies(bench, now).await;
    assert_eq!(claims.len(), 1, "{claims:?}");
    claims.remove(0)
}

async fn a_reading_brings_replies_posts_and_cursor_in_one_write(bench: &mut Bench) {
    open(bench, "conv_1", "r1", at(2)).await;
    let expected = Thread {
        licence: licence(),
        conversation: ConversationId::new("conv_1").unwrap(),
        root_id: post_id("r1"),
        channel_id: channel(),
        generation: 1,
        live: true,
        cursor: fresh(),
        seen: (at(1).as_millis(), 0),
        active_at: at(2),
        card: Some(Card::new(1, at(0))),
    };
    assert_eq!(thread(bench, "r1").await, Some(expected.clone()));
    let mut card = Card::new(1, at(0));
    card.department = Some("sales".into());
    let mut read = pull(vec![
        append("reply_1"),
        append("reply_2"),
        append("reply_1"),
    ]);
    read.known = vec![
        known("a1", PostState::Sent, Some(ReplyMark::Sent)),
        known("a2", PostState::Inside, None),
    ];
    read.card = Some(card.clone());
    assert_eq!(
        take(bench, read.clone()).await,
        2,
        "one of them was there twice"
    );
    let after = Thread {
        cursor: read.after.clone(),
        seen: (7, 3),
        active_at: at(20),
        card: Some(card),
        ..expected
    };
    assert_eq!(thread(bench, "r1").await, Some(after));
    assert_eq!(
        bench.store().pulled(read).await.unwrap(),
        Pulled::Moved,
        "it was read"
    );
    bench.crash(at(21)).await;
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (2, 2));
    let first = replied(bench, at(500)).await;
    assert_eq!(
        (first.event.as_str(), first.lane.direction),
        ("reply_1", Direction::ThreadToChat)
    );
    bench.deliver(&first, at(500)).await;
    assert_eq!(replied(bench, at(500)).await.event.as_str(), "reply_2");
    let mut found = bench
        .store()
        .known(&[post_id("a1"), post_id("zz"), post_id("a2")])
        .await
        .unwrap();
    found.sort_by_key(|one| one.post_id.to_string());
    let posts = [
        known("a1", PostState::Sent, Some(ReplyMark::Sent)),
        known("a2", PostState::Inside, None),
    ];
    assert_eq!(found, posts);
    let mut under = bench.store().known_under(&post_id("r1")).await.unwrap();
    under.sort_by_key(|one| one.post_id.to_string());
    assert_eq!(under, posts);
    assert_eq!(bench.store().known(&[]).await.unwrap(), []);
    assert_eq!(bench.store().known_under(&post_id("r9")).await.unwrap(), []);
    assert_eq!(thread(bench, "r9").await, None);
}

async fn a_reading_from_an_old_cursor_changes_nothing(bench: &mut Bench) {
    open(bench, "conv_1", "r1", at(2)).await;
    take(bench, pull(vec![append("reply_1")])).await;
    let before = (
        thread(bench, "r1").await,
        bench.seen(&["reply_1", "reply_2"]).await,
    );
    for before in [
        fresh(),
        cursor(at(9), None),
        cursor(at(9), Some(post_id("a2"))),
    ] {
        let mut old = pull(vec![append("reply_2")]);
        old.before = before;
        old.known = vec![known("a2", PostState::Sent, None)];
        assert_eq!(bench.store().pulled(old).await.unwrap(), Pulled::Moved);
    }
    let mut nowhere = pull(vec![append("reply_2")]);
    nowhere.root_id = post_id("r9");
    assert_eq!(bench.store().pulled(nowhere).await.unwrap(), Pulled::Moved);
    assert_eq!(
        (
            thread(bench, "r1").await,
            bench.seen(&["reply_1", "reply_2"]).await
        ),
        before
    );
    assert_eq!(bench.store().known(&[post_id("a2")]).await.unwrap(), []);
}

fn edit_of(held: &str) -> Change {
    let mut replaced = reply(held, "conv_1");
    replaced.content = reply("other_text", "conv_1").content;
    replaced.hash = ContentHash::of_bytes(b"other text");
    Change::Edit {
        held: Box::new(replaced),
        edit: Box::new(NewEvent {
            kind: "reply.updated".into(),
            ..reply(&format!("{held}_edit"), "conv_1")
        }),
        anew: Box::new(reply(&format!("{held}_edit"), "conv_1")),
    }
}

/// One reply in flight, one that waits untried, and one that is parked; and the pull that follows.
async fn three_replies(bench: &Bench) -> (Claim, Pull) {
    open(bench, "conv_1", "r1", at(2)).await;
    take(
        bench,
        pull(vec![append("parked"), append("tried"), append("waiting")]),
    )
    .await;
    let parked = Park {
        placeholder: None,
        ..parked(at(21))
    };
    bench
        .store()
        .park(&replied(bench, at(500)).await, &parked)
        .await
        .unwrap();
    let tried = replied(bench, at(500)).await;
    let mut next = pull(Vec::new());
    next.before = next.after.clone();
    (tried, next)
}

async fn an_edit_replaces_what_waits_untried_or_is_parked_and_else_follows(bench: &mut Bench) {
    let (tried, mut next) = three_replies(bench).await;
    next.changes = ["parked", "tried", "waiting"].map(edit_of).to_vec();
    assert_eq!(take(bench, next.clone()).await, 3);
    assert_eq!(
        take(bench, next).await,
        1,
        "the second time only what still waits is replaced again"
    );
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (4, 4));
    let page = bench
        .store()
        .parked(&Selection::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(page.items, []);
    assert_eq!(bench.state("parked").await, State::Dropped);
    bench.deliver(&tried, at(500)).await;
    let waiting = replied(bench, at(500)).await;
    assert_eq!(waiting.event.as_str(), "waiting");
    assert_eq!(waiting.content, reply("other_text", "conv_1").content);
    bench.deliver(&waiting, at(500)).await;
    for (event, kind) in [
        ("parked_edit", "reply.created"),
        ("tried_edit", "reply.updated"),
    ] {
        let claim = replied(bench, at(500)).await;
        assert_eq!((claim.event.as_str(), claim.kind.as_str()), (event, kind));
        bench.deliver(&claim, at(500)).await;
    }
}

async fn a_withdrawal_removes_what_waits_untried_or_is_parked_and_else_follows(bench: &mut Bench) {
    let (tried, mut next) = three_replies(bench).await;
    next.changes = ["parked", "tried", "waiting"]
        .map(|held| Change::Withdraw {
            held: EventId::new(held).unwrap(),
            deletion: Box::new(reply(&format!("{held}_gone"), "conv_1")),
        })
        .to_vec();
    assert_eq!(take(bench, next).await, 1);
    assert_eq!(bench.store().waiting(&licence()).await.unwrap(), (2, 2));
    for (event, state) in [
        ("parked", State::Dropped),
        ("waiting", State::Dropped),
        ("tried", State::Accepted),
    ] {
        assert_eq!(bench.state(event).await, state, "{event}");
    }
    bench.deliver(&tried, at(500)).await;
    let gone = replied(bench, at(500)).await;
    assert_eq!(gone.event.as_str(), "tried_gone");
    bench.deliver(&gone, at(500)).await;
    assert_eq!(replies(bench, at(500)).await, []);
}

async fn a_reply_that_was_missed_once_waits_longer(bench: &mut Bench) {
    open(bench, "conv_1", "r1", at(2)).await;
    let mut held = reply("reply_1", "conv_1");
    held.hold_until = Some(at(30));
    take(
        bench,
        pull(vec![Change::Append(Box::new(held)), append("reply_2")]),
    )
    .await;
    let hold = |until| {
        let mut next = pull(vec![Change::Hold {
            held: EventId::new("reply_1").unwrap(),
            lane: reply("reply_1", "conv_1").lane,
            until: at(until),
        }]);
        next.before = next.after.clone();
        next
    };
    assert_eq!(take(bench, hold(36)).await, 0);
    assert_eq!(take(bench, hold(33)).await, 0, "never shorter");
    assert_eq!(replies(bench, at(35)).await, []);
    let claim = replied(bench, at(36)).await;
    assert_eq!(claim.event.as_str(), "reply_1");
    take(bench, hold(90)).await;
    bench
        .store()
        .retry(&claim, &again(at(40), "no connection", at(37)))
        .await
        .unwrap();
    take(bench, hold(90)).await;
    let claim = replied(bench, at(40)).await;
    assert_eq!(claim.attempts, 2, "once tried it is not held");
    let mut gone = pull(vec![Change::Withdraw {
        held: EventId::new("reply_2").unwrap(),
        deletion: Box::new(reply("reply_2_gone", "conv_1")),
    }]);
    gone.before = gone.after.clone();
    take(bench, gone).await;
    bench.deliver(&claim, at(41)).await;
    assert_eq!(replies(bench, at(500)).await, []);
}

async fn a_mark_is_wanted_until_it_is_shown_and_follows_the_delivery(bench: &mut Bench) {
    open(bench, "conv_1", "r1", at(2)).await;
    let mut read = pull(vec![append("reply_1")]);
    read.known = vec![
        known("a1", PostState::Inside, Some(ReplyMark::Inside)),
        known("a2", PostState::Sent, None),
    ];
    take(bench, read).await;
    let mark = |post: &str, wanted, shown| Touch::Mark {
        post: post_id(post),
        wanted: Some(wanted),
        shown,
    };
    let inside = mark("a1", ReplyMark::Inside, None);
    assert_eq!(
        bench.store().wanted(10).await.unwrap(),
        std::slice::from_ref(&inside)
    );
    bench.store().shown(&inside).await.unwrap();
    assert_eq!(bench.store().wanted(10).await.unwrap(), []);
    let claim = replied(bench, at(500)).await;
    let delivered = Delivered {
        mark: Some((post_id("a2"), ReplyMark::Sent)),
        ..end(at(501))
    };
    bench.store().delivered(&claim, &delivered).await.unwrap();
    bench.crash(at(502)).await;
    let sent = mark("a2", ReplyMark::Sent, None);
    assert_eq!(
        bench.store().wanted(10).await.unwrap(),
        std::slice::from_ref(&sent)
    );
    let mut next = pull(vec![append("reply_2")]);
    next.before = next.after.clone();
    next.known = vec![known("a2", PostState::Sent, None)];
    take(bench, next).await;
    assert_eq!(
        bench.store().wanted(10).await.unwrap(),
        std::slice::from_ref(&sent),
        "no news leaves it as it is"
    );
    bench.store().shown(&sent).await.unwrap();
    bench.store().shown(&sent).await.unwrap();
    let claim = replied(bench, at(503)).await;
    let park = Park {
        mark: Some((post_id("a2"), ReplyMark::Undelivered)),
        placeholder: None,
        ..parked(at(504))
    };
    bench.store().park(&claim, &park).await.unwrap();
    let undelivered = mark("a2", ReplyMark::Undelivered, Some(ReplyMark::Sent));
    assert_eq!(bench.store().wanted(10).await.unwrap(), [undelivered]);
    assert_eq!(
        bench.store().known(&[post_id("a2")]).await.unwrap()[0].mark,
        Some(ReplyMark::Undelivered)
    );
}

async fn what_is_known_of_a_post_is_never_taken_from_us(bench: &mut Bench) {
    bench.accept_new(said("evt_1", "conv_1")).await;
    let claim = bench.claim(at(1)).await;
    let opened = bench
        .store()
        .opened(&claim, &root(&claim, 1, "r1"), at(1))
        .await
        .unwrap();
    let delivered = Delivered {
        post: Some(post("p1", Some("r1"))),
        ..end(at(2))
    };
    bench.store().delivered(&opened, &delivered).await.unwrap();
    let mut read = pull(Vec::new());
    read.known = vec![KnownPost {
        edit_at: 77,
        ..known("p1", PostState::Sent, None)
    }];
    take(bench, read).await;
    let found = bench.store().known(&[post_id("p1")]).await.unwrap();
    assert_eq!((found[0].state, found[0].edit_at), (PostState::Ours, 77));
    assert_eq!(
        found[0].message_id,
        Some(MessageId::new("m_evt_1").unwrap())
    );
}

async fn our_own_posts_move_the_pair_that_is_expected(bench: &mut Bench) {
    open(bench, "conv_1", "r1", at(2)).await;
    bench.accept_new(said("evt_1", "conv_1")).await;
    let claim = bench.claim(at(3)).await;
    let posted = Posted {
        create_at: at(7),
        ..post("p1", Some("r1"))
    };
    let delivered = Delivered {
        post: Some(posted),
        ..end(at(8))
    };
    for _ in 0..2 {
        bench.store().delivered(&claim, &delivered).await.unwrap();
        let thread = thread(bench, "r1").await.unwrap();
        assert_eq!(
            (thread.seen, thread.active_at),
            ((at(7).as_millis(), 1), at(8))
        );
        assert_eq!(
            thread.cursor,
            fresh(),
            "replies are still to be read from there"
        );
    }
}

fn adopted(name: &str, generation: u32) -> Adopted {
    Adopted {
        licence: licence(),
        conversation: ConversationId::new("conv_1").unwrap(),
        root_id: post_id(name),
        channel_id: channel(),
        generation,
        event: EventId::new("evt_old").unwrap(),
        create_at: at(-9),
        cursor: cursor(at(-5), None),
        now: at(3),
    }
}

async fn a_root_is_adopted_once_and_a_second_one_is_only_pulled(bench: &mut Bench) {
    for _ in 0..2 {
        bench.store().adopt(adopted("r1", 2)).await.unwrap();
    }
    bench.store().adopt(adopted("r2", 1)).await.unwrap();
    let conversation = ConversationId::new("conv_1").unwrap();
    let mapping = bench
        .store()
        .mapping_of(&licence(), &conversation)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (mapping.generation, mapping.root_id, mapping.event.as_str()),
        (2, post_id("r1"), "evt_old")
    );
    assert_eq!(
        bench.store().conversation_of(&post_id("r1")).await.unwrap(),
        Some((licence(), conversation))
    );
    let (first, second) = (
        thread(bench, "r1").await.unwrap(),
        thread(bench, "r2").await.unwrap(),
    );
    assert_eq!((first.live, second.live), (true, false));
    assert_eq!(
        (second.generation, second.cursor, second.seen),
        (1, cursor(at(-5), None), (0, 0))
    );
    let mut read = pull(vec![append("reply_1")]);
    (read.root_id, read.before) = (post_id("r2"), cursor(at(-5), None));
    assert_eq!(take(bench, read).await, 1);
    bench.store().adopt(adopted("r2", 1)).await.unwrap();
    assert_eq!(
        thread(bench, "r2").await.unwrap().cursor,
        cursor(at(9), Some(post_id("a1"))),
        "it was known"
    );
    bench.accept_new(said("evt_1", "conv_1")).await;
    let claim = bench.claim(at(500)).await;
    assert_eq!(claim.mapping.map(|root| root.root_id), Some(post_id("r1")));
    assert!(claim.card.is_some_and(|card| card.number >= 1));
}

async fn threads_are_listed_by_their_activity_and_channels_with_them(bench: &mut Bench) {
    for (number, now) in [(1, 10), (2, 30), (3, 20), (4, 20), (5, 20)] {
        open(
            bench,
            &format!("conv_{number}"),
            &format!("r{number}"),
            at(now),
        )
        .await;
    }
    let names = |threads: Vec<Thread>| -> Vec<String> {
        threads
            .iter()
            .map(|thread| thread.root_id.as_str()[..2].to_owned())
            .collect()
    };
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let page = bench.store().open_threads(at(15), before, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some((last.active_at, last.root_id.clone()));
        seen.extend(names(page));
    }
    assert_eq!(seen, ["r2", "r5", "r4", "r3"]);
    assert_eq!(
        names(bench.store().open_threads(at(0), None, 100).await.unwrap()).len(),
        5
    );
    assert_eq!(
        bench.store().open_channels(at(30)).await.unwrap(),
        [channel()]
    );
    assert_eq!(bench.store().open_channels(at(31)).await.unwrap(), []);
}

async fn an_anchor_is_kept(bench: &mut Bench) {
    assert_eq!(bench.store().anchor(&channel()).await.unwrap(), None);
    for name in ["a1", "a2", "a2"] {
        let anchor = Anchor {
            post: post_id(name),
            create_at: at(5),
        };
        bench.store().swept(&channel(), &anchor).await.unwrap();
        assert_eq!(
            bench.store().anchor(&channel()).await.unwrap(),
            Some(anchor)
        );
    }
}
