//! Files of replies, for whoever holds a link that we signed: streamed from Mattermost, never kept.
//!
//! A link proves that we made it. Whether the file may still be had is asked each time: the reply was sent, it still stands, and the
//! file is one of its own. Every failure looks alike. What leaves can do nothing in a browser: it is an attachment, its type comes from
//! its bytes, and it is shown to no cache.

mod range;

use std::{io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, future::BoxFuture, stream};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use shared::{LicenceId, PostId};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use crate::{
    auth::link::{FileLink, LinkKey},
    client::{Chunks, Streamed},
    clock::Clock,
    files,
    http::{Answer, limits::Limits, problem::Problem, whole},
    mattermost::{FileId, FileInfo, Mattermost},
};
use range::Wanted;

/// Whether a post of this licence's threads was sent to the visitor.
pub type WasSent = Arc<dyn Fn(LicenceId, PostId) -> BoxFuture<'static, bool> + Send + Sync>;

/// Mattermost may take so long before the first byte: it opens the file, maybe from a store far away.
const OPENING: Duration = Duration::from_secs(10);

/// Enough to tell what a file is.
const HEAD: usize = 8 * 1024;

/// What the route of files needs.
pub struct FileWiring {
    pub clock: Clock,
    pub links: Arc<LinkKey>,
    pub mattermost: Arc<Mattermost>,
    pub was_sent: WasSent,
    pub limits: Limits,
}

/// The route of files.
pub struct Files {
    wiring: FileWiring,
    slots: Arc<Semaphore>,
}

/// Nothing may be had, for a reason that concerns nobody outside.
struct Nothing(&'static str);

impl Files {
    #[must_use]
    pub fn new(wiring: FileWiring) -> Self {
        let slots = Arc::new(Semaphore::new(wiring.limits.files_at_once));
        Self { wiring, slots }
    }

    /// `GET` or `HEAD /v1/files/{token}`. May be dropped at any point.
    pub(in crate::http) async fn give(
        &self,
        method: &Method,
        headers: &HeaderMap,
        token: &str,
    ) -> Result<Answer, Problem> {
        let opened = self.wiring.links.open(token, self.wiring.clock.now());
        let Some(link) = opened else {
            return Err(Nothing("the link is not ours or has expired").into());
        };
        let slot = Arc::clone(&self.slots).acquire_owned();
        let Ok(Ok(slot)) = timeout(self.wiring.limits.body, slot).await else {
            let busy = Problem::blank(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many files are being taken at this moment",
            );
            return Err(busy.retry_after(self.wiring.limits.body));
        };
        let (licence, link) = link.into_parts();
        let info = self.info(&licence, &link).await?;
        let wanted = match *method {
            Method::HEAD => Wanted::Whole,
            _ => Wanted::of(headers, info.size),
        };
        match wanted {
            Wanted::Beyond => Err(range::beyond(info.size)),
            Wanted::Whole if method == Method::HEAD => {
                let kind = self.kind(&info).await?;
                Ok(answer(StatusCode::OK, &info, kind, None, Bytes::new()))
            }
            Wanted::Whole => self.all(&info, slot).await,
            Wanted::Part { first, last } => self.part(&info, first, last, slot).await,
        }
        .map(never_kept)
    }

    /// The file, if it may still be had.
    async fn info(&self, licence: &LicenceId, link: &FileLink) -> Result<FileInfo, Nothing> {
        if !(self.wiring.was_sent)(licence.clone(), link.post.clone()).await {
            return Err(Nothing("its post was not sent"));
        }
        let id = FileId::new(&link.file).ok_or(Nothing("its id is none"))?;
        let mattermost = &self.wiring.mattermost;
        let post = mattermost
            .post(&link.post)
            .await
            .map_err(|_| Nothing("its post cannot be read"))?;
        if post.delete_at != 0 || !post.file_ids.contains(&id) {
            return Err(Nothing("it does not belong to its post any more"));
        }
        let known = post.files().iter().find(|info| info.id == id).cloned();
        let info = match known {
            Some(info) => info,
            None => mattermost
                .file_info(&id)
                .await
                .map_err(|_| Nothing("nothing is said of it"))?,
        };
        let its_own = info.id == id && info.delete_at == 0;
        let of_post = info.post_id.is_none() || info.post_id.as_ref() == Some(&link.post);
        if its_own && of_post {
            Ok(info)
        } else {
            Err(Nothing("it was deleted"))
        }
    }

    async fn all(&self, info: &FileInfo, slot: OwnedSemaphorePermit) -> Result<Answer, Problem> {
        let streamed = self.open(info, None).await?;
        if streamed.status != StatusCode::OK {
            return Err(Nothing("mattermost gave something else than the file").into());
        }
        self.streamed(info, streamed, slot).await
    }

    async fn part(
        &self,
        info: &FileInfo,
        first: u64,
        last: u64,
        slot: OwnedSemaphorePermit,
    ) -> Result<Answer, Problem> {
        let kind = self.kind(info).await?;
        let streamed = self.open(info, Some((first, last))).await?;
        let range = format!("bytes {first}-{last}/{}", info.size);
        match streamed.status {
            // Something in between takes ranges away: then it is the whole file.
            StatusCode::OK => self.streamed(info, streamed, slot).await,
            StatusCode::PARTIAL_CONTENT
                if streamed.headers.get(header::CONTENT_RANGE)
                    == HeaderValue::from_str(&range).ok().as_ref() =>
            {
                let length = last - first + 1;
                expect(&streamed, length)?;
                let flow = self.paced(streamed.chunks(), slot);
                let mut answer = answer(
                    StatusCode::PARTIAL_CONTENT,
                    info,
                    kind,
                    Some(length),
                    Bytes::new(),
                );
                *answer.body_mut() = flow;
                answer.headers_mut().insert(
                    header::CONTENT_RANGE,
                    range.parse().expect("numbers make a header"),
                );
                Ok(answer)
            }
            _ => Err(Nothing("mattermost gave something else than the range").into()),
        }
    }

    /// The whole file, its type told by its first bytes.
    async fn streamed(
        &self,
        info: &FileInfo,
        streamed: Streamed,
        slot: OwnedSemaphorePermit,
    ) -> Result<Answer, Problem> {
        expect(&streamed, info.size)?;
        let mut chunks = streamed.chunks();
        let head = first_bytes(&mut chunks).await?;
        let kind = files::media_type(&head);
        let rest: Chunks = Box::pin(stream::iter([Ok(head)]).chain(chunks));
        let mut answer = answer(StatusCode::OK, info, kind, None, Bytes::new());
        *answer.body_mut() = self.paced(rest, slot);
        Ok(answer)
    }

    /// What the file is, by its first bytes alone, where they are not part of the answer.
    async fn kind(&self, info: &FileInfo) -> Result<&'static str, Nothing> {
        if info.size == 0 {
            return Ok(files::media_type(&[]));
        }
        let last = (HEAD as u64).min(info.size) - 1;
        let mut chunks = self.open(info, Some((0, last))).await?.chunks();
        first_bytes(&mut chunks)
            .await
            .map(|head| files::media_type(&head))
    }

    async fn open(&self, info: &FileInfo, part: Option<(u64, u64)>) -> Result<Streamed, Nothing> {
        let range = part.map(|(first, last)| {
            HeaderValue::from_str(&format!("bytes={first}-{last}")).expect("numbers make a header")
        });
        let opening = self.wiring.mattermost.download(&info.id, range.as_ref());
        match timeout(OPENING, opening).await {
            Ok(Ok(streamed)) => Ok(streamed),
            Ok(Err(_)) => Err(Nothing("mattermost does not give it")),
            Err(_) => Err(Nothing("mattermost does not answer")),
        }
    }

    /// Broken off when the client takes it too slowly. One that takes nothing at all is left by the connection itself.
    fn paced(&self, chunks: Chunks, slot: OwnedSemaphorePermit) -> super::super::Leaving {
        let (began, patience) = (Instant::now(), self.wiring.limits.answer);
        let rate = self.wiring.limits.file_bytes_per_second.max(1);
        let flow = stream::try_unfold((chunks, 0_u64, slot), move |(mut chunks, given, slot)| {
            let allowed = patience + Duration::from_secs(given / rate);
            async move {
                if began.elapsed() > allowed {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                let Some(piece) = chunks.next().await.transpose()? else {
                    return Ok(None);
                };
                let given = given.saturating_add(piece.len() as u64);
                Ok::<_, io::Error>(Some((Frame::data(piece), (chunks, given, slot))))
            }
        });
        StreamBody::new(flow).boxed_unsync()
    }
}

/// Up to [`HEAD`] bytes, or all there are; what came beyond them stays with them.
async fn first_bytes(chunks: &mut Chunks) -> Result<Bytes, Nothing> {
    let mut head = BytesMut::new();
    let gathering = async {
        while head.len() < HEAD {
            match chunks.next().await {
                Some(Ok(piece)) => head.extend_from_slice(&piece),
                Some(Err(_)) => return Err(Nothing("mattermost broke off")),
                None => break,
            }
        }
        Ok(())
    };
    match timeout(OPENING, gathering).await {
        Ok(gathered) => gathered?,
        Err(_) => return Err(Nothing("mattermost is too slow")),
    }
    Ok(head.freeze())
}

/// Nothing is begun that cannot end as announced.
fn expect(streamed: &Streamed, length: u64) -> Result<(), Nothing> {
    match streamed.content_length() {
        Some(announced) if announced != length => Err(Nothing("its length is not what it was")),
        _ => Ok(()),
    }
}

/// The head of an answer; `length` where it is not that of the file.
fn answer(
    status: StatusCode,
    info: &FileInfo,
    kind: &'static str,
    length: Option<u64>,
    body: Bytes,
) -> Answer {
    let mut answer = Answer::new(whole(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_LENGTH, length.unwrap_or(info.size).into());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_DISPOSITION, disposition(&info.name));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox"),
    );
    answer
}

fn never_kept(mut answer: Answer) -> Answer {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// To be saved, under a name that is plain in both of its spellings (RFC 6266, RFC 8187).
fn disposition(name: &str) -> HeaderValue {
    // What turns text round would show another ending than the file has.
    let turns = |c: char| matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = last
        .chars()
        .filter(|c| !c.is_control() && !turns(*c))
        .take(200)
        .collect();
    if name.trim_matches(['.', ' ']).is_empty() {
        "file".clone_into(&mut name);
    }
    let ascii: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '_',
        })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    HeaderValue::from_str(&format!(
        "attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}"
    ))
    .expect("both names are printable ASCII")
}

impl From<Nothing> for Problem {
    fn from(Nothing(why): Nothing) -> Self {
        Self::not_found()
            .with(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
            .because(why)
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for FileWiring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileWiring").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_quotes_its_folder_or_its_line() {
        for (name, wanted) in [
            (
                "plan.pdf",
                r#"attachment; filename="plan.pdf"; filename*=UTF-8''plan.pdf"#,
            ),
            (
                "één \"a\".png",
                r#"attachment; filename="__n _a_.png"; filename*=UTF-8''%C3%A9%C3%A9n%20%22a%22.png"#,
            ),
            (
                "../../etc/passwd",
                r#"attachment; filename="passwd"; filename*=UTF-8''passwd"#,
            ),
            (
                "a\r\nSet-Cookie: b",
                r#"attachment; filename="aSet-Cookie: b"; filename*=UTF-8''aSet-Cookie%3A%20b"#,
            ),
            (
                "\u{202e}gpj.exe",
                r#"attachment; filename="gpj.exe"; filename*=UTF-8''gpj.exe"#,
            ),
            (
                "..",
                r#"attachment; filename="file"; filename*=UTF-8''file"#,
            ),
            ("", r#"attachment; filename="file"; filename*=UTF-8''file"#),
        ] {
            assert_eq!(disposition(name), wanted, "{name:?}");
        }
    }
}
