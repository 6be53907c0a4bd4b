//! The plugin's door: whoever keeps the settings, whoever answers people, and where hints go.

use std::sync::Arc;

use shared::{
    PostId,
    pairing::{self, HintKind},
};

use super::{
    AppError,
    configure::{Configurator, Decisions, Greeting, Swapped},
};
use crate::{
    auth::pairing::PairingKey,
    command::Desk,
    config::{Resolved, Settings},
    http::{HintSink, Ops, Plugin, Router},
    ireserve,
    metrics::HintSource,
    puller::hints::{Happened, Hint, Hints},
    render::Catalogue,
    store::Store,
};

/// What was built before, as far as the plugin may change it or ask for it.
pub(super) struct Built<'a> {
    pub(super) settings: &'a Settings,
    /// With what people decided.
    pub(super) started: &'a Resolved,
    pub(super) decisions: Decisions,
    pub(super) store: &'a Store,
    pub(super) swapped: Swapped,
    /// What an operator may ask, people may ask too.
    pub(super) ops: &'a Ops,
    pub(super) words: Arc<Catalogue>,
    pub(super) ireserve: ireserve::Parts,
    pub(super) hints: Hints,
}

/// Without `[plugin]` there is no door, and nothing but a restart changes the settings.
pub(super) fn open(built: Built<'_>) -> Result<Option<Plugin>, AppError> {
    let Some(plugin) = &built.started.config.plugin else {
        return Ok(None);
    };
    let (key, ops) = (PairingKey::new(&plugin.pairing_secret)?, built.ops);
    let keeper = Configurator::new(
        built.settings.clone(),
        built.started,
        built.store.clone(),
        built.swapped,
        built.decisions,
        Greeting {
            parts: built.ireserve.clone(),
            heard: ops.heard.clone(),
        },
    );
    let desk = Desk {
        keeper: Arc::new(keeper),
        licences: ops.licences.clone(),
        measure: ops.measure(),
        words: built.words,
    };
    Ok(Some(Plugin::new(
        key,
        built.ireserve.links,
        desk,
        sink(built.hints),
        ops.clock.clone(),
        (ops.limits.clone(), ops.budget.clone()),
    )))
}

/// The public routes, with the plugin's where there is one.
pub(super) fn with(routes: Router, plugin: Option<Plugin>) -> Router {
    match plugin {
        Some(plugin) => routes.with_plugin(plugin),
        None => routes,
    }
}

/// One bad hint costs itself and not its batch.
fn sink(hints: Hints) -> HintSink {
    HintSink(Arc::new(move |batch: pairing::Hints| {
        let heard = batch.hints.iter().filter_map(hint);
        hints.heard(HintSource::Plugin, heard);
        if batch.overflow {
            hints.look_everywhere();
        }
    }))
}

fn hint(said: &pairing::Hint) -> Option<Hint> {
    let post = PostId::new(said.post_id.as_str()).ok()?;
    let root = if said.root_id.is_empty() {
        post.clone()
    } else {
        PostId::new(said.root_id.as_str()).ok()?
    };
    Some(Hint {
        what: match said.kind {
            HintKind::Posted => Happened::Posted,
            HintKind::Edited => Happened::Edited,
            HintKind::Deleted => Happened::Deleted,
        },
        post,
        root: Some(root),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(post: &str, root: &str) -> pairing::Hint {
        pairing::Hint {
            kind: HintKind::Edited,
            post_id: post.into(),
            root_id: root.into(),
            channel_id: String::new(),
        }
    }

    #[test]
    fn a_post_without_a_root_is_its_own_and_nonsense_is_nothing() {
        let (post, root) = ("p".repeat(26), "r".repeat(26));
        let of = |post: &str, root: &str| {
            hint(&said(post, root)).map(|hint| hint.root.unwrap().to_string())
        };
        assert_eq!(of(&post, &root), Some(root));
        assert_eq!(of(&post, ""), Some(post.clone()));
        assert_eq!(of("nonsense", ""), None);
        assert_eq!(of(&post, "nonsense"), None);
    }
}
