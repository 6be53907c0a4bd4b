//! Against the simulated i-Reserve, which checks signatures with code of its own.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use serde_json::{Value, json};
use shared::{PostId, Timestamp};
use simulators::{
    Door, When,
    ireserve::{IReserve, Says, Verdict, verified_jwt_hs256},
};
use tokio::sync::watch;

use super::*;
use crate::ireserve::refusals::Refusals;
use crate::{
    auth::link::LinkKey,
    client::Client,
    clock::Clock,
    delivery::scripted,
    licence::{Current, Ireserve, Key, Licences, SigningSecret},
    record::{Author, Direction, Lane, Presence, Queue, ReplyFile},
};

const KEY: &str = "a key of exactly thirty-two byte";
const OTHER: &str = "whsec_b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgb3RoZXI=";

pub(in crate::ireserve) struct Desk {
    pub(in crate::ireserve) ireserve: IReserve,
    pub(in crate::ireserve) licence: Licence,
    outlet: IreserveOutlet,
    licences: watch::Sender<Licences>,
    links: Arc<LinkKey>,
    /// Milliseconds that the wall clock is ahead.
    ahead: Arc<AtomicI64>,
}

impl Desk {
    pub(in crate::ireserve) async fn open() -> Self {
        let ireserve = IReserve::start().await.unwrap();
        ireserve.follows_links(false);
        let licence = Licence {
            team: Some("support".into()),
            keys: vec![Key::shared(None, KEY).unwrap()],
            ireserve: Ireserve {
                webhook_url: Some(ireserve.webhook_url().parse().unwrap()),
                users_url: Some(ireserve.users_url().parse().unwrap()),
                secrets: vec![SigningSecret::parse(&ireserve.secret()).unwrap()],
                dangerous_plain_http: false,
            },
            ..Licence::plain("acme")
        };
        let ahead = Arc::new(AtomicI64::new(0));
        let now: crate::client::Now = {
            let (clock, ahead) = (Clock::system(), Arc::clone(&ahead));
            Arc::new(move || {
                let ahead = ahead.load(Ordering::Relaxed);
                Timestamp::from_millis(clock.now().as_millis() + ahead)
            })
        };
        let client = Client::new(Arc::clone(&now)).unwrap();
        let (sender, licences) = Current::new(Licences::new([licence.clone()]));
        let links = Arc::new(LinkKey::new(&[7; 32]));
        let (_, addresses) = watch::channel(Addresses {
            site: Some("https://chat.bowling.nl/mm".parse().unwrap()),
            public: "https://chat.bowling.nl/plugins/nl.i-reserve.mattermost"
                .parse()
                .unwrap(),
        });
        let users = Users::new(client.clone(), Arc::clone(&now));
        let parts = Parts {
            client,
            now,
            licences,
            links: Arc::clone(&links),
            addresses,
            refusals: Refusals::default(),
        };
        let outlet = IreserveOutlet::new(licence.id.clone(), parts, users);
        Self {
            ireserve,
            licence,
            outlet,
            licences: sender,
            links,
            ahead,
        }
    }

    pub(in crate::ireserve) const fn parts(&self) -> &Parts {
        &self.outlet.parts
    }

    pub(in crate::ireserve) fn agree(&mut self, change: impl FnOnce(&mut Licence)) {
        change(&mut self.licence);
        self.licences
            .send_replace(Licences::new([self.licence.clone()]));
    }

    /// As the engine does it: what the aim ends is not posted.
    async fn attempt(&self, claim: &Claim) -> Outcome {
        match self.outlet.aim(claim).await {
            Aim::End(outcome) => *outcome,
            Aim::Step { step, .. } => {
                assert_eq!(step, Step::Change);
                self.outlet.post(claim).await
            }
            Aim::Nothing => panic!("a reply is never nothing"),
        }
    }

    pub(in crate::ireserve) fn requests(&self) -> usize {
        self.ireserve.look(|inbox| inbox.deliveries().len())
    }

    fn body(&self, request: usize) -> Value {
        self.ireserve
            .look(|inbox| serde_json::from_slice(&inbox.deliveries()[request].body).unwrap())
    }
}

fn post_id() -> PostId {
    PostId::new("p".repeat(26)).unwrap()
}

fn anna() -> Author {
    Author {
        user_id: "a".repeat(26).parse().unwrap(),
        username: "anna".into(),
        first_name: "Anna".into(),
        last_name: "de Boer".into(),
        nickname: "An".into(),
        email: "anna@bowling.nl".into(),
    }
}

fn said(text: &str) -> Reply {
    Reply {
        what: ReplyChange::Created,
        conversation_id: "conv_93".parse().unwrap(),
        reply_id: post_id(),
        root_id: PostId::new("r".repeat(26)).unwrap(),
        channel_id: "c".repeat(26).parse().unwrap(),
        text: text.into(),
        author: Some(anna()),
        people: BTreeMap::from([("jan".into(), "Jan Piet".into())]),
        channels: BTreeMap::new(),
        files: Vec::new(),
        site: "https://chat.bowling.nl/mm".into(),
        permalink: format!("https://chat.bowling.nl/mm/support/pl/{}", post_id()),
        created_at: "2026-11-22T10:00:00Z".parse().unwrap(),
        taken_at: "2026-11-22T10:00:01Z".parse().unwrap(),
        test: false,
    }
}

fn claim_of(event: &str, reply: Reply) -> Claim {
    Claim {
        queue: Queue::Ireserve(scripted::licence()),
        lane: Lane {
            direction: Direction::ThreadToChat,
            ..scripted::lane("conv_93")
        },
        kind: reply.what.name().into(),
        content: Content::Reply(Box::new(reply)),
        step: Step::Change,
        ..scripted::claim(event)
    }
}

fn new_reply(n: u32) -> Claim {
    claim_of(&format!("reply:{}{n}:0", "p".repeat(25)), said("hi"))
}

type Change<T> = fn(&mut T);

const TAKEN: Outcome = Outcome::Delivered { post: None };

#[tokio::test]
async fn a_reply_arrives_signed_with_everything_the_contract_names() {
    let desk = Desk::open().await;
    desk.ireserve
        .knows("anna@bowling.nl", "u_1", "Anna (planning)");
    let mut reply = said("Ask @jan, see https://chat.bowling.nl/mm/support/pl/x");
    reply.files.push(ReplyFile {
        id: "f".repeat(26),
        name: "plan.pdf".into(),
        content_type: "application/pdf".into(),
        size: 9,
    });
    let claim = claim_of(&format!("reply:{}:0", post_id()), reply);
    assert_eq!(desk.attempt(&claim).await, TAKEN);

    let (delivery, looked_up) = desk
        .ireserve
        .look(|inbox| (inbox.deliveries()[0].clone(), inbox.lookups()[0].clone()));
    assert_eq!(
        (delivery.verdict, delivery.id),
        (Verdict::Valid, format!("reply:{}:0", post_id()))
    );
    let mut body = desk.body(0);
    let attachment = body["data"]["attachments"][0].take();
    assert_eq!(
        body,
        json!({ "type": "reply.created", "timestamp": "2026-11-22T10:00:01Z", "data": {
            "conversation_id": "conv_93", "reply_id": post_id(),
            "text": "Ask Jan Piet, see ", "text_plain": "Ask Jan Piet, see", "html": "<p>Ask Jan Piet, see </p>",
            "author": { "name": "Anna (planning)", "username": "anna", "email": "anna@bowling.nl",
                "user": { "id": "u_1", "name": "Anna (planning)" }, "matched": true },
            "attachments": [null], "created_at": "2026-11-22T10:00:00Z",
            "permalink": format!("https://chat.bowling.nl/mm/support/pl/{}", post_id()) } })
    );

    let expires: Timestamp = attachment["expires_at"].as_str().unwrap().parse().unwrap();
    let days = expires.since(Clock::system().now()).as_secs_f64() / 86_400.0;
    assert!((6.99..=7.0).contains(&days), "{days} days");
    let url = attachment["url"].as_str().unwrap();
    let token = url
        .strip_prefix("https://chat.bowling.nl/plugins/nl.i-reserve.mattermost/v1/files/")
        .unwrap();
    let link = desk.links.open(token, Clock::system().now()).unwrap();
    assert_eq!(
        (link.licence().as_str(), &link.get().file),
        ("acme", &"f".repeat(26))
    );
    assert_eq!(link.get().post, post_id());

    let token = looked_up.authorization.strip_prefix("Bearer ").unwrap();
    let claims = verified_jwt_hs256(KEY.as_bytes(), token).unwrap();
    assert_eq!(
        (&claims["iss"], &claims["aud"], &claims["sub"]),
        (
            &json!("ireserve-mattermost"),
            &json!("i-reserve"),
            &json!("acme")
        )
    );
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        60
    );
}

#[tokio::test]
async fn an_edit_a_deletion_and_a_reply_turned_note_have_the_ids_and_bodies_agreed() {
    let desk = Desk::open().await;
    let at: Timestamp = "2026-11-22T11:00:00Z".parse().unwrap();
    for (suffix, what, kind, key) in [
        (
            "1700",
            ReplyChange::Updated(at),
            "reply.updated",
            "edited_at",
        ),
        (
            "1800",
            ReplyChange::Deleted(at),
            "reply.deleted",
            "deleted_at",
        ),
        (
            "deleted",
            ReplyChange::Deleted(at),
            "reply.deleted",
            "deleted_at",
        ),
    ] {
        let reply = Reply {
            what,
            test: true,
            ..said("x")
        };
        let id = format!("reply:{}:{suffix}", post_id());
        assert_eq!(desk.attempt(&claim_of(&id, reply)).await, TAKEN);
        let taken = desk
            .ireserve
            .look(|inbox| inbox.taken().last().cloned())
            .unwrap();
        assert_eq!((taken.id, taken.kind.as_str()), (id, kind));
        assert_eq!(
            (&taken.data[key], &taken.data["test"]),
            (&json!(at), &json!(true))
        );
        assert_eq!(taken.data.get("text").is_some(), kind == "reply.updated");
    }
}

#[tokio::test]
async fn an_author_nobody_knows_is_delivered_under_his_own_name() {
    let desk = Desk::open().await;
    let cases: [(&str, Change<Author>, &str); 5] = [
        ("both names", |_| {}, "Anna de Boer"),
        ("one name", |author| author.last_name.clear(), "Anna"),
        (
            "a nickname",
            |author| {
                author.first_name.clear();
                author.last_name.clear();
            },
            "An",
        ),
        (
            "blanks",
            |author| {
                author.first_name = " ".into();
                author.last_name.clear();
                author.nickname = " ".into();
            },
            "anna",
        ),
        ("no address", |author| author.email.clear(), "Anna de Boer"),
    ];
    for (name, change, wanted) in cases {
        let mut reply = said("x");
        change(reply.author.as_mut().unwrap());
        let shows_address = !reply.author.as_ref().unwrap().email.is_empty();
        assert_eq!(desk.attempt(&claim_of("reply:x:0", reply)).await, TAKEN);
        let author = desk.body(desk.requests() - 1)["data"]["author"].clone();
        assert_eq!(author["name"], json!(wanted), "{name}");
        assert_eq!(
            (&author["user"], &author["matched"]),
            (&Value::Null, &json!(false)),
            "{name}"
        );
        assert_eq!(author.get("email").is_some(), shows_address, "{name}");
    }
    let asked = desk.ireserve.look(|inbox| inbox.lookups().len());
    assert_eq!(
        asked, 1,
        "a 404 is remembered, and without an address nobody is asked"
    );
}

#[tokio::test]
async fn a_look_up_that_fails_is_never_an_error_of_the_delivery() {
    for says in [
        Says::Status(500),
        Says::Status(401),
        Says::TakenGarbled,
        Says::TakenWith(json!({ "id": "u_1" })),
        Says::TakenEndlessly,
        Says::Redirect("http://127.0.0.1:1/".into()),
        Says::Reset,
    ] {
        let desk = Desk::open().await;
        desk.ireserve
            .knows("anna@bowling.nl", "u_1", "Anna (planning)");
        desk.ireserve.says_of_users(When::Always, says.clone());
        assert_eq!(desk.attempt(&new_reply(1)).await, TAKEN, "{says:?}");
        assert_eq!(
            desk.body(0)["data"]["author"]["name"],
            "Anna de Boer",
            "{says:?}"
        );
    }
}

#[tokio::test]
async fn a_colleague_is_looked_up_once_whatever_the_case_of_his_address() {
    let desk = Desk::open().await;
    desk.ireserve
        .knows("anna@bowling.nl", "u_1", "Anna (planning)");
    let claims: Vec<Claim> = (0..20)
        .map(|n| {
            let mut reply = said("x");
            if n % 2 == 1 {
                reply.author.as_mut().unwrap().email = "Anna@Bowling.NL".into();
            }
            claim_of(&format!("reply:{n}:0"), reply)
        })
        .collect();
    let outcomes =
        futures_util::future::join_all(claims.iter().map(|claim| desk.attempt(claim))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == TAKEN));
    let (asked, matched) = desk.ireserve.look(|inbox| {
        let matched = inbox
            .taken()
            .iter()
            .filter(|taken| taken.data["author"]["matched"] == true);
        (inbox.lookups().len(), matched.count())
    });
    assert_eq!((asked, matched), (1, 20));
}

#[tokio::test]
async fn what_i_reserve_answers_becomes_the_outcome_that_was_agreed() {
    let desk = Desk::open().await;
    for (says, wanted) in [
        (
            Says::TakenWith(json!({ "visitor": "offline" })),
            "Answered{presence:Offline,returns:0",
        ),
        (Says::TakenGarbled, "Delivered"),
        (Says::TakenEndlessly, "Delivered"),
        (Says::Status(204), "Delivered"),
        (Says::Status(410), "Gone"),
        (Says::Status(422), "Refused"),
        (Says::Redirect(desk.ireserve.webhook_url()), "Refused"),
        (Says::Status(500), "InDoubt{open:false"),
        (Says::RefusedEndlessly(503), "InDoubt{open:false"),
        (Says::Later(503, "7".into()), "Pause{wait:7s"),
        (Says::Later(429, "-1".into()), "InDoubt{open:false"),
        (Says::Cut, "InDoubt{open:true"),
        (Says::Taken, "Delivered"),
        (Says::Reset, "InDoubt{open:true"),
        (Says::TakenThenCut, "InDoubt{open:true"),
    ] {
        desk.ireserve.says(When::Next(1), says.clone());
        let outcome = desk.attempt(&new_reply(1)).await;
        let text = format!("{outcome:?}").replace(' ', "");
        assert!(text.starts_with(wanted), "{says:?}: {text}");
        if let Outcome::Delivered { post } = outcome {
            assert_eq!(post, None);
        }
    }
    desk.ireserve.says(
        When::Next(1),
        Says::TakenWith(json!({ "visitor": "closed" })),
    );
    assert_eq!(
        desk.outlet.send(&new_reply(2)).await.visitor,
        Some(Presence::Closed)
    );
}

#[tokio::test]
async fn a_repeat_differs_in_nothing_but_links_names_and_signature() {
    let mut desk = Desk::open().await;
    let mut reply = said("hi");
    reply.files.push(ReplyFile {
        id: "f".repeat(26),
        name: "a".into(),
        content_type: String::new(),
        size: 1,
    });
    let claim = claim_of("reply:x:0", reply);
    desk.ireserve.says(When::Next(1), Says::Status(500));
    let _ = desk.attempt(&claim).await;
    desk.ahead.store(120_000, Ordering::Relaxed);
    desk.agree(|licence| licence.team = Some("another".into()));
    desk.ireserve
        .knows("anna@bowling.nl", "u_1", "Anna (planning)");
    assert_eq!(desk.attempt(&claim).await, TAKEN);

    let (first, second) = desk
        .ireserve
        .look(|inbox| (inbox.deliveries()[0].clone(), inbox.deliveries()[1].clone()));
    assert_eq!((&first.id, second.verdict), (&second.id, Verdict::Valid));
    let seconds = |text: &str| text.parse::<i64>().unwrap();
    assert!(
        seconds(&second.timestamp) >= seconds(&first.timestamp) + 120,
        "the time is of the attempt"
    );
    let [mut first, mut second] = [desk.body(0), desk.body(1)];
    assert_ne!(first, second);
    for body in [&mut first, &mut second] {
        let attachment = &mut body["data"]["attachments"][0];
        attachment["url"].take();
        attachment["expires_at"].take();
    }
    assert_eq!(first, second);
}

#[tokio::test]
async fn while_secrets_rotate_both_sign() {
    let mut desk = Desk::open().await;
    desk.agree(|licence| {
        licence
            .ireserve
            .secrets
            .insert(0, SigningSecret::parse(OTHER).unwrap());
    });
    assert_eq!(desk.attempt(&new_reply(1)).await, TAKEN);
    desk.ireserve.expect_secrets(&[OTHER]);
    assert_eq!(desk.attempt(&new_reply(2)).await, TAKEN);
    let signatures: Vec<usize> = desk.ireserve.look(|inbox| {
        inbox
            .deliveries()
            .iter()
            .map(|delivery| delivery.signatures)
            .collect()
    });
    assert_eq!(signatures, [2, 2]);
}

#[tokio::test]
async fn nothing_leaves_unsigned_or_nowhere_and_the_reason_names_the_setting() {
    let mut desk = Desk::open().await;
    let cases: [(Change<Licence>, &str); 2] = [
        (
            |licence| licence.ireserve.secrets.clear(),
            "licence acme has no `ireserve.secrets`",
        ),
        (
            |licence| {
                licence.ireserve.secrets = vec![SigningSecret::parse(OTHER).unwrap()];
                licence.ireserve.webhook_url = None;
            },
            "licence acme has no `ireserve.webhook_url`",
        ),
    ];
    for (change, wanted) in cases {
        desk.agree(change);
        let Outcome::Blocked {
            channel: None,
            reason,
        } = desk.attempt(&new_reply(1)).await
        else {
            panic!("{wanted}")
        };
        assert!(reason.text.starts_with(wanted), "{reason}");
    }
    desk.licences.send_replace(Licences::default());
    assert!(matches!(
        desk.attempt(&new_reply(1)).await,
        Outcome::Blocked { .. }
    ));
    assert_eq!(desk.requests(), 0);
}

#[tokio::test]
async fn a_signature_that_is_not_accepted_costs_one_request_and_new_secrets_are_tried_at_once() {
    let mut desk = Desk::open().await;
    desk.ireserve.expect_secrets(&[OTHER]);
    for n in 0..5 {
        let Outcome::Blocked { reason, .. } = desk.attempt(&new_reply(n)).await else {
            panic!("the licence waits")
        };
        assert_eq!(reason.status, Some(401));
    }
    assert_eq!(desk.requests(), 1);
    desk.agree(|licence| licence.ireserve.secrets = vec![SigningSecret::parse(OTHER).unwrap()]);
    assert_eq!(desk.attempt(&new_reply(1)).await, TAKEN);
}

#[tokio::test]
async fn while_it_fails_one_reply_asks_and_the_others_wait_without_a_request() {
    let desk = Desk::open().await;
    desk.ireserve.says(When::Always, Says::Status(503));
    for n in 0..5 {
        let _ = desk.attempt(&new_reply(n)).await;
    }
    assert_eq!(
        desk.outlet.probe().await,
        Ok(()),
        "a connection stood, there is nothing to ask"
    );
    let claims: Vec<Claim> = (0..8).map(new_reply).collect();
    let before = desk.requests();
    let outcomes =
        futures_util::future::join_all(claims.iter().map(|claim| desk.attempt(claim))).await;
    assert_eq!(desk.requests() - before, 1);
    let waiting = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::NotSent(_)));
    assert_eq!(waiting.count(), 7);
}

#[tokio::test]
async fn only_an_address_without_a_connection_is_away() {
    let desk = Desk::open().await;
    desk.ireserve.door(Door::Refusing).await.unwrap();
    assert!(matches!(
        desk.attempt(&new_reply(1)).await,
        Outcome::NotSent(_)
    ));
    assert!(desk.outlet.probe().await.is_err());
    // 404 for the origin, 503 for everything: somebody is there.
    for door in [Door::Unavailable, Door::Open] {
        desk.ireserve.door(door).await.unwrap();
        assert_eq!(desk.outlet.probe().await, Ok(()), "{door:?}");
    }
    assert_eq!(desk.requests(), 0, "a probe posts nothing");
    assert_eq!(desk.outlet.look(&new_reply(1)).await, Found::Absent);
}
