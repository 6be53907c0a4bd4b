//! Files that came inside requests: one string each in the partition of their lane, under random names.
//!
//! They are kept in memory on both sides, so at most 16 MiB each; more is sent by url. A file that no event names ends after an hour.

use bytes::Bytes;
use redis::{Pipeline, Value};

use super::{Redis, keys, reply};
use crate::{
    record::Lane,
    store::{FileBytes, Receiving, StoreError},
};

/// Against a request that fills our memory and the server's.
const MOST: u64 = 16 * 1024 * 1024;
const ORPHAN_SECONDS: u64 = 3600;

impl Redis {
    pub(in crate::store) async fn receive(&self) -> Result<Receiving, StoreError> {
        Ok(Receiving::in_memory(MOST))
    }

    pub(in crate::store) async fn put_file(
        &self,
        lane: &Lane,
        bytes: FileBytes,
    ) -> Result<String, StoreError> {
        let bytes = match bytes {
            FileBytes::Memory(bytes) => bytes,
            FileBytes::Disk(path) => Bytes::from(tokio::fs::read(path).await.map_err(unreadable)?),
        };
        if bytes.len() as u64 > MOST {
            return Err(StoreError::Unavailable {
                reason: format!("files above {MOST} bytes are sent by url"),
            });
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(unreadable)?;
        let name = keys::hex(&random);
        let mut pipeline = Pipeline::new();
        pipeline
            .cmd("SET")
            .arg(keys::file(keys::partition_of(lane), &name))
            .arg(&bytes[..])
            .arg("EX")
            .arg(ORPHAN_SECONDS);
        self.0.link.query(&pipeline).await?;
        Ok(name)
    }

    pub(in crate::store) async fn file(
        &self,
        lane: &Lane,
        name: &str,
    ) -> Result<FileBytes, StoreError> {
        let is_ours = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_ours {
            return Err(StoreError::Damaged(format!(
                "{name:?} is no name of a kept file"
            )));
        }
        let key = keys::file(keys::partition_of(lane), name);
        match super::setting::one(&self.0.link, "GET", &[&key]).await? {
            Value::Nil => Err(StoreError::Damaged(format!("the file {name} is gone"))),
            value => Ok(FileBytes::Memory(reply::bytes(value)?.into())),
        }
    }
}

fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable {
        reason: format!("a file could not be kept: {error}"),
    }
}
