//! The picture that the visitor sends.

use bytes::Bytes;

use super::story::File;

/// A bowling lane, drawn for this page.
const LANE: &[u8] = include_bytes!("../../demo/lane.png");

/// As a visitor's phone would send it.
pub(super) fn lane() -> File {
    File {
        name: "lane.png".to_owned(),
        content_type: "image/png".to_owned(),
        bytes: Bytes::from_static(LANE),
    }
}
