//! What a server must be set to, and the shape of the store in it.

use redis::{Pipeline, Value};

use super::{
    RedisOpenError, keys,
    link::Link,
    reply::{self, Reader},
};
use crate::store::StoreError;

/// What keeps an accepted event: nothing is evicted, everything is logged, and the answer comes after the sync.
const WANTED: [(&str, &str); 3] = [
    ("maxmemory-policy", "noeviction"),
    ("appendonly", "yes"),
    ("appendfsync", "always"),
];
/// Raised when keys or scripts change what they mean.
const SCHEMA: u64 = 1;

/// Refuses a server that would lose what it promised.
pub(super) async fn check(link: &Link, accept_all: bool) -> Result<(), RedisOpenError> {
    let info = one(link, "INFO", &[])
        .await
        .and_then(reply::text)
        .map_err(|error| RedisOpenError::Ask("INFO", error))?;
    let version = field(&info, "redis_version").unwrap_or_default();
    if !is_new_enough(version) {
        return Err(RedisOpenError::Version(version.to_owned()));
    }
    if field(&info, "cluster_enabled") == Some("1") {
        return Err(RedisOpenError::Cluster);
    }
    for (name, wanted) in WANTED {
        let fault = match setting(link, name).await {
            Ok(says) if says == wanted => continue,
            Ok(says) => RedisOpenError::Setting { name, wanted, says },
            Err(source) => RedisOpenError::Hidden { name, source },
        };
        if !accept_all {
            return Err(fault);
        }
        tracing::warn!(
            setting = name, error = %fault,
            "started on a Redis that may lose accepted events, as `store.dangerous_accept_settings` asks for: {fault}",
        );
    }
    Ok(())
}

/// Makes `ir:meta`, or refuses what was made by a later build.
pub(super) async fn check_shape(link: &Link) -> Result<(), RedisOpenError> {
    let mut pipeline = Pipeline::new();
    for (name, value) in [
        ("schema", SCHEMA),
        ("partitions", u64::from(keys::PARTITIONS)),
    ] {
        pipeline.cmd("HSETNX").arg(keys::META).arg(name).arg(value);
    }
    pipeline
        .cmd("HMGET")
        .arg(keys::META)
        .arg(&["schema", "partitions"]);
    let asked = |error| RedisOpenError::Ask(keys::META, error);
    let answers = link.query(&pipeline).await.map_err(asked)?;
    let mut found = answers
        .into_iter()
        .next_back()
        .map_or_else(|| Reader::new(Value::Nil), Reader::new)
        .map_err(asked)?;
    let (schema, partitions) = (found.parse().map_err(asked)?, found.parse().map_err(asked)?);
    if schema > SCHEMA {
        return Err(RedisOpenError::Newer {
            found: schema,
            known: SCHEMA,
        });
    }
    if partitions != u64::from(keys::PARTITIONS) {
        return Err(RedisOpenError::Partitions {
            found: partitions,
            known: keys::PARTITIONS.into(),
        });
    }
    Ok(())
}

/// A line of INFO.
pub(super) fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.trim())
}

/// Valkey says a version of Redis too, 7.2 and up.
fn is_new_enough(version: &str) -> bool {
    let major = version.split('.').next().unwrap_or_default();
    major.parse::<u32>().is_ok_and(|major| major >= 7)
}

async fn setting(link: &Link, name: &str) -> Result<String, StoreError> {
    let answer = one(link, "CONFIG", &["GET", name]).await?;
    let pairs: Vec<(String, String)> = redis::from_redis_value(answer).map_err(reply::damaged)?;
    let found = pairs.into_iter().find(|(found, _)| found == name);
    found
        .map(|(_, value)| value)
        .ok_or_else(|| StoreError::Damaged(format!("redis does not know `{name}`")))
}

pub(super) async fn one(link: &Link, command: &str, args: &[&str]) -> Result<Value, StoreError> {
    let mut pipeline = Pipeline::new();
    pipeline.cmd(command).arg(args);
    Ok(link.query(&pipeline).await?.pop().unwrap_or(Value::Nil))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_from_seven_on_are_new_enough() {
        for (version, enough) in [
            ("7.0.15", true),
            ("6.2.14", false),
            ("8.0", true),
            ("10.1", true),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version), enough, "{version}");
        }
    }

    #[test]
    fn a_line_of_info_is_found_by_its_whole_name() {
        let info = "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n";
        assert_eq!(field(info, "redis_version"), Some("7.0.15"));
        assert_eq!(field(info, "version"), None);
    }
}
