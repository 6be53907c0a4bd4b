//! Uploading and downloading. A file is nothing until a post carries it, and gone with that post.

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;
use http_body_util::BodyStream;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::errors::Refusal;
use super::model::{FileInfo, User, Version, mime_type};
use super::route::Query;
use super::state::{File, State};
use crate::answer::{self, Answer};

/// What came in one upload.
#[derive(Debug, Default)]
pub(super) struct Uploaded {
    pub(super) channel_id: String,
    pub(super) files: Vec<(String, Bytes)>,
    pub(super) client_ids: Vec<String>,
}

/// Reads an upload in any of its three forms: multipart with the channel in a field or in the query, or raw bytes.
pub(super) async fn receive(
    headers: &HeaderMap,
    query: &Query,
    body: Incoming,
    max_file_size: usize,
) -> Result<Uploaded, Refusal> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if content_type.starts_with("multipart/") {
        let boundary = multer::parse_boundary(content_type).map_err(|_| unreadable())?;
        return receive_parts(
            boundary,
            query.text("channel_id").to_owned(),
            body,
            max_file_size,
        )
        .await;
    }
    let name = query.text("filename");
    if name.is_empty() {
        return Err(Refusal::invalid_parameter());
    }
    let mut body = BodyStream::new(body);
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.next().await {
        let Ok(data) = frame.map_err(|_| unreadable())?.into_data() else {
            continue;
        };
        bytes.extend_from_slice(&data);
        if bytes.len() > max_file_size {
            return Err(Refusal::file_too_large());
        }
    }
    if bytes.is_empty() {
        return Err(unreadable());
    }
    Ok(Uploaded {
        channel_id: query.text("channel_id").to_owned(),
        files: vec![(name.to_owned(), bytes.freeze())],
        client_ids: Vec::new(),
    })
}

async fn receive_parts(
    boundary: String,
    channel_id: String,
    body: Incoming,
    max_file_size: usize,
) -> Result<Uploaded, Refusal> {
    let data = BodyStream::new(body)
        .filter_map(|frame| async { frame.map(|frame| frame.into_data().ok()).transpose() });
    let mut parts = multer::Multipart::new(data, boundary);
    let mut uploaded = Uploaded {
        channel_id,
        ..Uploaded::default()
    };
    while let Some(mut part) = parts.next_field().await.map_err(|_| unreadable())? {
        let file_name = part.file_name().map(str::to_owned);
        let field = part.name().unwrap_or_default().to_owned();
        let mut bytes = BytesMut::new();
        while let Some(chunk) = part.chunk().await.map_err(|_| unreadable())? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > max_file_size {
                return Err(Refusal::file_too_large());
            }
        }
        match file_name {
            Some(name) => uploaded.files.push((name, bytes.freeze())),
            None => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                match field.as_str() {
                    "channel_id" => uploaded.channel_id = text,
                    "client_ids" => uploaded.client_ids.push(text),
                    _ => return Err(Refusal::invalid_body()),
                }
            }
        }
    }
    if uploaded.channel_id.is_empty() {
        return Err(Refusal::invalid_body());
    }
    Ok(uploaded)
}

fn unreadable() -> Refusal {
    Refusal::new(400, "api.file.upload_file.read_request.app_error")
}

impl State {
    /// Keeps what was uploaded. An archived channel is no obstacle.
    pub(super) fn upload(
        &mut self,
        ids: impl Fn() -> String,
        now: i64,
        user: &User,
        uploaded: Uploaded,
    ) -> Result<Value, Refusal> {
        self.may_post(user, &uploaded.channel_id)?;
        let mut infos = Vec::new();
        for (name, bytes) in uploaded.files {
            // Only the last part of a path counts.
            let name = name
                .rsplit(['/', '\\'])
                .next()
                .unwrap_or_default()
                .to_owned();
            if name.len() > 255 {
                return Err(Refusal::new(500, "api.file.write_file.app_error"));
            }
            let info = FileInfo {
                id: ids(),
                user_id: user.id.clone(),
                channel_id: uploaded.channel_id.clone(),
                post_id: String::new(),
                create_at: now,
                delete_at: 0,
                name,
                size: bytes.len(),
            };
            infos.push(info.json(self.settings.version));
            self.files.insert(info.id.clone(), File { info, bytes });
        }
        Ok(json!({ "file_infos": infos, "client_ids": uploaded.client_ids }))
    }

    /// A file that this user may read.
    pub(super) fn readable_file(&self, user: &User, id: &str) -> Result<&File, Refusal> {
        let unknown = || match self.settings.version {
            Version::V9_11 => Refusal::file_not_found(),
            Version::V11_6 => Refusal::new(404, "api.file.get_file_info.app_error"),
        };
        let file = self.files.get(id).ok_or_else(unknown)?;
        if file.info.delete_at > 0 {
            return Err(Refusal::file_not_found());
        }
        let allowed = file.info.user_id == user.id || self.may_read(user, &file.info.channel_id);
        if allowed {
            Ok(file)
        } else {
            Err(Refusal::permissions())
        }
    }
}

/// The bytes of a file, whole or one range of them.
pub(super) fn download(file: &File, headers: &HeaderMap, head: bool, forced: bool) -> Answer {
    let whole = file.bytes.len();
    let wanted = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|range| range.strip_prefix("bytes="));
    let (status, bytes, range) = match wanted.map(|range| parse_range(range, whole)) {
        None => (200, file.bytes.clone(), None),
        Some(Some((first, last))) => (
            206,
            file.bytes.slice(first..=last),
            Some(format!("bytes {first}-{last}/{whole}")),
        ),
        Some(None) => (416, Bytes::new(), Some(format!("bytes */{whole}"))),
    };
    let mime = mime_type(&file.info.extension());
    let inline = matches!(
        mime,
        "image/jpeg" | "image/png" | "image/gif" | "image/webp" | "image/bmp" | "video/mp4"
    ) && !forced;
    let shown_type = match mime {
        "" => "application/octet-stream",
        text if text.starts_with("text/html") => "text/plain",
        other => other,
    };
    let length = bytes.len();
    let mut answer = answer::bytes(status, shown_type, Bytes::new());
    if !head {
        *answer.body_mut() = in_chunks(bytes);
    }
    let kind = if inline { "inline" } else { "attachment" };
    let name = percent(&file.info.name);
    let disposition = format!("{kind};filename=\"{name}\"; filename*=UTF-8''{name}");
    let mut set = |name: header::HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_LENGTH, length.to_string());
    set(header::ACCEPT_RANGES, "bytes".to_owned());
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned());
    set(header::X_FRAME_OPTIONS, "DENY".to_owned());
    set(header::CONTENT_DISPOSITION, disposition);
    if let Some(range) = range {
        set(header::CONTENT_RANGE, range);
    }
    answer
}

/// Bytes as a stream of pieces, so that a reader who stops early is seen to stop.
fn in_chunks(bytes: Bytes) -> answer::Body {
    let pieces: Vec<_> = (0..bytes.len())
        .step_by(64 << 10)
        .map(|at| bytes.slice(at..bytes.len().min(at + (64 << 10))))
        .collect();
    http_body_util::StreamBody::new(stream::iter(
        pieces
            .into_iter()
            .map(|piece| Ok(hyper::body::Frame::data(piece))),
    ))
    .boxed_unsync()
}

/// One range of a file of `whole` bytes; none when it cannot be had.
fn parse_range(range: &str, whole: usize) -> Option<(usize, usize)> {
    let (first, last) = range.split_once('-')?;
    let end = whole.checked_sub(1)?;
    let (first, last) = match (first, last) {
        ("", suffix) => (whole.saturating_sub(suffix.parse().ok()?), end),
        (first, "") => (first.parse().ok()?, end),
        (first, last) => (first.parse().ok()?, last.parse::<usize>().ok()?.min(end)),
    };
    (first <= last && first < whole).then_some((first, last))
}

fn percent(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_file_and_refused_beyond_it() {
        for (range, wanted) in [
            ("0-3", Some((0, 3))),
            ("4-", Some((4, 9))),
            ("-2", Some((8, 9))),
            ("8-99", Some((8, 9))),
            ("10-", None),
            ("5-4", None),
            ("x", None),
        ] {
            assert_eq!(parse_range(range, 10), wanted, "{range}");
        }
    }
}
