//! All sources of settings in their order, and what follows from them together.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use shared::LicenceId;

use super::{
    Config, Effective, Mistake, Mistakes, Origin, Warning,
    layer::Layer,
    licence, log, mattermost, plugin,
    reader::Reader,
    report, server, store, team,
    value::{Node, Raw},
};

/// What was found in each source. The first of this order that names a key wins: environment, file, the line of `--managed`, what people
/// decided in Mattermost, plugin, default. Secret files were read when their source was.
#[derive(Clone, Default)]
pub struct Settings {
    folder: PathBuf,
    /// What `--managed` fixes before everything else.
    imposed: Layer,
    environment: Layer,
    file: Layer,
    managed: Layer,
    mattermost: Layer,
    plugin: Layer,
}

/// Settings that are right, and what is unwise about them.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub config: Config,
    pub warnings: Vec<Warning>,
    /// What of Mattermost's and the plugin's settings was left out because it is wrong.
    pub left_out: Vec<Mistake>,
}

impl Settings {
    /// Reads the file and sorts the environment. Nothing fails here: what is wrong is said by [`Self::resolve`].
    #[must_use]
    pub fn gather(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let folder = file.and_then(Path::parent).unwrap_or_else(|| Path::new(""));
        Self {
            environment: Layer::environment(environment, folder),
            file: file.map(Layer::file).unwrap_or_default(),
            folder: folder.to_owned(),
            ..Self::default()
        }
    }

    /// From the text of a file that is nowhere: relative paths start at the working directory.
    #[must_use]
    pub fn from_toml(text: &str) -> Self {
        Self {
            file: Layer::toml(text, Path::new("")),
            ..Self::default()
        }
    }

    #[cfg(test)]
    pub(super) fn set_file(&mut self, text: &str) {
        self.file = Layer::toml(text, Path::new(""));
    }

    /// `serve --managed`: the first line of standard input, a JSON object of dotted settings. Both addresses become loopback with port 0.
    #[must_use]
    pub fn managed(mut self, line: &str) -> Self {
        self.managed = match serde_json::from_str::<Map<String, Value>>(line) {
            Ok(settings) => Layer::json(&settings, &Origin::Managed, &self.folder),
            // serde's words would repeat the line, which holds the pairing secret.
            Err(error) => Layer::failed(
                "--managed",
                format!(
                    "got a first line that is no JSON object of settings (column {})",
                    error.column()
                ),
                "write one line such as {\"store.url\":\"sqlite:ireserve.db\"}".to_owned(),
            ),
        };
        let port_0 = Node::new(Raw::Text("127.0.0.1:0".to_owned()), Origin::Managed);
        self.imposed.values = ["server.listen", "server.admin_listen"]
            .map(|key| (key.to_owned(), port_0.clone()))
            .into();
        self
    }

    /// Whether the plugin started us and holds the leash.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        !self.imposed.values.is_empty()
    }

    /// The same with what the plugin's configuration says now: dotted settings, and `licence_keys`.
    #[must_use]
    pub fn with_plugin(mut self, settings: &Map<String, Value>) -> Self {
        self.plugin = Layer::json(settings, &Origin::Plugin, &self.folder);
        self
    }

    /// The same with what people have decided in Mattermost: dotted settings, and `licence_keys` that set-up stored.
    #[must_use]
    pub fn with_mattermost(mut self, settings: &Map<String, Value>) -> Self {
        self.mattermost = Layer::json(settings, &Origin::Mattermost, &self.folder);
        self
    }

    /// All settings together.
    ///
    /// # Errors
    /// Every mistake found in any source.
    pub fn resolve(&self) -> Result<Resolved, Mistakes> {
        let (config, mistakes, warnings) = self.judge();
        match config {
            Some(config) if mistakes.is_empty() => Ok(Resolved {
                config,
                warnings,
                left_out: Vec::new(),
            }),
            _ => Err(Mistakes(mistakes)),
        }
    }

    /// As [`Self::resolve`], but what is wrong in Mattermost's or the plugin's settings is left out and reported: one bad licence key must
    /// not stop the other licences of a running sidecar.
    ///
    /// # Errors
    /// When file or environment are wrong.
    pub fn resolve_leaving_out(&self) -> Result<Resolved, Mistakes> {
        let mut settings = self.clone();
        let mut left_out = Vec::new();
        for layer in [&mut settings.mattermost, &mut settings.plugin] {
            left_out.append(&mut layer.mistakes);
        }
        loop {
            let (config, mistakes, warnings) = settings.judge();
            if let (Some(config), true) = (config, mistakes.is_empty()) {
                return Ok(Resolved {
                    config,
                    warnings,
                    left_out,
                });
            }
            let before = left_out.len();
            for mistake in &mistakes {
                if settings.leave_out(mistake) {
                    left_out.push(mistake.clone());
                }
            }
            // Each round removes something, so this ends.
            if left_out.len() == before {
                return Err(Mistakes(mistakes));
            }
        }
    }

    /// Everything as the `config` command prints it: settings, mistakes, warnings.
    #[must_use]
    pub fn report(&self) -> (Vec<Effective>, Vec<Mistake>, Vec<Warning>) {
        let (_, mistakes, warnings) = self.judge();
        let groups = licence::group(&self.layers(), &mut Vec::new());
        (
            report::effective(&self.merged(), &groups),
            mistakes,
            warnings,
        )
    }

    /// Where file, environment or start line fix this key, so that nobody can change it from Mattermost. `key` of a licence is relative to
    /// it: `channel`, `departments`.
    #[must_use]
    pub fn fixed(&self, licence: Option<&LicenceId>, key: &str) -> Option<Origin> {
        let origin = match licence {
            None => self.merged().remove(key)?.origin,
            Some(id) => {
                licence::group(&self.layers(), &mut Vec::new())
                    .into_iter()
                    .find(|group| group.id == *id)?
                    .values
                    .remove(key)?
                    .origin
            }
        };
        origin.is_fixed().then_some(origin)
    }

    fn layers(&self) -> [&Layer; 6] {
        [
            &self.imposed,
            &self.environment,
            &self.file,
            &self.managed,
            &self.mattermost,
            &self.plugin,
        ]
    }

    fn merged(&self) -> BTreeMap<String, Node> {
        let mut merged = BTreeMap::new();
        for layer in self.layers() {
            for (key, node) in &layer.values {
                merged.entry(key.clone()).or_insert_with(|| node.clone());
            }
        }
        merged
    }

    fn judge(&self) -> (Option<Config>, Vec<Mistake>, Vec<Warning>) {
        let layers = self.layers();
        let mut mistakes = Vec::new();
        let mut warnings = Vec::new();
        for layer in layers {
            mistakes.extend(layer.mistakes.iter().cloned());
            warnings.extend(layer.warnings.iter().cloned());
        }
        // A file that is no TOML names nothing, and all that is missing would only hide the one mistake.
        let is_readable = !mistakes.iter().any(|mistake| mistake.key.starts_with("--"));
        if !is_readable {
            return (None, mistakes, warnings);
        }
        let merged = self.merged();
        let mut reader = Reader::new(String::new(), &merged, &mut mistakes, &mut warnings);
        let has_plugin = reader.is_given("plugin.pairing_secret");
        let server = server::read(&mut reader);
        let store = store::read(&mut reader, &self.folder);
        let log = log::read(&mut reader);
        let mattermost = mattermost::read(&mut reader, has_plugin);
        let plugin = plugin::read(&mut reader);
        let team = team::read(&mut reader);
        let groups = licence::group(&layers, &mut mistakes);
        let licences = licence::read(
            &groups,
            team.default_language,
            has_plugin,
            &mut mistakes,
            &mut warnings,
        );
        if !has_plugin && layers.iter().all(|layer| layer.licences.is_empty()) {
            mistakes.push(Mistake {
                key: "licence".to_owned(),
                origin: None,
                detail: "is missing".to_owned(),
                fix: "add [[licence]] with `id` and `keys`, or with `licence_key`".to_owned(),
            });
        }
        let config = Config {
            server,
            store,
            log,
            mattermost,
            plugin,
            team,
            licences,
        };
        (Some(config), mistakes, warnings)
    }

    /// Takes what a mistake is about out of Mattermost's or the plugin's settings: the one value, or the licence where it is about the
    /// whole. `false` when it stands elsewhere.
    fn leave_out(&mut self, mistake: &Mistake) -> bool {
        let layer = match mistake.origin {
            Some(Origin::Mattermost) => &mut self.mattermost,
            Some(Origin::Plugin) => &mut self.plugin,
            _ => return false,
        };
        if layer.values.remove(&mistake.key).is_some() {
            return true;
        }
        let Some((name, key)) = mistake
            .key
            .strip_prefix("licence.")
            .and_then(|rest| rest.split_once('.'))
        else {
            return false;
        };
        let before = layer.licences.len();
        let mut removed = false;
        layer.licences.retain_mut(|element| {
            if element.name() != name {
                return true;
            }
            // A wrong licence key or id makes the whole element worthless.
            if !matches!(key, "id" | "licence_key") && element.values.remove(key).is_some() {
                removed = true;
                return true;
            }
            false
        });
        removed || layer.licences.len() < before
    }
}

/// Without any value: all of them may be secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&String> = self
            .layers()
            .into_iter()
            .flat_map(|layer| layer.values.keys())
            .collect();
        f.debug_tuple("Settings").field(&keys).finish()
    }
}
