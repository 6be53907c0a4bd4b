//! Guessing made slow: from one address, the 401s after the twentieth in a minute take a second.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

const WINDOW: Duration = Duration::from_secs(60);
const FREE_FAILURES: u32 = 20;
const PAUSE: Duration = Duration::from_secs(1);
/// A caller with many addresses must not fill our memory. When full, the address that failed longest ago is forgotten.
const MOST_ADDRESSES: usize = 4_096;

/// How often each address failed of late. Pure: it counts and says how long to wait; the waiting is the caller's.
#[derive(Debug, Default)]
pub struct Slowing {
    failures: HashMap<IpAddr, Window>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    count: u32,
}

impl Slowing {
    /// A request from this address was refused. How long its answer is to wait.
    pub fn failed(&mut self, address: IpAddr, now: Instant) -> Duration {
        let address = network(address);
        if self.failures.len() >= MOST_ADDRESSES && !self.failures.contains_key(&address) {
            self.make_room(now);
        }
        let window = self.failures.entry(address).or_insert(Window {
            began: now,
            count: 0,
        });
        if now.saturating_duration_since(window.began) >= WINDOW {
            *window = Window {
                began: now,
                count: 0,
            };
        }
        window.count = window.count.saturating_add(1);
        if window.count > FREE_FAILURES {
            PAUSE
        } else {
            Duration::ZERO
        }
    }

    fn make_room(&mut self, now: Instant) {
        self.failures
            .retain(|_, window| now.saturating_duration_since(window.began) < WINDOW);
        if self.failures.len() >= MOST_ADDRESSES {
            let oldest = self.failures.iter().min_by_key(|(_, window)| window.began);
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                self.failures.remove(&oldest);
            }
        }
    }
}

/// One customer of a provider holds a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u32) -> IpAddr {
        std::net::Ipv4Addr::from(0x0a00_0000 + last).into()
    }

    #[test]
    fn the_twenty_first_failure_in_a_minute_waits_a_second() {
        let mut slowing = Slowing::default();
        let start = tokio::time::Instant::now().into_std();
        for _ in 0..20 {
            assert_eq!(slowing.failed(address(1), start), Duration::ZERO);
        }
        assert_eq!(slowing.failed(address(1), start), PAUSE);
        assert_eq!(slowing.failed(address(2), start), Duration::ZERO);
        assert_eq!(slowing.failed(address(1), start + WINDOW), Duration::ZERO);
    }

    #[test]
    fn addresses_of_one_v6_network_count_as_one() {
        let mut slowing = Slowing::default();
        let start = tokio::time::Instant::now().into_std();
        let last = (0..21)
            .map(|host| {
                let address: IpAddr = format!("2001:db8::{host:x}").parse().unwrap();
                slowing.failed(address, start)
            })
            .last();
        assert_eq!(last, Some(PAUSE));
    }

    #[test]
    fn a_flood_of_addresses_takes_bounded_memory_and_keeps_the_newest() {
        let mut slowing = Slowing::default();
        let start = tokio::time::Instant::now().into_std();
        for at in 0..5_000 {
            slowing.failed(address(at), start + Duration::from_millis(at.into()));
        }
        assert_eq!(slowing.failures.len(), MOST_ADDRESSES);
        assert!(slowing.failures.contains_key(&address(4_999)));
        assert!(!slowing.failures.contains_key(&address(0)));
    }
}
