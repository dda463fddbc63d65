//! Programs that run to their end: kubectl, promtool, helm.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::Error;

/// Runs a program to its end, at most for a minute, and returns its standard output.
pub async fn run(mut command: tokio::process::Command, input: Option<&str>) -> Result<String, Error> {
    let name = format!("{:?}", command.as_std());
    let spawn = |source| Error::Spawn { name: name.clone(), source };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(spawn)?;
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        pipe.write_all(input.as_bytes()).await.map_err(spawn)?;
    }
    let limit = Duration::from_mins(1);
    let output = tokio::time::timeout(limit, child.wait_with_output())
        .await
        .map_err(|_| Error::TimedOut {
            what: name.clone(),
            seconds: limit.as_secs_f64(),
            seen: "still running".into(),
        })?
        .map_err(spawn)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Command { command: name, status: output.status.to_string(), stderr })
}
