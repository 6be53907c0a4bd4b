//! The way to the server: pipelines, deadlines, scripts by their hash, and what its errors mean to us.
//!
//! A reply that does not come in time says nothing about the effect. Then the connection is replaced as well, because one that was
//! cut in silence would time out on every later command too.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use redis::{
    Client, Pipeline, RedisError, RedisResult, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::script::{Call, Script};
use crate::store::StoreError;

/// How long an answer may take. The client's own default is half a second, which a slow disk exceeds.
const RESPONSE: Duration = Duration::from_secs(3);
const CONNECT: Duration = Duration::from_secs(3);

pub(super) struct Link {
    pub(super) client: Client,
    /// With the number of connections that were given up before it. A plain mutex: held for a clone, never across an await.
    present: Mutex<(u64, ConnectionManager)>,
    /// The hashes by which the server knows the scripts.
    hashes: Vec<String>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    /// Connects, so that a wrong address is known at once.
    pub(super) async fn open(client: Client) -> RedisResult<Self> {
        let manager = ConnectionManager::new_with_config(client.clone(), config()).await?;
        let link = Self {
            client,
            present: Mutex::new((0, manager)),
            hashes: hashes(),
        };
        link.load().await?;
        Ok(link)
    }

    /// Runs scripts in one round trip, each atomic for itself. One that failed has its error.
    pub(super) async fn run(&self, calls: &[Call]) -> Result<Vec<Answer>, StoreError> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let mut answers = self.send(calls.iter()).await?;
        let unknown: Vec<usize> = (0..calls.len())
            .filter(|at| matches!(&answers[*at], Err(error) if is_unknown_script(error)))
            .collect();
        if !unknown.is_empty() {
            // A server that was restarted has forgotten them.
            self.load().await.map_err(|error| failed(&error))?;
            let again = self.send(unknown.iter().map(|at| &calls[*at])).await?;
            for (at, answer) in unknown.into_iter().zip(again) {
                answers[at] = answer;
            }
        }
        let answers = answers.into_iter();
        Ok(answers
            .map(|answer| answer.map_err(|error| failed(&error)))
            .collect())
    }

    /// Runs one script.
    pub(super) async fn call(&self, call: Call) -> Answer {
        let mut answers = self.run(&[call]).await?;
        answers.pop().unwrap_or(Ok(Value::Nil))
    }

    /// Runs scripts of which each must answer.
    pub(super) async fn all(&self, calls: &[Call]) -> Result<Vec<Value>, StoreError> {
        self.run(calls).await?.into_iter().collect()
    }

    /// Runs plain commands of which each must answer.
    pub(super) async fn query(&self, pipeline: &Pipeline) -> Result<Vec<Value>, StoreError> {
        let answers = self.pipe(pipeline).await?.into_iter();
        answers
            .map(|answer| answer.map_err(|error| failed(&error)))
            .collect()
    }

    async fn send<'a>(
        &self,
        calls: impl Iterator<Item = &'a Call>,
    ) -> Result<Vec<RedisResult<Value>>, StoreError> {
        let mut pipeline = Pipeline::new();
        let mut befores = Vec::new();
        for call in calls {
            befores.push(call.before.len());
            for command in &call.before {
                pipeline.add_command(command.clone());
            }
            let command = pipeline.cmd("EVALSHA");
            command.arg(&self.hashes[call.script as usize]);
            command.arg(1).arg(&call.key);
            for arg in &call.args {
                command.arg(arg);
            }
        }
        let mut answers = self.pipe(&pipeline).await?.into_iter();
        let mut own = Vec::new();
        for before in befores {
            let refused = answers.by_ref().take(before).find_map(Result::err);
            let answer = answers.next().unwrap_or(Ok(Value::Nil));
            own.push(refused.map_or(answer, Err));
        }
        Ok(own)
    }

    async fn pipe(&self, pipeline: &Pipeline) -> Result<Vec<RedisResult<Value>>, StoreError> {
        let mut pipeline = pipeline.clone();
        let (number, mut manager) = self.present();
        let answered = pipeline.ignore_errors().query_async(&mut manager).await;
        answered.map_err(|error: RedisError| {
            if error.is_timeout() {
                self.give_up(number);
            }
            failed(&error)
        })
    }

    async fn load(&self) -> RedisResult<()> {
        let mut pipeline = Pipeline::new();
        for script in Script::ALL {
            pipeline
                .cmd("SCRIPT")
                .arg("LOAD")
                .arg(script.code())
                .ignore();
        }
        let (_, mut manager) = self.present();
        pipeline.query_async(&mut manager).await
    }

    fn present(&self) -> (u64, ConnectionManager) {
        let present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        present.clone()
    }

    /// The next command makes a connection of its own.
    fn give_up(&self, number: u64) {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        if present.0 != number {
            return;
        }
        if let Ok(fresh) = ConnectionManager::new_lazy_with_config(self.client.clone(), config()) {
            *present = (number + 1, fresh);
        }
    }
}

/// What one command came to.
pub(super) type Answer = Result<Value, StoreError>;

fn config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_response_timeout(Some(RESPONSE))
        .set_connection_timeout(Some(CONNECT))
        // Whoever asks again makes the next attempt: the caller has a deadline, and a queue of callers must not wait for many.
        .set_number_of_retries(1)
        .set_max_delay(Duration::from_millis(200))
}

fn hashes() -> Vec<String> {
    let prepared = Script::ALL.map(|script| redis::Script::new(&script.code()));
    prepared
        .iter()
        .map(|script| script.get_hash().to_owned())
        .collect()
}

fn is_unknown_script(error: &RedisError) -> bool {
    error.code() == Some("NOSCRIPT")
}

/// Nothing is known about the effect, unless the server says that something is wrong with what lies there or with the script.
pub(super) fn failed(error: &RedisError) -> StoreError {
    match error.code() {
        Some(code @ ("WRONGTYPE" | "ERR")) => StoreError::Damaged(format!(
            "redis: {code} {}",
            error.detail().unwrap_or_default()
        )),
        // READONLY, LOADING, MASTERDOWN, CLUSTERDOWN, TRYAGAIN, NOREPLICAS, MISCONF, OOM, BUSY and whatever comes: it heals, or
        // somebody heals it.
        Some(code) => StoreError::Unavailable {
            reason: format!("redis says {code}"),
        },
        None => StoreError::Unavailable {
            reason: format!("redis: {}", error.category()),
        },
    }
}
