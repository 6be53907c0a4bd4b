//! What only Redis can do to us: settings, several processes, a server that dies, stops answering or refuses.

use std::{path::Path, time::Duration};

use bytes::Bytes;

use super::{Redis, RedisOpenError, RedisSettings, keys, reply, server::Server};
use crate::{
    record::{
        Acceptance, Claim, Direction, Doubt, Fence, Moment, NewEvent, Queue, Selection, State, Step,
    },
    store::{
        Delivered, Lease, StoreError,
        contract::{at, end, lane, licence, notification, parked, post, root, said},
    },
};

const REMEMBER: Duration = Duration::from_secs(7 * 24 * 3600);

fn settings(server: &Server, folder: &Path) -> RedisSettings {
    RedisSettings {
        url: server.url(0),
        remember: REMEMBER,
        dangerous_accept_settings: false,
        name_folder: folder.to_owned(),
    }
}

/// A server, and one process that uses it.
async fn start() -> Option<(Server, Redis, tempfile::TempDir)> {
    let server = Server::start().await?;
    let folder = tempfile::tempdir().unwrap();
    let redis = Redis::open(&settings(&server, folder.path()))
        .await
        .unwrap();
    Some((server, redis, folder))
}

async fn fence(redis: &Redis) -> Fence {
    match redis.lease(at(0)).await.unwrap() {
        Lease::Held { fence, life } => {
            assert_eq!(life, Some(Duration::from_secs(15)));
            fence
        }
        other => panic!("the lanes are somebody else's: {other:?}"),
    }
}

async fn claims(redis: &Redis, fence: Fence) -> Vec<Claim> {
    let claimed = redis
        .claim(fence, &Queue::Mattermost, 100, Moment::agreed(at(60)))
        .await;
    claimed.unwrap().claims
}

async fn accept(redis: &Redis, event: NewEvent) {
    let judged = redis.accept(vec![event]).await.unwrap();
    assert!(matches!(judged[..], [Acceptance::New { .. }]), "{judged:?}");
}

async fn command(server: &Server, command: &[&str]) {
    server.ask(command).await.unwrap();
}

/// The keys that match, without the prefix of their partition.
async fn keys_like(server: &Server, pattern: &str) -> Vec<String> {
    let found = server.ask(&["KEYS", pattern]).await.unwrap();
    let mut keys: Vec<String> = redis::from_redis_value(found).unwrap();
    keys.sort();
    keys
}

#[tokio::test]
async fn a_server_that_would_lose_what_it_promised_is_refused_by_the_name_of_the_setting() {
    let Some((server, redis, folder)) = start().await else {
        return;
    };
    drop(redis);
    for (name, weak, strong) in [
        ("maxmemory-policy", "volatile-ttl", "noeviction"),
        ("appendonly", "no", "yes"),
        ("appendfsync", "everysec", "always"),
    ] {
        command(&server, &["CONFIG", "SET", name, weak]).await;
        let refused = Redis::open(&settings(&server, folder.path()))
            .await
            .unwrap_err();
        assert!(
            matches!(refused, RedisOpenError::Setting { name: found, .. } if found == name),
            "{refused}"
        );
        assert!(
            refused.to_string().contains(&format!("`{name} {weak}`")),
            "{refused}"
        );
        let anyway = RedisSettings {
            dangerous_accept_settings: true,
            ..settings(&server, folder.path())
        };
        Redis::open(&anyway).await.unwrap();
        command(&server, &["CONFIG", "SET", name, strong]).await;
    }
    Redis::open(&settings(&server, folder.path()))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_server_that_hides_its_settings_is_refused_unless_that_is_accepted() {
    let Some((server, _redis, folder)) = start().await else {
        return;
    };
    command(
        &server,
        &[
            "ACL", "SETUSER", "app", "on", ">secret", "~{ir:*", "~ir:*", "&ir:*", "+@all",
            "-config",
        ],
    )
    .await;
    let url = format!("redis://app:secret@127.0.0.1:{}", server.port);
    let hidden = RedisSettings {
        url: url.into(),
        ..settings(&server, folder.path())
    };
    let refused = Redis::open(&hidden).await.unwrap_err();
    assert!(
        matches!(
            refused,
            RedisOpenError::Hidden {
                name: "maxmemory-policy",
                ..
            }
        ),
        "{refused}"
    );
    let anyway = RedisSettings {
        dangerous_accept_settings: true,
        ..hidden
    };
    let redis = Redis::open(&anyway).await.unwrap();
    let fence = fence(&redis).await;
    accept(&redis, said("evt_1", "conv_1")).await;
    assert_eq!(
        claims(&redis, fence).await.len(),
        1,
        "keys and channels of `ir:` are enough"
    );
}

#[tokio::test]
async fn the_store_of_a_later_build_and_other_addresses_are_refused() {
    let Some((server, _redis, folder)) = start().await else {
        return;
    };
    command(&server, &["HSET", keys::META, "schema", "2"]).await;
    let newer = Redis::open(&settings(&server, folder.path()))
        .await
        .unwrap_err();
    assert!(
        matches!(newer, RedisOpenError::Newer { found: 2, known: 1 }),
        "{newer}"
    );
    for url in ["redis+cluster://127.0.0.1", "http://127.0.0.1", ""] {
        let other = RedisSettings {
            url: url.to_owned().into(),
            ..settings(&server, folder.path())
        };
        let refused = Redis::open(&other).await.unwrap_err();
        assert!(
            matches!(refused, RedisOpenError::Url(_)),
            "{url}: {refused}"
        );
    }
}

#[tokio::test]
async fn one_process_works_the_lanes_and_the_next_takes_over_when_it_lets_go() {
    let Some((server, first, _folder)) = start().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let second = Redis::open(&settings(&server, folder.path()))
        .await
        .unwrap();
    let ours = fence(&first).await;
    assert_eq!(fence(&first).await, ours, "a renewal changes nothing");
    let standby = second.lease(at(0)).await.unwrap();
    assert!(
        matches!(standby, Lease::Standby { ask_again } if ask_again <= Duration::from_secs(1)),
        "{standby:?}"
    );
    accept(&second, said("evt_1", "conv_1")).await;
    let refused = second
        .claim(Fence(0), &Queue::Mattermost, 1, Moment::agreed(at(1)))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Fenced { .. })),
        "{refused:?}"
    );
    first.ask().await.unwrap();
    first.0.hints.ask_all();
    let claim = claims(&first, ours).await.remove(0);
    first.release(ours).await.unwrap();
    first.release(ours).await.unwrap();
    let theirs = fence(&second).await;
    assert!(ours < theirs);
    let refused = first.delivered(&claim, &end(at(2))).await;
    assert!(
        matches!(refused, Err(StoreError::Fenced { .. })),
        "{refused:?}"
    );
    assert!(matches!(
        first.lease(at(3)).await.unwrap(),
        Lease::Standby { .. }
    ));
    let doubtful = claims(&second, theirs).await.remove(0);
    assert_eq!(doubtful.doubt, Doubt::Open);
    second.delivered(&doubtful, &end(at(4))).await.unwrap();
}

#[tokio::test]
async fn a_frozen_owner_is_fenced_once_its_lease_has_ended() {
    let Some((server, frozen, _folder)) = start().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let other = Redis::open(&settings(&server, folder.path()))
        .await
        .unwrap();
    let old = fence(&frozen).await;
    for number in 0..20 {
        accept(
            &frozen,
            said(&format!("evt_{number}"), &format!("conv_{number}")),
        )
        .await;
    }
    let held = claims(&frozen, old).await;
    assert_eq!(held.len(), 20);
    // Its fifteen seconds are over.
    command(&server, &["HSET", "{ir:0}:own", "end", "1"]).await;
    let new = fence(&other).await;
    for claim in &held {
        let stepped = frozen.step(claim, Step::Root(1), None, at(1)).await;
        assert!(
            matches!(stepped, Err(StoreError::Fenced { .. })),
            "in every partition: {stepped:?}"
        );
    }
    let doubtful = claims(&other, new).await;
    assert!(doubtful.len() == 20 && doubtful.iter().all(|claim| claim.doubt == Doubt::Open));
}

#[tokio::test]
async fn a_server_that_is_killed_comes_back_with_everything_it_confirmed() {
    let Some((mut server, redis, _folder)) = start().await else {
        return;
    };
    let mut owner = fence(&redis).await;
    let mut confirmed = Vec::new();
    for round in 0..5 {
        let (id, conversation) = (format!("evt_{round}"), format!("conv_{round}"));
        accept(&redis, said(&id, &conversation)).await;
        confirmed.push(id);
        server.kill();
        let lost = redis.accept(vec![said("evt_lost", "conv_9")]).await;
        assert!(
            matches!(lost, Err(StoreError::Unavailable { .. })),
            "{lost:?}"
        );
        server.start_again().await;
        // The first command may still meet the broken connection; a caller repeats.
        while redis
            .accept(vec![said("evt_again", "conv_9")])
            .await
            .is_err()
        {}
        owner = fence(&redis).await;
    }
    let found = claims(&redis, owner).await;
    let mut events: Vec<_> = found.iter().map(|claim| claim.event.to_string()).collect();
    events.sort();
    confirmed.push("evt_again".into());
    confirmed.sort();
    assert_eq!(events, confirmed);
}

#[tokio::test]
async fn lanes_whose_claims_were_lost_on_the_way_are_taken_over_at_the_next_lease() {
    let Some((server, redis, _folder)) = start().await else {
        return;
    };
    let old = fence(&redis).await;
    // Everything is known now, so that the next question is the claim itself.
    claims(&redis, old).await;
    accept(&redis, said("evt_1", "conv_1")).await;
    server.freeze();
    let lost = redis
        .claim(old, &Queue::Mattermost, 10, Moment::agreed(at(1)))
        .await;
    assert!(
        matches!(lost, Err(StoreError::Unavailable { .. })),
        "{lost:?}"
    );
    server.thaw();
    // The server works off what it was sent before it froze; then it knows of an attempt that we do not know of.
    for _ in 0..1000 {
        if !keys_like(&server, "*:fly").await.is_empty() {
            break;
        }
    }
    let new = fence(&redis).await;
    assert!(old < new);
    let claim = claims(&redis, new).await.remove(0);
    assert_eq!(
        (claim.event.as_str(), claim.doubt, claim.attempts),
        ("evt_1", Doubt::Open, 2)
    );
    assert_eq!(fence(&redis).await, new, "once is enough");
}

#[tokio::test]
async fn what_the_server_refuses_for_now_is_unavailable_and_heals() {
    let Some((server, redis, _folder)) = start().await else {
        return;
    };
    let owner = fence(&redis).await;
    accept(&redis, said("evt_1", "conv_1")).await;
    let claim = claims(&redis, owner).await.remove(0);
    for (break_it, heal_it, code) in [
        (
            vec!["REPLICAOF", "127.0.0.1", "1"],
            vec!["REPLICAOF", "NO", "ONE"],
            "READONLY",
        ),
        (
            vec!["CONFIG", "SET", "maxmemory", "1"],
            vec!["CONFIG", "SET", "maxmemory", "0"],
            "OOM",
        ),
        (
            vec!["CONFIG", "SET", "min-replicas-to-write", "1"],
            vec!["CONFIG", "SET", "min-replicas-to-write", "0"],
            "NOREPLICAS",
        ),
    ] {
        command(&server, &break_it).await;
        let errors = [
            redis.accept(vec![said("evt_2", "conv_2")]).await.err(),
            redis.delivered(&claim, &end(at(2))).await.err(),
            redis.lease(at(2)).await.err(),
        ];
        command(&server, &heal_it).await;
        for error in errors {
            let Some(StoreError::Unavailable { reason }) = error else {
                panic!("{code}: {error:?}")
            };
            assert!(reason.contains(code), "{reason}");
        }
    }
    redis.delivered(&claim, &end(at(3))).await.unwrap();
    accept(&redis, said("evt_2", "conv_2")).await;
}

#[tokio::test]
async fn the_owner_is_woken_by_what_others_accept_and_not_by_itself() {
    let Some((server, owner, _folder)) = start().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let other = Redis::open(&settings(&server, folder.path()))
        .await
        .unwrap();
    let held = fence(&owner).await;
    owner.rung().await;
    assert_eq!(claims(&owner, held).await, []);
    let mut ring = Box::pin(owner.rung());
    accept(&owner, said("evt_1", "conv_1")).await;
    // A round trip on the same server: what was published before it has been sent.
    let heard = tokio::time::timeout(Duration::from_millis(50), &mut ring).await;
    assert!(heard.is_err(), "it knows what it accepted itself");
    accept(&other, said("evt_2", "conv_2")).await;
    ring.await;
    let found = claims(&owner, held).await;
    assert_eq!(found.len(), 2, "{found:?}");
}

#[tokio::test]
async fn looking_for_work_costs_nothing_while_there_is_none() {
    let Some((server, redis, _folder)) = start().await else {
        return;
    };
    let owner = fence(&redis).await;
    redis.rung().await;
    claims(&redis, owner).await;
    redis.wanted(10).await.unwrap();
    let before = commands(&server).await;
    for _ in 0..100 {
        claims(&redis, owner).await;
        redis.wanted(10).await.unwrap();
    }
    fence(&redis).await;
    let asked = commands(&server).await - before;
    // One lease, and our own two questions with their greetings.
    assert!(asked <= 12, "{asked} commands for a hundred looks");
}

/// How many commands the server has worked off, scripts counting once.
async fn commands(server: &Server) -> u64 {
    let info = server.ask(&["INFO", "commandstats"]).await.unwrap();
    let info = reply::text(info).unwrap();
    let scripts = super::setting::field(&info, "cmdstat_evalsha").unwrap_or("calls=0,");
    let calls = scripts.trim_start_matches("calls=").split(',').next();
    calls.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_settled_id_is_remembered_for_its_time_and_a_waiting_one_without_end() {
    let Some((server, redis, _folder)) = start().await else {
        return;
    };
    let owner = fence(&redis).await;
    accept(&redis, said("evt_1", "conv_1")).await;
    let ttl = async |pattern: &str| {
        let key = keys_like(&server, pattern).await.remove(0);
        let ttl = server.ask(&["TTL", &key]).await.unwrap();
        reply::parse::<i64>(&reply::text(ttl).unwrap()).unwrap()
    };
    assert_eq!(ttl("*:dd:*").await, -1);
    let week = 7 * 24 * 3600;
    assert!(
        week < ttl("{ir:e:*").await,
        "its place is known as long as it can wait"
    );
    let claim = claims(&redis, owner).await.remove(0);
    redis.delivered(&claim, &end(at(1))).await.unwrap();
    let left = ttl("*:dd:*").await;
    assert!(week - 60 < left && left <= week, "{left}");
    let status = redis.status(&licence(), &claim.event).await.unwrap();
    assert_eq!(status.map(|status| status.status), Some(State::Delivered));
}

#[tokio::test]
async fn nothing_stays_of_what_is_over_and_no_foreign_id_shapes_a_key() {
    let Some((server, redis, _folder)) = start().await else {
        return;
    };
    let owner = fence(&redis).await;
    let file = redis
        .put_file(
            &lane("conv_1"),
            crate::store::FileBytes::Memory(Bytes::from_static(b"x")),
        )
        .await
        .unwrap();
    let first = NewEvent {
        files: vec![file],
        ..said("evt_1", "conv_1")
    };
    let back = NewEvent {
        queue: Queue::Ireserve(licence()),
        lane: crate::record::Lane {
            direction: Direction::ThreadToChat,
            ..lane("conv_1")
        },
        ..said("evt_3", "conv_1")
    };
    redis
        .accept(vec![
            first,
            said("evt_2", "conv_1"),
            notification("evt_4", "}{ir:0}:own"),
            back.clone(),
        ])
        .await
        .unwrap();
    let mut found = claims(&redis, owner).await;
    found.sort_by_key(|claim| claim.event.to_string());
    let opened = redis
        .opened(&found[0], &root(&found[0], 1, "r1"), at(1))
        .await
        .unwrap();
    let delivered = Delivered {
        post: Some(post("p1", Some("r1"))),
        wanted: opened.card.clone(),
        ..end(at(2))
    };
    redis.delivered(&opened, &delivered).await.unwrap();
    redis.park(&found[1], &parked(at(2))).await.unwrap();
    for claim in claims(&redis, owner).await {
        redis.park(&claim, &parked(at(3))).await.unwrap();
    }
    for claim in claims(&redis, owner).await {
        redis.delivered(&claim, &end(at(3))).await.unwrap();
    }
    let queue = Queue::Ireserve(licence());
    let reply = redis
        .claim(owner, &queue, 10, Moment::agreed(at(60)))
        .await
        .unwrap()
        .claims
        .remove(0);
    redis.park(&reply, &parked(at(4))).await.unwrap();
    let placeholder = redis
        .claim(owner, &queue, 10, Moment::agreed(at(60)))
        .await
        .unwrap()
        .claims
        .remove(0);
    redis.delivered(&placeholder, &end(at(4))).await.unwrap();
    assert_eq!(
        redis
            .replay(&Selection::default(), Moment::agreed(at(5)))
            .await
            .unwrap(),
        3
    );
    for claim in claims(&redis, owner).await {
        redis.delivered(&claim, &end(at(6))).await.unwrap();
    }
    let reply = redis
        .claim(owner, &queue, 10, Moment::agreed(at(60)))
        .await
        .unwrap()
        .claims
        .remove(0);
    redis
        .park(
            &reply,
            &crate::store::Park {
                placeholder: None,
                ..parked(at(7))
            },
        )
        .await
        .unwrap();
    assert_eq!(redis.drop_parked(&Selection::default()).await.unwrap(), 1);
    let left: std::collections::BTreeSet<String> = keys_like(&server, "*")
        .await
        .iter()
        .map(|key| shape(key))
        .collect();
    let expected = [
        "act",
        "c:<x>",
        "chan",
        "dd:<x>",
        "i:<x>",
        "ir:k:<x>",
        "ir:meta",
        "ir:r:<x>",
        "k:<x>",
        "lics",
        "own",
        "queues",
        "seq",
        "t:<x>",
        "{ir:e:<x>}",
        "{ir:n:<x>}",
    ];
    assert_eq!(left.into_iter().collect::<Vec<_>>(), expected);
}

/// A key with its partition left out and its hash replaced.
fn shape(key: &str) -> String {
    let key = match key.split_once("}:") {
        Some((tag, key)) if tag.starts_with("{ir:") => key,
        _ => key,
    };
    let is_hash =
        |part: &&str| part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    match key.split([':', '}']).find(is_hash) {
        Some(hash) => key.replace(hash, "<x>"),
        None => key.to_owned(),
    }
}

#[tokio::test]
async fn a_file_above_sixteen_mebibytes_is_refused_before_it_is_whole() {
    let Some((_server, redis, _folder)) = start().await else {
        return;
    };
    let mut receiving = redis.receive().await.unwrap();
    let piece = Bytes::from(vec![0; 1 << 20]);
    for _ in 0..16 {
        receiving.push(&piece).await.unwrap();
    }
    assert!(receiving.push(&Bytes::from_static(b"x")).await.is_err());
}

/// Prints how many events a second can be accepted, beside what the server and its disk can do at all. Run it alone:
/// `cargo test --release -p sidecar accepts_per_second -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, not a test"]
async fn accepts_per_second() {
    let Some((server, redis, _folder)) = start().await else {
        return;
    };
    for callers in [1, 64] {
        let plain = rate(&redis, callers, async |redis, id| {
            super::setting::one(&redis.0.link, "SET", &["ir:plain", id])
                .await
                .unwrap();
        });
        let plain = plain.await;
        let accepted = rate(&redis, callers, async |redis, id| {
            let conversation = format!("conv_{}", id.len() + id.as_bytes()[4] as usize);
            accept(redis, said(id, &conversation)).await;
        });
        let accepted = accepted.await;
        println!("{callers} callers: {accepted:.0} accepts/s, {plain:.0} plain writes/s");
    }
    let info = server.ask(&["INFO", "commandstats"]).await.unwrap();
    let info = reply::text(info).unwrap();
    let scripts = super::setting::field(&info, "cmdstat_evalsha").unwrap_or_default();
    println!("in the server: {scripts}");
}

/// How often a second so many callers at once do that, each with an id of its own.
async fn rate(redis: &Redis, callers: usize, work: impl AsyncFn(&Redis, &str)) -> f64 {
    const TIMES: usize = 1280;
    let began = tokio::time::Instant::now();
    let one = async |caller: usize| {
        for number in 0..TIMES / callers {
            work(redis, &format!("evt_{caller}_{callers}_{number}")).await;
        }
    };
    futures_util::future::join_all((0..callers).map(one)).await;
    f64::from(u32::try_from(TIMES).unwrap()) / began.elapsed().as_secs_f64()
}
