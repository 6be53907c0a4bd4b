//! A client that says exactly what it is told to.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// No answer of a healthy server takes this long, however slow the machine.
const FOR_EVER: Duration = Duration::from_secs(20);

pub(crate) struct Wire(pub(super) TcpStream);

impl Wire {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Everything until the server closes, cut into answers.
    pub(crate) async fn answers(&mut self) -> Vec<Said> {
        Said::cut(&self.bytes().await)
    }

    /// Everything until the server closes.
    pub(crate) async fn bytes(&mut self) -> Vec<u8> {
        let mut read = Vec::new();
        // A reset after the last answer is an end like any other; what was read before it counts.
        let _ = timeout(FOR_EVER, self.0.read_to_end(&mut read))
            .await
            .expect("the server closes");
        read
    }

    /// One answer of a connection that stays open.
    pub(crate) async fn answer(&mut self) -> Said {
        let mut read = Vec::new();
        loop {
            if let Some((said, rest)) = Said::first(&read) {
                assert_eq!(rest, b"", "one answer at a time");
                return said;
            }
            let got = timeout(FOR_EVER, self.0.read_buf(&mut read))
                .await
                .expect("an answer comes")
                .unwrap();
            assert_ne!(
                got,
                0,
                "the server closed after {:?}",
                String::from_utf8_lossy(&read)
            );
        }
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Said {
    fn first(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head[9..12].parse().unwrap();
        let mut said = Self {
            status,
            head,
            body: Vec::new(),
        };
        let length = said
            .field("content-length")
            .map_or(0, |length| length.parse().unwrap());
        let rest = &bytes[end + 4..];
        said.body = rest.get(..length)?.to_vec();
        Some((said, &rest[length..]))
    }

    fn cut(mut bytes: &[u8]) -> Vec<Self> {
        let mut all = Vec::new();
        while let Some((said, rest)) = Self::first(bytes) {
            all.push(said);
            bytes = rest;
        }
        assert_eq!(bytes, b"", "nothing stands behind the last answer");
        all
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
