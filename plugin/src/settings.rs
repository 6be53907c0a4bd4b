//! What the console and the server's configuration say, read once into one snapshot; and where the managed sidecar keeps its data.
//!
//! Nothing in here is required: a value that means nothing is its default, with a line in the log.

mod callbacks;
mod console;
pub(crate) mod kept;

use std::path::{Path, PathBuf};

use mattermost_plugin::{Api, Error, gob::Value};
use shared::pairing::{Hidden, PLUGIN_ID};

use crate::{
    http::Base,
    sidecar::Why,
    supervisor::{Managed, Plan},
};

pub(crate) use callbacks::callbacks;
pub(crate) use console::{Console, Mode};

/// Where the sidecar's executable lies in the bundle.
const PROGRAM: &str = "server/ireserve-sidecar";
/// The folder beside Mattermost's files.
const FOLDER: &str = "ireserve";

/// Everything that is set, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) console: Console,
    pub(crate) server: Server,
    /// Of an installation that was prepared without a person.
    pub(crate) licence_key: Option<Hidden>,
}

/// What matters of the server's own configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Server {
    /// Without a slash at its end; empty when nobody has set it.
    pub(crate) site_url: String,
    pub(crate) version: String,
    pub(crate) locale: String,
    pub(crate) cluster: bool,
    pub(crate) bundle: PathBuf,
    /// Where the server listens without TLS, over loopback.
    pub(crate) plain: Option<String>,
    /// `AllowedUntrustedInternalConnections`.
    pub(crate) allowed: String,
    files: PathBuf,
    node: String,
}

impl Settings {
    /// Asks the server.
    pub(crate) async fn load(api: &Api) -> Result<Self, Error> {
        let (stored, config) = tokio::try_join!(api.load_plugin_configuration(), api.get_config())?;
        let (version, bundle) = tokio::try_join!(api.get_server_version(), api.get_bundle_path())?;
        let node = tokio::fs::read_to_string("/proc/sys/kernel/hostname").await;
        Ok(Self {
            console: Console::read(&stored),
            server: Server {
                version,
                bundle: bundle.into(),
                node: node.unwrap_or_default().trim().to_owned(),
                ..Server::read(&config)
            },
            licence_key: std::env::var_os("IRESERVE_LICENCE_KEY")
                .and_then(|key| key.into_string().ok())
                .filter(|key| !key.is_empty())
                .map(Hidden),
        })
    }

    /// How the sidecar reaches Mattermost: over loopback where that goes without TLS, else as everybody does.
    pub(crate) fn mattermost_url(&self) -> &str {
        self.server
            .plain
            .as_deref()
            .unwrap_or(&self.server.site_url)
    }

    /// How others reach the sidecar through us.
    pub(crate) fn public_url(&self) -> String {
        format!("{}/plugins/{PLUGIN_ID}", self.server.site_url)
    }

    pub(crate) fn node(&self) -> &str {
        &self.server.node
    }

    /// What the supervisor shall do. `program` replaces the one of the bundle.
    pub(crate) fn plan(&self, secret: &Hidden, program: Option<&Path>) -> Plan {
        match self.console.mode {
            Mode::External => match self.console.sidecar_url.as_str() {
                "" => Plan::Nothing(Why::NoAddress),
                address => Base::parse(address).map_or(Plan::Nothing(Why::BadAddress), |base| {
                    Plan::External {
                        base,
                        secret: secret.clone(),
                    }
                }),
            },
            Mode::Managed if self.server.cluster && self.console.redis_url.0.is_empty() => {
                Plan::Nothing(Why::Cluster)
            }
            Mode::Managed => {
                let directory = self.data_directory();
                let store_url = match self.console.redis_url.0.as_str() {
                    "" => format!("sqlite:{}", directory.join("ireserve.db").display()).into(),
                    _ => self.console.redis_url.clone(),
                };
                let program =
                    program.map_or_else(|| self.server.bundle.join(PROGRAM), Path::to_path_buf);
                Plan::Managed(Managed {
                    program,
                    directory,
                    store_url,
                })
            }
        }
    }

    /// Outside the bundle, which is emptied at every upgrade and, on newer servers, at every start.
    fn data_directory(&self) -> PathBuf {
        let chosen = &self.console.data_directory;
        let directory = if chosen.is_empty() {
            self.server.files.join(FOLDER)
        } else {
            chosen.into()
        };
        // Relative to the server's working directory, which is ours; the sidecar's is another.
        std::path::absolute(&directory).unwrap_or(directory)
    }
}

impl Server {
    fn read(config: &Value) -> Self {
        let text = |path: &[&str]| {
            let value = config.at(path).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let site_url = text(&["ServiceSettings", "SiteURL"])
            .trim_end_matches('/')
            .to_owned();
        let files = match text(&["FileSettings", "Directory"]) {
            empty if empty.is_empty() => "./data/".to_owned(),
            directory => directory,
        };
        Self {
            plain: plain(
                &text(&["ServiceSettings", "ListenAddress"]),
                &text(&["ServiceSettings", "ConnectionSecurity"]),
                &site_url,
            ),
            locale: text(&["LocalizationSettings", "DefaultServerLocale"]),
            // False is absent.
            cluster: config
                .at(&["ClusterSettings", "Enable"])
                .and_then(Value::as_bool)
                .unwrap_or_default(),
            allowed: text(&["ServiceSettings", "AllowedUntrustedInternalConnections"]),
            files: files.into(),
            site_url,
            ..Self::default()
        }
    }
}

/// `:8065` listens everywhere, so loopback is there too; so do `0.0.0.0` and `[::]`. The site's path, if it has one, is part of it.
fn plain(listen: &str, security: &str, site_url: &str) -> Option<String> {
    if security == "TLS" {
        return None;
    }
    let (host, port) = listen.rsplit_once(':')?;
    let port = match port {
        "http" => 80,
        port => port.parse::<u16>().ok()?,
    };
    let host = match host {
        "" | "0.0.0.0" | "localhost" | "[::]" => "127.0.0.1",
        host => host,
    };
    let path = site_url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map_or_else(String::new, |(_, path)| format!("/{path}"));
    Some(format!("http://{host}:{port}{path}"))
}

/// Older servers speak the protocol differently; from here on it is the same.
pub(crate) fn is_too_old(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) < (5, 36),
        // A version nobody can read is a development build, which is new.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_reached_over_loopback_with_the_sites_path() {
        for (listen, site, expected) in [
            (":8065", "https://chat.example.org", "http://127.0.0.1:8065"),
            (
                "0.0.0.0:80",
                "https://example.org/mm",
                "http://127.0.0.1:80/mm",
            ),
            ("10.0.0.5:8065", "", "http://10.0.0.5:8065"),
            ("[::]:8065", "http://x", "http://127.0.0.1:8065"),
        ] {
            assert_eq!(
                plain(listen, "", site).as_deref(),
                Some(expected),
                "{listen}"
            );
        }
        assert_eq!(plain(":443", "TLS", ""), None);
        assert_eq!(plain("", "", ""), None);
    }

    #[test]
    fn servers_that_speak_differently_are_known_by_their_version() {
        assert!(is_too_old("5.35.3"));
        for version in ["5.36.0", "9.11.0", "11.6.0", "dev"] {
            assert!(!is_too_old(version), "{version}");
        }
    }

    fn settings(console: &str, cluster: bool) -> Settings {
        Settings {
            console: Console::read(console.as_bytes()),
            server: Server {
                cluster,
                files: "/srv/files".into(),
                bundle: "/srv/plugins/x".into(),
                ..Server::default()
            },
            licence_key: None,
        }
    }

    #[test]
    fn a_cluster_gets_a_sidecar_only_with_a_store_to_share() {
        let secret = Hidden::from("s");
        let alone = settings("{}", true).plan(&secret, None);
        assert_eq!(alone, Plan::Nothing(Why::Cluster));
        let shared = settings(r#"{"redis_url": "redis://r"}"#, true).plan(&secret, None);
        let Plan::Managed(managed) = shared else {
            panic!("{shared:?}")
        };
        assert_eq!(managed.store_url, "redis://r".into());
    }

    #[test]
    fn data_lies_beside_the_servers_files_or_where_it_was_said_and_never_in_the_bundle() {
        let Plan::Managed(managed) = settings("{}", false).plan(&"s".into(), None) else {
            panic!()
        };
        assert_eq!(managed.directory, Path::new("/srv/files/ireserve"));
        assert_eq!(
            managed.program,
            Path::new("/srv/plugins/x/server/ireserve-sidecar")
        );
        assert_eq!(
            managed.store_url,
            "sqlite:/srv/files/ireserve/ireserve.db".into()
        );
        let chosen = settings(r#"{"data_directory": "/var/lib/x"}"#, false).plan(&"s".into(), None);
        let Plan::Managed(managed) = chosen else {
            panic!()
        };
        assert_eq!(managed.directory, Path::new("/var/lib/x"));
    }

    #[test]
    fn an_external_sidecar_needs_an_address() {
        let plan = |json: &str| settings(json, false).plan(&"s".into(), None);
        assert_eq!(
            plan(r#"{"sidecar_mode":"external"}"#),
            Plan::Nothing(Why::NoAddress)
        );
        assert_eq!(
            plan(r#"{"sidecar_mode":"external","sidecar_url":"example"}"#),
            Plan::Nothing(Why::BadAddress)
        );
        assert!(matches!(
            plan(r#"{"sidecar_mode":"external","sidecar_url":"http://10.0.0.2:8070"}"#),
            Plan::External { .. }
        ));
    }
}
