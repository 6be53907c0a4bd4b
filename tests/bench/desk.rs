//! The sidecar under measurement, as a process of its own, with an i-Reserve beside it and whatever Mattermost it is pointed at.

use std::ops::Range;
use std::time::Duration;

use http::{Method, StatusCode};
use simulators::client::Client;
use simulators::ireserve::IReserve;
use simulators::mattermost::{Cast, Mattermost};
use simulators::program::{Settings, Sidecar, built};
use tokio::time::Instant;

use crate::Failure;
use crate::line::Line;
use crate::load::{Target, closed};
use crate::talk::spoken;

/// The licence of every measurement.
pub(crate) const LICENCE: &str = "bench";

/// Where nobody listens (the discard service): connections are refused at once.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

/// Where events go.
pub(crate) const EVENTS: Target = Target {
    path: "/v1/events",
    wanted: StatusCode::ACCEPTED,
};

/// How often the sidecar is asked how far it is, at most.
const LOOK: Duration = Duration::from_millis(20);

/// A look counts what waits, which takes time when much does. So many times as long it is left alone: looking costs it 2 %.
const REST: u32 = 50;

/// How long nothing may be delivered before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running sidecar.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) sidecar: Sidecar,
    pub(crate) ireserve: IReserve,
    token: String,
    client: Client,
}

impl Desk {
    /// Starts the executable of the release build with an empty store between `mattermost_url` and an i-Reserve of its own.
    pub(crate) async fn start(
        mattermost_url: &str,
        cast: &Cast,
        change: impl FnOnce(Settings) -> Settings,
    ) -> Result<Self, Failure> {
        let ireserve = IReserve::start().await?;
        let settings = Settings::for_licence(
            LICENCE,
            mattermost_url,
            &cast.bot.token,
            &cast.team,
            "webchat",
            &ireserve,
        );
        let sidecar = Sidecar::start(built("ireserve-sidecar")?, change(settings)).await?;
        let token = sidecar.sender(LICENCE).token();
        Ok(Self {
            sidecar,
            ireserve,
            token,
            client: Client::default(),
        })
    }

    /// The same before a Mattermost that is simulated.
    pub(crate) async fn before(mattermost: &Mattermost) -> Result<Self, Failure> {
        Self::start(&mattermost.url(), &mattermost.furnish(), |settings| {
            settings
        })
        .await
    }

    /// Ends it and starts it again with another Mattermost; its store stays. Its counters begin at nothing.
    pub(crate) async fn move_to(&mut self, mattermost_url: &str) -> Result<(), Failure> {
        self.again(|settings| settings.set("mattermost.url", mattermost_url))
            .await
    }

    /// Ends it and starts it again with other settings; its store stays. Its counters begin at nothing.
    pub(crate) async fn again(
        &mut self,
        change: impl FnOnce(Settings) -> Settings,
    ) -> Result<(), Failure> {
        self.sidecar.stop(Duration::from_secs(20)).await?;
        Ok(self.sidecar.start_again_with(change).await?)
    }

    /// So many connections of i-Reserve.
    pub(crate) async fn lines(&self, count: usize) -> Result<Vec<Line>, Failure> {
        Line::several(count, &self.sidecar.url(), &self.token).await
    }

    /// Opens these conversations with a message each, and waits until they stand.
    pub(crate) async fn open(&self, conversations: Range<usize>) -> Result<(), Failure> {
        const AT_ONCE: usize = 16;
        let (count, before) = (conversations.len(), self.delivered().await?);
        let call = move |line: usize, n: usize| {
            let conversation = conversations.start + line + n * AT_ONCE;
            conversations
                .contains(&conversation)
                .then(|| spoken(&format!("open-{conversation}"), conversation, 80))
        };
        closed(self.lines(AT_ONCE).await?, Duration::MAX, EVENTS, call).await?;
        self.deliver(before + count).await
    }

    /// How many events it has delivered to Mattermost since its start.
    pub(crate) async fn delivered(&self) -> Result<usize, Failure> {
        let url = format!("{}/metrics", self.sidecar.admin_url());
        let answer = self.client.call(Method::GET, &url, &[], "").await?;
        let counted = |line: &str| {
            let rest = line.strip_prefix("ireserve_deliveries_total{")?;
            let (labels, value) = rest.rsplit_once("} ")?;
            let wanted = labels.contains(r#"direction="chat_to_thread""#)
                && labels.contains(r#"outcome="delivered""#);
            wanted.then(|| value.trim().parse::<usize>().ok())?
        };
        Ok(answer.text().lines().filter_map(counted).sum())
    }

    /// Waits until it has delivered `total` events since its start.
    pub(crate) async fn deliver(&self, total: usize) -> Result<(), Failure> {
        let (mut last, mut moved) = (0, Instant::now());
        loop {
            let (now, count) = (Instant::now(), self.delivered().await?);
            if count >= total {
                return Ok(());
            }
            if count > last {
                (last, moved) = (count, now);
            } else if moved.elapsed() > PATIENCE {
                let said = self.sidecar.program().output();
                return Err(format!("{count} of {total} were delivered, then none for {} s; the sidecar said\n{said}", PATIENCE.as_secs()).into());
            }
            tokio::time::sleep(LOOK.max(now.elapsed() * REST)).await;
        }
    }
}
