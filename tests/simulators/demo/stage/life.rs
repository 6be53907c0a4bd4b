//! The seat of the sidecar: one life after the other, on one address and one store.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::sync::{Mutex, oneshot};
use tokio_util::task::TaskTracker;

use super::super::sidecar::{Ending, Start, StartError};
use super::super::story::{Note, Story};
use crate::watched::Watched;

/// Writes the settings for a sidecar that listens there.
type Write = Box<dyn Fn(SocketAddr) -> String + Send + Sync>;

/// Where the sidecar sits, alive or not.
pub(super) struct Seat {
    start: Start,
    write: Write,
    story: Arc<Watched<Story>>,
    tasks: TaskTracker,
    // tokio's mutex: held while a life begins or ends, so that two of them never share a store.
    life: Mutex<Sitting>,
}

struct Sitting {
    listen: SocketAddr,
    alive: Option<(oneshot::Sender<Ending>, oneshot::Receiver<()>)>,
}

impl Seat {
    pub(super) fn new(
        start: Start,
        write: Write,
        story: Arc<Watched<Story>>,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            start,
            write,
            story,
            tasks,
            life: Mutex::new(Sitting {
                listen: (Ipv4Addr::LOCALHOST, 0).into(),
                alive: None,
            }),
        }
    }

    /// Starts a life if there is none. Tells where it listens, which every life does at the same address.
    pub(super) async fn start(&self) -> Result<SocketAddr, StartError> {
        let mut life = self.life.lock().await;
        if life.alive.is_some() {
            return Ok(life.listen);
        }
        let begun = self.start.call((self.write)(life.listen)).await?;
        life.listen = begun.address;
        life.alive = Some((begun.end, begun.ended));
        self.story.change(|story| {
            story.weather.up = true;
            story.weather.lives += 1;
            let life = story.weather.lives;
            story.note(Note::Started { life });
        });
        let (story, mut steps) = (Arc::clone(&self.story), begun.steps);
        self.tasks.spawn(async move {
            while let Some(step) = steps.recv().await {
                story.change(|story| story.step(step));
            }
        });
        Ok(life.listen)
    }

    /// Ends the life, if there is one, and waits until nothing of it is left.
    pub(super) async fn end(&self, ending: Ending) {
        let mut life = self.life.lock().await;
        let Some((end, ended)) = life.alive.take() else {
            return;
        };
        // A life that ended by itself hears nothing, and has ended.
        let _ = end.send(ending);
        let _ = ended.await;
        self.story.change(|story| match ending {
            Ending::Kill => story.killed(),
            Ending::Stop => story.weather.up = false,
        });
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").finish_non_exhaustive()
    }
}
