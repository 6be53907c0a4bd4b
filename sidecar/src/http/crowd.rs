//! Who is connected: a place for each connection, given back when it ends.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use super::limits::Limits;

#[derive(Debug, Clone)]
pub(super) struct Crowd {
    /// Held for a look and a step, never across an await.
    counts: Arc<Mutex<Counts>>,
    all: usize,
    each: usize,
    /// Proxies whose callers we cannot tell apart.
    trusted: Arc<[IpAddr]>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    /// Never longer than the connections are many.
    of: HashMap<IpAddr, usize>,
}

/// A connection's place.
#[derive(Debug)]
#[must_use = "the place is given back when this is dropped"]
pub(super) struct Place {
    crowd: Crowd,
    peer: IpAddr,
}

impl Crowd {
    pub(super) fn new(limits: &Limits, trusted: &[IpAddr]) -> Self {
        Self {
            counts: Arc::default(),
            all: limits.connections,
            each: limits.connections_per_peer,
            trusted: trusted.into(),
        }
    }

    /// Nothing: it is full, in all or for this address.
    pub(super) fn enter(&self, peer: IpAddr) -> Option<Place> {
        let peer = peer.to_canonical();
        let mut counts = self.counts();
        let here = counts.of.get(&peer).copied().unwrap_or(0);
        if counts.all >= self.all || (here >= self.each && !self.counts_not(peer)) {
            return None;
        }
        counts.all += 1;
        counts.of.insert(peer, here + 1);
        Some(Place {
            crowd: self.clone(),
            peer,
        })
    }

    /// The plugin and local tools come from the two loopback addresses, many callers from a trusted proxy.
    fn counts_not(&self, peer: IpAddr) -> bool {
        peer == IpAddr::from([127, 0, 0, 1])
            || peer == IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])
            || self.trusted.contains(&peer)
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts();
        counts.all -= 1;
        if let Some(here) = counts.of.get_mut(&self.peer) {
            *here -= 1;
            if *here == 0 {
                counts.of.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_place_and_the_proxy_may() {
        let limits = Limits {
            connections: 5,
            connections_per_peer: 2,
            ..Limits::default()
        };
        let (proxy, stranger) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let crowd = Crowd::new(&limits, &[proxy]);

        let _two = [
            crowd.enter(stranger).unwrap(),
            crowd.enter(stranger).unwrap(),
        ];
        assert!(
            crowd.enter(stranger).is_none(),
            "two of one address are enough"
        );
        let local =
            [proxy, proxy, IpAddr::from([127, 0, 0, 1])].map(|peer| crowd.enter(peer).unwrap());
        assert!(crowd.enter(proxy).is_none(), "five in all are enough");
        drop(local);
        assert!(crowd.enter(proxy).is_some(), "places come back");
        assert_eq!(
            crowd.counts().of.len(),
            1,
            "addresses that left are forgotten"
        );
    }
}
