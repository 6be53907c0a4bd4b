//! The published description, against what is there.

use super::desk::Desk;

const PUBLISHED: &str = include_str!("../../../../docs/openapi.yaml");

/// Paths and methods, by their indentation.
fn published() -> Vec<(String, Vec<String>)> {
    let mut paths: Vec<(String, Vec<String>)> = Vec::new();
    let section = PUBLISHED.lines().skip_while(|line| *line != "paths:");
    for line in section.take_while(|line| *line != "components:") {
        let (indent, key) = (line.len() - line.trim_start().len(), line.trim());
        match key.strip_suffix(':') {
            Some(path) if indent == 2 => paths.push((path.to_owned(), Vec::new())),
            Some(method @ ("get" | "post" | "put" | "delete")) if indent == 4 => {
                paths.last_mut().unwrap().1.push(method.to_uppercase());
            }
            _ => {}
        }
    }
    paths
}

#[tokio::test]
async fn every_published_path_stands_on_one_listener_and_takes_the_published_methods() {
    let desk = Desk::open().await;
    let published = published();
    assert_eq!(published.len(), 11, "{published:?}");
    for (path, methods) in published {
        let path = path.replace("{id}", "evt_1").replace("{token}", "a.b");
        let mut allowed = Vec::new();
        for door in [&desk.public, &desk.admin] {
            let said = door.ask("OPTIONS", &path, "", b"").await;
            allowed.extend(said.field("allow").map(str::to_owned));
            assert!(matches!(said.status, 404 | 405), "{path}: {}", said.status);
        }
        assert_eq!(allowed.len(), 1, "{path} stands on one listener");
        let taken: Vec<&str> = allowed[0]
            .split(", ")
            .filter(|method| *method != "HEAD")
            .collect();
        assert_eq!(taken, methods, "{path}");
    }
}
