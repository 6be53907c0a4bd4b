//! The outlet against a simulated Mattermost, driven by the real engine and store.

mod desk;
mod doubt;
mod files;
mod text;

use serde_json::json;
use simulators::mattermost::ChannelKind;

use super::Settings;
use crate::record::State;
use desk::{Desk, said, started};

#[tokio::test]
async fn a_conversation_becomes_a_card_and_what_is_said_its_replies() {
    let desk = Desk::new().await;
    let opened = desk.brings("e1", "conversation.started", started()).await;
    let first = desk.says("e2", "Hoi @all, kan ik nog boeken?").await;
    desk.says("e3", "Hallo?").await;

    let [root] = &desk.roots()[..] else {
        panic!("one root")
    };
    assert_eq!(opened.post_id.unwrap().as_str(), root.id);
    assert_eq!(root.channel_id, desk.cast.webchat);
    let readable = root.readable();
    for part in [
        "Sanne de Vries",
        "conv_93",
        "[Bowling](https://shop.example/bowling)",
        "#ireserve-1",
    ] {
        assert!(readable.contains(part), "{part} in {readable}");
    }
    let marker = root.ireserve().unwrap();
    assert_eq!(
        (
            &marker["licence"],
            &marker["conversation_id"],
            &marker["event_id"]
        ),
        (&json!("acme"), &json!("conv_93"), &json!("e1"))
    );
    assert_eq!(
        (&marker["part"], &marker["generation"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(
        root.props.get("unsafe_links"),
        None,
        "it would hide the attachment"
    );

    assert_eq!(
        desk.texts(),
        [
            "**Sanne:** Hoi @\u{2060}all, kan ik nog boeken?",
            "**Sanne:** Hallo?"
        ]
    );
    let reply = &desk.replies()[0];
    assert_eq!(first.post_id.unwrap().as_str(), reply.id);
    assert_eq!(first.root_id.unwrap().as_str(), root.id);
    assert_eq!(reply.props["unsafe_links"], "true");
    assert_eq!(reply.marker("mark").unwrap().len(), 26);
}

#[tokio::test]
async fn a_message_opens_its_conversation_and_is_quoted_on_the_card() {
    let desk = Desk::new().await;
    desk.says("e1", "Kan ik nog boeken?").await;
    assert!(
        desk.roots()[0].message.contains("\"Kan ik nog boeken?\""),
        "{}",
        desk.roots()[0].message
    );
    assert!(desk.roots()[0].message.contains("Sanne"));
    assert_eq!(desk.roots()[0].marker("event_id"), Some("e1"));
    desk.brings("e2", "conversation.started", started()).await;
    assert_eq!(
        desk.roots().len(),
        1,
        "a start that comes late only changes the card"
    );
}

#[tokio::test]
async fn a_notification_stands_alone_in_the_channel_of_its_type() {
    let desk = Desk::new().await;
    let data = json!({"notification_type": "booking.confirmed", "text": "Sanne, 6 people", "severity": "success",
        "subject_id": "BWZ-1", "url": "https://app.example/b/1", "fields": [{"title": "Amount", "value": "142,50"}]});
    let status = desk.brings("n1", "notification", data).await;
    let posts = desk.server.look(|state| state.roots(&desk.cast.bookings));
    let [post] = &posts
        .iter()
        .filter(|post| post.ireserve().is_some())
        .collect::<Vec<_>>()[..]
    else {
        panic!("one post")
    };
    assert_eq!(status.post_id.unwrap().as_str(), post.id);
    assert!(
        post.readable().contains("Booking confirmed") && post.readable().contains("Amount: 142,50"),
        "{}",
        post.readable()
    );
    let marker = post.ireserve().unwrap();
    assert_eq!(
        (marker.get("conversation_id"), marker.get("generation")),
        (None, None)
    );
    assert_eq!(
        (&marker["event_id"], &marker["part"]),
        (&json!("n1"), &json!(0))
    );
}

#[tokio::test]
async fn a_deleted_root_is_replaced_once_with_a_note_and_what_was_delivered_is_not_repeated() {
    let desk = Desk::new().await;
    desk.says("e1", "before").await;
    desk.server
        .delete_post_as_admin(&desk.roots()[0].id)
        .unwrap();
    desk.says("e2", "after").await;
    desk.says("e3", "and more").await;
    let [root] = &desk.roots()[..] else {
        panic!("one root stands")
    };
    assert_eq!(root.ireserve().unwrap()["generation"], 2);
    assert!(
        root.readable()
            .contains("The former thread of this conversation was deleted."),
        "{}",
        root.readable()
    );
    assert_eq!(desk.texts(), ["**Sanne:** after", "**Sanne:** and more"]);
}

#[tokio::test]
async fn at_the_thread_limit_the_next_event_opens_a_new_card_and_both_link_to_each_other() {
    let desk = Desk::with(
        Settings {
            thread_limit: 2,
            ..Settings::default()
        },
        |_| {},
    )
    .await;
    for id in ["e1", "e2", "e3"] {
        desk.says(id, id).await;
    }
    let roots = desk.roots();
    let [old, new] = &roots[..] else {
        panic!("two roots")
    };
    assert!(
        new.message.contains(&format!("/support/pl/{}", old.id)),
        "{}",
        new.message
    );
    assert_eq!(desk.texts(), ["**Sanne:** e3"]);
    let forward = format!("/support/pl/{}", new.id);
    desk.server
        .until("the old card links forward", |state| {
            state
                .post(&old.id)
                .filter(|post| post.message.contains(&forward))
        })
        .await;
}

#[tokio::test]
async fn state_changes_are_a_line_each_and_show_on_the_card() {
    let desk = Desk::new().await;
    desk.brings("e1", "conversation.started", started()).await;
    let agent = json!({"name": "Lotte Jansen", "email": "Lotte@Example.com"});
    desk.brings(
        "e2",
        "conversation.assigned",
        json!({"conversation_id": "conv_93", "agent": agent, "by": {"name": "Anna @all"}}),
    )
    .await;
    desk.brings("e3", "conversation.assigned", json!({"conversation_id": "conv_93", "agent": {"name": "Piet", "email": "piet@nowhere.example"}})).await;
    desk.brings(
        "e4",
        "conversation.closed",
        json!({"conversation_id": "conv_93"}),
    )
    .await;
    assert_eq!(
        desk.texts(),
        [
            "@lotte got this conversation from Anna @\u{2060}all.",
            "Piet got this conversation from i-Reserve.",
            "i-Reserve resolved this conversation."
        ]
    );
    let root = desk.roots()[0].clone();
    let card = desk
        .server
        .until("the card says resolved", |state| {
            state
                .post(&root.id)
                .filter(|post| post.readable().contains("Resolved at"))
        })
        .await;
    assert_eq!(card.ireserve(), root.ireserve(), "the mark stays");
    assert_eq!(card.message, root.message);
    assert!(card.readable().contains("Piet"), "{}", card.readable());
}

#[tokio::test]
async fn what_concerns_a_conversation_without_a_thread_opens_none() {
    let desk = Desk::new().await;
    for (id, kind) in [
        ("e1", "conversation.closed"),
        ("e2", "conversation.reopened"),
        ("e3", "conversation.updated"),
    ] {
        let status = desk
            .brings(id, kind, json!({"conversation_id": "conv_93"}))
            .await;
        assert_eq!(
            (status.status, status.post_id),
            (State::Delivered, None),
            "{kind}"
        );
    }
    let status = desk
        .brings(
            "e4",
            "message.updated",
            json!({"conversation_id": "conv_93", "message_id": "m", "text": "x"}),
        )
        .await;
    assert_eq!(status.status, State::Delivered);
    assert!(desk.roots().is_empty());
}

#[tokio::test]
async fn the_bot_joins_a_public_channel_by_itself() {
    let desk = Desk::new().await;
    desk.server.remove(&desk.cast.webchat, &desk.cast.bot.id);
    desk.says("e1", "Hoi").await;
    assert_eq!(desk.texts(), ["**Sanne:** Hoi"]);
    assert!(
        desk.server
            .look(|state| state.is_member(&desk.cast.webchat, &desk.cast.bot.id))
    );
    desk.server.remove(&desk.cast.webchat, &desk.cast.bot.id);
    desk.says("e2", "Nog iets").await;
    assert_eq!(desk.texts().len(), 2);
}

#[tokio::test]
async fn a_channel_that_people_must_repair_blocks_with_the_fix_in_its_reason() {
    let desk = Desk::with(Settings::default(), |licence| {
        licence.departments.insert(
            "nowhere".into(),
            crate::licence::Channel::parse("no-such-channel").unwrap(),
        );
    })
    .await;
    desk.server.remove(&desk.cast.vip, &desk.cast.bot.id);
    desk.server.archive(&desk.cast.bookings).unwrap();
    let start = |conversation: &str, department: &str| {
        let mut data = started();
        data["conversation_id"] = json!(conversation);
        data["department"] = json!(department);
        data
    };
    let private = desk
        .accepts("e1", "conversation.started", start("c1", "sales"))
        .await;
    let unknown = desk
        .accepts("e2", "conversation.started", start("c2", "nowhere"))
        .await;
    let archived = desk
        .accepts(
            "e3",
            "notification",
            json!({"notification_type": "x", "text": "y"}),
        )
        .await;
    for (event, fix) in [
        (private, "invite the bot"),
        (unknown, "`no-such-channel`"),
        (archived, "restore it"),
    ] {
        let reason = desk.waits_because(&event).await;
        assert!(reason.contains(fix), "{fix}: {reason}");
    }
    assert_eq!(desk.store.blocked().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_conversation_waits_in_an_archived_channel_and_moves_when_another_is_connected() {
    let desk = Desk::new().await;
    desk.says("e1", "Hoi").await;
    let old = desk.roots()[0].clone();
    desk.server.archive(&desk.cast.webchat).unwrap();
    let event = desk
        .accepts("e2", "message.created", said("e2", "Bent u daar?"))
        .await;
    assert!(desk.waits_because(&event).await.contains("archived"));
    assert_eq!(desk.roots(), [old]);

    let desk = Desk::new().await;
    desk.says("e1", "Hoi").await;
    desk.server.archive(&desk.cast.webchat).unwrap();
    desk.agrees(|licence| licence.channel = crate::licence::Channel::parse("vip"));
    desk.says("e2", "Bent u daar?").await;
    let root = desk.roots().pop().unwrap();
    assert_eq!(root.channel_id, desk.cast.vip);
    assert!(root.message.contains("Continued from"), "{}", root.message);
    assert_eq!(desk.texts(), ["**Sanne:** Bent u daar?"]);
}

#[tokio::test]
async fn a_private_channel_that_the_bot_is_in_is_a_channel_like_any_other() {
    let desk = Desk::new().await;
    let mut data = started();
    data["department"] = json!("sales");
    desk.brings("e1", "conversation.started", data).await;
    desk.says("e2", "Hoi").await;
    assert_eq!(desk.roots()[0].channel_id, desk.cast.vip);
    desk.server.convert(&desk.cast.vip, ChannelKind::Public);
    desk.says("e3", "Hallo").await;
    assert_eq!(desk.texts().len(), 2);
}
