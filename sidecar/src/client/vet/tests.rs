use std::sync::atomic::{AtomicUsize, Ordering};

use ipnet::IpNet;
use proptest::prelude::*;
use shared::Timestamp;

use super::*;

fn now() -> Now {
    Arc::new(Timestamp::default)
}

fn hosts(entries: &[&str]) -> FetchHosts {
    FetchHosts::parse(entries).unwrap()
}

#[test]
fn only_what_a_licence_names_passes_the_gate() {
    let hosts = hosts(&["files.example.org", "*.i-reserve.net", "127.0.0.1", "::1"]);
    for (address, wanted) in [
        ("https://files.example.org/a.png", Ok(())),
        ("https://FILES.Example.org:443/a.png?x=1#f", Ok(())),
        ("https://files.example.org./a.png", Ok(())),
        ("https://acme.i-reserve.net/a", Ok(())),
        ("https://a.b.i-reserve.net/a", Ok(())),
        ("https://i-reserve.net/a", Err(Refused::Host)),
        ("https://.i-reserve.net/a", Err(Refused::Host)),
        ("https://evil-i-reserve.net/a", Err(Refused::Host)),
        ("https://i-reserve.net.evil.org/a", Err(Refused::Host)),
        ("https://files.example.org.evil.org/", Err(Refused::Host)),
        ("https://evil.org\\@files.example.org/", Err(Refused::Host)),
        ("https://evil.org#@files.example.org/", Err(Refused::Host)),
        ("http://files.example.org/a.png", Err(Refused::Scheme)),
        ("https://files.example.org:8443/a", Err(Refused::Scheme)),
        ("ftp://files.example.org/a", Err(Refused::Scheme)),
        ("file:///etc/passwd", Err(Refused::Scheme)),
        ("data:text/plain,x", Err(Refused::Scheme)),
        ("https://user@files.example.org/", Err(Refused::UserInfo)),
        ("https://:pw@files.example.org/", Err(Refused::UserInfo)),
        ("not an address", Err(Refused::Unreadable)),
        ("//files.example.org/a", Err(Refused::Unreadable)),
        ("", Err(Refused::Unreadable)),
        // What the operator wrote as a literal: plain http and any port, for exactly that address.
        ("http://127.0.0.1:8090/a", Ok(())),
        ("https://127.0.0.1/a", Ok(())),
        ("http://[::1]:1/a", Ok(())),
        ("http://0x7f.1:80/a", Ok(())),
        ("http://127.0.0.2/a", Err(Refused::Host)),
        ("http://[::ffff:127.0.0.1]/a", Err(Refused::Host)),
        ("http://169.254.169.254/latest", Err(Refused::Host)),
        ("https://8.8.8.8/a", Err(Refused::Host)),
        ("http://localhost/a", Err(Refused::Host)),
        ("http://127.0.0.1.nip.io/a", Err(Refused::Host)),
    ] {
        assert_eq!(vet(address, &hosts).map(|_| ()), wanted, "{address}");
    }
}

#[test]
fn nothing_passes_where_no_host_is_named() {
    for address in [
        "https://example.org/",
        "http://127.0.0.1/",
        "https://[::1]/",
    ] {
        assert_eq!(
            vet(address, &FetchHosts::default()),
            Err(Refused::Host),
            "{address}"
        );
    }
}

#[test]
fn an_entry_that_is_no_host_is_named() {
    for entry in [
        "",
        "*.",
        "*",
        "a b",
        "*.127.0.0.1",
        "https://example.org",
        "*.*.org/",
    ] {
        assert_eq!(
            FetchHosts::parse(&[entry]),
            Err(PatternError(entry.to_owned())),
            "{entry}"
        );
    }
    assert_eq!(
        hosts(&["Bücher.example."]).0,
        [Pattern::Name("xn--bcher-kva.example".into())]
    );
    assert!(hosts(&["10.0.0.7"]).has_literal());
}

/// What is not public, as the registries list it; the code under test has it as patterns.
fn special() -> Vec<IpNet> {
    [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/3",
        "4000::/2",
        "8000::/1",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    ]
    .iter()
    .map(|net| net.parse().unwrap())
    .collect()
}

#[test]
fn the_edges_of_every_special_range_are_not_public_and_their_neighbours_are_judged_alike() {
    for net in special() {
        assert!(!is_public(net.network()), "{net} begins inside");
        assert!(!is_public(net.broadcast()), "{net} ends inside");
    }
    for public in [
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.0.1",
        "172.32.0.1",
        "223.255.255.255",
        "2a00::1",
        "2001:200::1",
    ] {
        assert!(is_public(public.parse().unwrap()), "{public}");
    }
    for inner in [
        "::1",
        "::ffff:8.8.8.8",
        "::8.8.8.8",
        "64:ff9b::808:808",
        "fd00::1",
        "fe80::1",
        "ff02::1",
        "2001:0:1::1",
        "2002:808:808::1",
    ] {
        assert!(!is_public(inner.parse().unwrap()), "{inner}");
    }
}

proptest! {
    #[test]
    fn an_address_is_public_exactly_when_no_registry_reserves_it(high: u128, low: u32) {
        let special = special();
        // Plain random addresses hardly ever meet 2000::/3 with its exceptions, so both halves are steered there too.
        let steered = (high & (u128::MAX >> 16)) | (0x2001_u128 << 112);
        for address in [
            IpAddr::from(Ipv4Addr::from(low)),
            IpAddr::from(Ipv6Addr::from(high)),
            IpAddr::from(Ipv6Addr::from(steered)),
            IpAddr::from(Ipv6Addr::from(steered & !(0xfe00_u128 << 96))),
        ] {
            let wanted = !special.iter().any(|net| net.contains(&address));
            prop_assert_eq!(is_public(address), wanted, "{}", address);
        }
    }

    /// Every spelling of an IPv4 address that a browser understands is that address, and never passes as a name.
    #[test]
    fn no_spelling_of_an_inner_address_passes(octets: [u8; 4], style in 0..6_u8, dot: bool) {
        let [a, b, c, d] = octets;
        let number = u32::from_be_bytes(octets);
        let mut host = match style {
            0 => format!("{a}.{b}.{c}.{d}"),
            1 => format!("{number}"),
            2 => format!("{number:#x}"),
            3 => format!("0{a:o}.0{b:o}.{c}.{d:#x}"),
            4 => format!("{a}.{}", number & 0x00ff_ffff),
            _ => format!("[::ffff:{a}.{b}.{c}.{d}]"),
        };
        if dot && style < 5 {
            host.push('.');
        }
        let hosts = hosts(&["*.example.org", "example.org", "10.1.2.3"]);
        let address = format!("https://{host}/x");
        let oracle = Url::parse(&address).unwrap();
        let written = oracle.host() == Some(Host::Ipv4(Ipv4Addr::new(10, 1, 2, 3)));
        prop_assert_eq!(vet(&address, &hosts).is_ok(), written, "{}", address);
    }

    /// Whatever bytes come, an address that passes names an allowed host for every other parser too.
    #[test]
    fn what_passes_is_https_to_an_allowed_host(text in "(https?|HTTPS|ftp)://[a-z@:\\\\/?#.%0-9\\[\\]-]{0,24}(example\\.org|127\\.0\\.0\\.1)[a-z@:/?#.%0-9-]{0,12}") {
        let hosts = hosts(&["example.org"]);
        if let Ok(Vetted(url)) = vet(&text, &hosts) {
            prop_assert_eq!(url.scheme(), "https");
            prop_assert_eq!(url.host_str(), Some("example.org"));
            prop_assert_eq!(url.port_or_known_default(), Some(443));
            prop_assert_eq!(url.username(), "");
            prop_assert_eq!(url.password(), None);
        }
    }
}

fn answering(addresses: &'static [&'static str]) -> (Lookup, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let lookup: Lookup = Arc::new(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            Ok(addresses
                .iter()
                .map(|address| address.parse().unwrap())
                .collect())
        })
    });
    (lookup, asked)
}

#[tokio::test]
async fn a_name_with_one_inner_address_is_not_connected_to() {
    let (lookup, asked) = answering(&["8.8.8.8", "10.0.0.1"]);
    let fetcher = Fetcher::with_lookup(now(), lookup).unwrap();
    let address = vet(
        "https://files.example.org/a",
        &hosts(&["files.example.org"]),
    )
    .unwrap();
    let error = fetcher
        .get(&address, Duration::from_secs(5))
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::NotPublic(_)), "{error:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_name_without_any_address_is_unreachable() {
    let (lookup, _) = answering(&[]);
    let fetcher = Fetcher::with_lookup(now(), lookup).unwrap();
    let address = vet(
        "https://files.example.org/a",
        &hosts(&["files.example.org"]),
    )
    .unwrap();
    let error = fetcher
        .get(&address, Duration::from_secs(5))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, FetchError::Call(call) if call.is_unsent()),
        "{error:?}"
    );
}
