//! Who may know whom: both tables of the architecture as data, held against the `use` lines of the sources.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A room, and the rooms it may name.
const ARROWS: [(&str, &str); 21] = [
    ("record", ""),
    ("telemetry", ""),
    ("metrics", ""),
    ("client", "delivery"),
    ("clock", "record"),
    ("licence", ""),
    ("config", "licence"),
    ("auth", "licence"),
    ("store", "record"),
    ("render", "record"),
    ("delivery", "clock record store"),
    ("flow", "auth clock delivery licence record store"),
    ("files", "client record store"),
    ("mattermost", "client delivery files licence record render"),
    ("ireserve", "auth client delivery licence record render"),
    (
        "puller",
        "clock delivery flow licence mattermost metrics record render store",
    ),
    ("command", "clock licence record render store telemetry"),
    (
        "http",
        "auth client clock command delivery files flow licence mattermost metrics puller record store",
    ),
    (
        "cli",
        "app auth client clock config delivery ireserve licence mattermost record telemetry",
    ),
    (
        "app",
        "auth client clock command config delivery files flow http ireserve licence mattermost metrics puller record render store telemetry",
    ),
    ("lib", ""),
];

/// A foreign crate, and where alone it may be named.
const PLACES: [(&str, &str); 22] = [
    ("hyper", "http"),
    ("hyper_util", "http"),
    ("http_body_util", "http"),
    ("multer", "http"),
    ("reqwest", "client"),
    ("rustls", "client"),
    ("ipnet", "client"),
    ("rusqlite", "store/embedded"),
    ("rustix", "store/embedded"),
    ("redis", "store"),
    ("jsonwebtoken", "auth/token"),
    ("subtle", "auth"),
    ("hmac", "auth"),
    ("fluent_bundle", "render/catalogue"),
    ("unic_langid", "render/catalogue"),
    ("unicode_segmentation", "render/split"),
    ("htmd", "render/html"),
    ("pulldown_cmark", "render/html"),
    ("tokio_tungstenite", "mattermost/socket"),
    ("infer", "files/kind"),
    ("prometheus_client", "metrics"),
    ("tracing_subscriber", "telemetry"),
];

#[test]
fn a_room_names_only_the_rooms_it_may_know() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let room = room(&file);
        let allowed: BTreeSet<&str> = match ARROWS.iter().find(|(name, _)| *name == room) {
            Some((_, rooms)) => rooms.split_whitespace().chain([room.as_str()]).collect(),
            None => panic!("{room} is a room that the table does not know"),
        };
        let named = rooms(&text);
        wrong.extend(
            named
                .iter()
                .filter(|name| !allowed.contains(name.as_str()))
                .map(|name| format!("{file} names {name}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_foreign_crate_is_named_in_one_place() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for (name, place) in PLACES {
            let inside = file == format!("{place}.rs") || file.starts_with(&format!("{place}/"));
            let own = format!("{place}::{name}");
            let named =
                words(&text).any(|word| word == format!("{name}::")) && !text.contains(&own);
            if named && !inside && !mods(&text, name) {
                wrong.push(format!(
                    "{file} names the crate {name}, whose place is {place}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every source file by its path below `src`, without comments and without its tests.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let tests = ["tests", "contract", "scripted", "matrix", "fuzz", "hostile"];
    files
        .into_iter()
        .map(|path| {
            (
                path.strip_prefix(&root)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned(),
                path,
            )
        })
        .filter(|(name, _)| {
            !name.split(['/', '.']).any(|part| tests.contains(&part)) && name != "main.rs"
        })
        .map(|(name, path)| {
            let text = fs::read_to_string(path).unwrap();
            let code = text
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default();
            let lines: Vec<&str> = code
                .lines()
                .map(|line| line.split("//").next().unwrap_or_default())
                .collect();
            (name, lines.join("\n"))
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
}

fn room(file: &str) -> String {
    file.split(['/', '.']).next().unwrap_or_default().to_owned()
}

/// Rooms named as `crate::room`, alone or in a list.
fn rooms(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for after in text.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            None => {
                found.insert(word(after));
            }
            Some(list) => {
                let (mut depth, mut name) = (0_usize, String::new());
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            found.insert(word(name.trim()));
                            name.clear();
                        }
                        c if depth == 0 => name.push(c),
                        _ => {}
                    }
                }
                found.insert(word(name.trim()));
            }
        }
    }
    found.retain(|name| ARROWS.iter().any(|(room, _)| room == name));
    found
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

/// Paths' first parts, such as `hyper::`.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, '(' | '<' | '&' | ',' | '[' | '{' | '=' | '!' | ';')
    })
    .filter_map(|part| part.split_once("::"))
    .map(|(first, _)| format!("{first}::"))
}

/// Whether the file has a module of that name, which then is what is meant.
fn mods(text: &str, name: &str) -> bool {
    text.contains(&format!("mod {name};"))
}
