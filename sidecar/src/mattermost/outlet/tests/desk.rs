//! A whole way from an accepted event to a simulated Mattermost: real store, real engine, real sockets.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};
use shared::{Attachment, Event, EventId, Language, LicenceId, Source};
use simulators::mattermost::{Cast, Mattermost as Server, Post};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use super::super::{MattermostOutlet, Settings};
use crate::{
    auth::Parsed,
    client::{Client, vet::Fetcher},
    clock::Clock,
    delivery::{
        lease,
        outbox::Outbox,
        poster::{Follow, Parts, Poster, Watcher, What},
        touch,
        wake::{Settled, Wake},
    },
    files::{Fetch, Files},
    flow,
    licence::{Attachments, Channel, Current, Ireserve, Licence, Licences, Mode},
    mattermost::Mattermost,
    record::{Queue, Status},
    render::Catalogue,
    store::{Embedded, FileBytes, Store},
};

pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Desk {
    pub(super) server: Server,
    pub(super) cast: Cast,
    pub(super) outlet: Arc<MattermostOutlet>,
    pub(super) store: Store,
    pub(super) licence: Licence,
    licences: watch::Sender<Licences>,
    /// Why events were not brought over, the last reason each.
    failed: watch::Sender<BTreeMap<EventId, String>>,
    outbox: Outbox,
    clock: Clock,
    cancel: CancellationToken,
    tasks: TaskTracker,
    _folder: tempfile::TempDir,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Desk {
    pub(super) async fn new() -> Self {
        Self::with(Settings::default(), |_| {}).await
    }

    pub(super) async fn with(settings: Settings, change: impl FnOnce(&mut Licence)) -> Self {
        let server = Server::start().await.unwrap();
        let cast = server.furnish();
        let folder = tempfile::tempdir().unwrap();
        let store =
            Store::Embedded(Embedded::in_memory(folder.path(), Duration::from_secs(3600)).unwrap());
        let mut licence = licence();
        change(&mut licence);
        let (licences, current) = Current::new(Licences::new([licence.clone()]));
        let outlet = Arc::new(outlet(&server, &cast, &store, current));
        outlet.set(settings);
        let (wake, settled) = (Wake::default(), Settled::default());
        let outbox = Outbox::new(store.clone(), wake.clone(), settled.clone());
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        let desk = Self {
            server,
            cast,
            outlet,
            store,
            licence,
            licences,
            failed: watch::Sender::default(),
            outbox,
            clock: Clock::system(),
            cancel,
            tasks,
            _folder: folder,
        };
        desk.starts(wake, settled).await;
        desk
    }

    async fn starts(&self, wake: Wake, settled: Settled) {
        let failed = self.failed.clone();
        let (tell, lease) = watch::channel(None);
        self.tasks.spawn(lease::keep(
            self.store.clone(),
            self.clock.clone(),
            tell,
            self.cancel.clone(),
        ));
        lease.clone().wait_for(Option::is_some).await.unwrap();
        let poster = Poster::new(Parts {
            queue: Queue::Mattermost,
            outlet: self.outlet.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            lease: lease.clone(),
            wake: wake.clone(),
            settled,
            follow: Follow {
                wanted: flow::sequel::wanted,
                placeholder: flow::sequel::placeholder,
                sequels: |_, _, _| Vec::new(),
                answered: |_, _, _, _| Vec::new(),
                mark: |_, _| None,
            },
            slots: 32,
            turns: 8,
            remembers: true,
            watcher: Watcher(Arc::new(move |progress| {
                if let What::Failed { reason, .. } = &progress.what {
                    failed.send_modify(|failed| {
                        failed.insert(progress.event.clone(), reason.clone());
                    });
                }
            })),
        });
        self.tasks
            .spawn(poster.run(self.tasks.clone(), self.cancel.clone()));
        self.tasks.spawn(touch::run(
            self.outlet.clone(),
            self.store.clone(),
            lease,
            wake,
            self.cancel.clone(),
        ));
    }

    /// New settings for the one licence.
    pub(super) fn agrees(&self, change: impl FnOnce(&mut Licence)) {
        let mut licence = self.licence.clone();
        change(&mut licence);
        self.licences.send_replace(Licences::new([licence]));
    }

    /// Accepts an event without waiting for it.
    pub(super) async fn accepts(&self, id: &str, kind: &str, data: Value) -> EventId {
        self.accepts_with(id, kind, data, &[]).await
    }

    /// The same with files that came inside the request, in place of the attachments of that name.
    pub(super) async fn accepts_with(
        &self,
        id: &str,
        kind: &str,
        data: Value,
        files: &[(&str, &[u8])],
    ) -> EventId {
        let json = json!({ "id": id, "type": kind, "data": data });
        let mut event = Event::from_json(&json, self.clock.now()).unwrap();
        let parsed = |event: &Event| Parsed {
            event: event.clone(),
            json: json.clone(),
        };
        let lane = flow::address::address(
            &self.licence,
            parsed(&event),
            &[],
            Vec::new(),
            self.clock.now(),
        )
        .unwrap()
        .lane;
        let mut names = Vec::new();
        for (name, bytes) in files {
            let kept = self
                .store
                .put_file(&lane, FileBytes::Memory(bytes.to_vec().into()))
                .await
                .unwrap();
            let attachments: &mut [Attachment] = event.kind.attachments_mut();
            attachments
                .iter_mut()
                .find(|attachment| attachment.name == *name)
                .unwrap()
                .source = Source::Kept(kept.clone());
            names.push(kept);
        }
        let new =
            flow::address::address(&self.licence, parsed(&event), &[], names, self.clock.now())
                .unwrap();
        self.outbox.accept(vec![new]).await.unwrap();
        EventId::new(id).unwrap()
    }

    /// Accepts an event and waits until it is brought over.
    pub(super) async fn brings(&self, id: &str, kind: &str, data: Value) -> Status {
        let id = self.accepts(id, kind, data).await;
        self.settles(&id).await
    }

    pub(super) async fn settles(&self, id: &EventId) -> Status {
        let status = self
            .outbox
            .settled(&self.licence.id, id, PATIENCE)
            .await
            .unwrap()
            .unwrap();
        assert!(
            status.status.is_settled(),
            "{status:?}\n{}",
            self.server.look(simulators::mattermost::State::picture)
        );
        status
    }

    /// A visitor says something in `conv_93`.
    pub(super) async fn says(&self, id: &str, text: &str) -> Status {
        self.brings(id, "message.created", said(id, text)).await
    }

    /// Waits until an attempt at this event has failed, and says why.
    pub(super) async fn waits_because(&self, id: &EventId) -> String {
        let mut failed = self.failed.subscribe();
        let waiting = failed.wait_for(|failed| failed.contains_key(id));
        let failed = tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("it fails soon")
            .unwrap();
        failed[id].clone()
    }

    /// The roots of `conv_93`, oldest first.
    pub(super) fn roots(&self) -> Vec<Post> {
        self.server
            .look(|state| state.roots_of_conversation("conv_93"))
    }

    /// The replies under its newest root.
    pub(super) fn replies(&self) -> Vec<Post> {
        let root = self.roots().pop().expect("a root stands");
        self.server
            .look(|state| state.thread(&root.id))
            .into_iter()
            .filter(|post| !post.root_id.is_empty())
            .collect()
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.replies()
            .into_iter()
            .map(|post| post.message)
            .collect()
    }

    /// The names of the files that each reply carries.
    pub(super) fn files(&self) -> Vec<Vec<String>> {
        self.replies()
            .iter()
            .map(|post| self.files_of(post))
            .collect()
    }

    /// As people see them: in the order of their uploads, whatever order the ids are kept in.
    pub(super) fn files_of(&self, post: &Post) -> Vec<String> {
        let info = |id: &String| {
            self.server
                .look(|state| state.file(id))
                .expect("a file that a post names")
                .0
        };
        let mut files: Vec<_> = post.file_ids.iter().map(info).collect();
        files.sort_by_key(|file| file.create_at);
        files.into_iter().map(|file| file.name).collect()
    }
}

pub(super) fn started() -> Value {
    json!({"conversation_id": "conv_93", "visitor": {"name": "Sanne de Vries"}, "url": "https://app.example/c/93",
           "page": {"url": "https://shop.example/bowling", "title": "Bowling"}})
}

pub(super) fn said(id: &str, text: &str) -> Value {
    json!({"conversation_id": "conv_93", "message_id": format!("m_{id}"), "sender": {"type": "visitor", "name": "Sanne"}, "text": text})
}

/// The same with files.
pub(super) fn attached(id: &str, text: &str, attachments: Value) -> Value {
    let mut data = said(id, text);
    data["attachments"] = attachments;
    data
}

fn licence() -> Licence {
    Licence {
        id: LicenceId::new("acme").unwrap(),
        language: Language::En,
        time_zone: shared::Zone::default(),
        team: Some("support".into()),
        channel: Channel::parse("webchat"),
        mode: Mode::TwoWay,
        rate: None,
        webhook_tokens: Vec::new(),
        keys: Vec::new(),
        attachments: Attachments {
            fetch_hosts: vec!["127.0.0.1".into()],
            max_bytes: 50_000_000,
        },
        ireserve: Ireserve::default(),
        departments: [("sales".to_owned(), Channel::parse("vip").unwrap())].into(),
        notifications: [("*".to_owned(), Channel::parse("bookings").unwrap())].into(),
    }
}

fn outlet(server: &Server, cast: &Cast, store: &Store, licences: Current) -> MattermostOutlet {
    let clock = Clock::system();
    let now: crate::client::Now = Arc::new(move || clock.now());
    let mattermost = Mattermost::new(Client::new(now.clone()).unwrap());
    mattermost.connect(
        Url::parse(&server.url()).unwrap(),
        cast.bot.token.clone().into(),
    );
    let files = Files::new(Fetch::new(Fetcher::new(now).unwrap()), store.clone());
    MattermostOutlet::new(
        Arc::new(mattermost),
        licences,
        files,
        Arc::new(Catalogue::new()),
    )
}

/// Serves one answer for every request, at an address of its own, as long as the desk stands.
pub(super) async fn serves(desk: &Desk, head: &str, body: Vec<u8>) -> String {
    serves_in_turn(desk, vec![(head.to_owned(), body)]).await
}

/// Serves these answers one after the other, the last one for ever.
pub(super) async fn serves_in_turn(desk: &Desk, answers: Vec<(String, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (cancel, tasks) = (desk.cancel.clone(), desk.tasks.clone());
    desk.tasks.spawn(async move {
        let mut turn = 0;
        while let Some(Ok((mut socket, _))) = cancel.run_until_cancelled(listener.accept()).await {
            let (head, body) = &answers[turn.min(answers.len() - 1)];
            let answer = [head.as_bytes(), b"\r\nConnection: close\r\n\r\n", body].concat();
            turn += 1;
            tasks.spawn(async move {
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(&answer).await;
                let _ = socket.shutdown().await;
            });
        }
    });
    format!("http://{address}")
}
