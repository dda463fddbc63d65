//! The program under test as a plugin of the real kubectl, as an administrator calls it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Cluster, Error};

/// `kubectl floorcast`, with nothing else on its PATH.
pub struct Plugin {
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    path: PathBuf,
}

/// What a call came to.
pub struct Called {
    /// Exit code; -1 where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Called {
    /// Everything that it printed.
    pub fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

impl Cluster {
    /// Makes the program a plugin under the name `floorcast`; once a cluster.
    pub fn plugin(&self, program: &Path) -> Result<Plugin, Error> {
        let path = self.folder.join("plugins");
        std::fs::create_dir(&path).map_err(Error::file("create", &path))?;
        for name in ["kubectl-floorcast", "kubectl_complete-floorcast"] {
            let link = path.join(name);
            std::os::unix::fs::symlink(program, &link).map_err(Error::file("link", &link))?;
        }
        Ok(Plugin { kubectl: self.kubectl.clone(), kubeconfig: self.admin.clone(), path })
    }
}

impl Plugin {
    /// Runs `kubectl floorcast …` to its end, at most for a minute; arguments are split at blanks.
    pub async fn call(&self, arguments: &str) -> Result<Called, Error> {
        self.kubectl(&[&["floorcast"], &arguments.split(' ').collect::<Vec<_>>()[..]].concat()).await
    }

    /// What kubectl offers a shell to complete the last word of `kubectl floorcast …` with, and the directive after it.
    pub async fn complete(&self, arguments: &str) -> Result<Called, Error> {
        self.kubectl(&[&["__complete", "floorcast"], &arguments.split(' ').collect::<Vec<_>>()[..]].concat()).await
    }

    async fn kubectl(&self, arguments: &[&str]) -> Result<Called, Error> {
        let name = format!("kubectl {}", arguments.join(" "));
        let output = tokio::process::Command::new(&self.kubectl)
            .args(arguments)
            .env_clear()
            .env("PATH", &self.path)
            .env("KUBECONFIG", &self.kubeconfig)
            .kill_on_drop(true)
            .output();
        let limit = Duration::from_mins(1);
        let output = tokio::time::timeout(limit, output).await.map_err(|_| Error::TimedOut {
            what: name.clone(),
            seconds: limit.as_secs_f64(),
            seen: "still running".into(),
        })?;
        let output = output.map_err(|source| Error::Spawn { name, source })?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Called { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) })
    }
}
