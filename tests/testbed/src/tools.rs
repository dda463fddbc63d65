//! The programs of the control plane, built from their Go modules into a cache outside the source tree.
//!
//! The modules under `modules/` pin every version. What is built is named after a hash of go.mod, go.sum and the
//! flags, so an update builds anew and nothing stale is ever used.

mod extract;

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use sha2::{Digest as _, Sha256};

use crate::Error;

/// Overrides the cache folder (default: `$XDG_CACHE_HOME/floorcast-testbed`, else `~/.cache/floorcast-testbed`).
pub const CACHE_VARIABLE: &str = "FLOORCAST_TESTBED_CACHE";

/// Versions told to `-X`: without them the programs call themselves v0.0.0-master and clients misjudge them.
const KUBERNETES_LDFLAGS: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
     -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36";

/// A Go module under `modules/` and what is built from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Module {
    /// etcd.
    Etcd,
    /// kube-apiserver, kube-controller-manager, kubectl.
    Kubernetes,
    /// kwok, and its stages in one file.
    Kwok,
    /// prometheus and promtool.
    Prometheus,
    /// helm.
    Helm,
    /// helm, of the major version before.
    Helm3,
    /// actionlint.
    Actionlint,
    /// gator, the offline tool of Gatekeeper.
    Gator,
    /// The Prometheus Operator's custom resources that the chart makes, in one file; nothing is built.
    Operator,
    /// smd, structured-merge-diff's program, and the schemas of the API's types in every Kubernetes from 1.28 on.
    Schemas,
    /// kubeconform, and the OpenAPI document of the control plane's Kubernetes.
    Kubeconform,
}

/// The versions of [`Module::Schemas`]: from the oldest that the chart takes to the newest there is.
pub const KUBERNETES_VERSIONS: [&str; 10] =
    ["1.28", "1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"];

struct Recipe {
    folder: &'static str,
    flags: &'static [&'static str],
    packages: &'static [&'static str],
    minutes: &'static str,
}

impl Module {
    fn recipe(self) -> Recipe {
        match self {
            Self::Etcd => Recipe {
                folder: "etcd",
                flags: &["-ldflags", "-s -w"],
                packages: &["go.etcd.io/etcd/server/v3"],
                minutes: "about 20 seconds",
            },
            Self::Kubernetes => Recipe {
                folder: "kubernetes",
                flags: &["-ldflags", KUBERNETES_LDFLAGS],
                packages: &[
                    "k8s.io/kubernetes/cmd/kube-apiserver",
                    "k8s.io/kubernetes/cmd/kube-controller-manager",
                    "k8s.io/kubernetes/cmd/kubectl",
                ],
                minutes: "about 4 minutes",
            },
            Self::Kwok => Recipe {
                folder: "kwok",
                flags: &["-ldflags", "-s -w"],
                packages: &["sigs.k8s.io/kwok/cmd/kwok"],
                minutes: "about 1 minute",
            },
            Self::Prometheus => Recipe {
                folder: "prometheus",
                flags: &["-tags", "netgo,remove_all_sd", "-ldflags", "-s -w"],
                packages: &[
                    "github.com/prometheus/prometheus/cmd/prometheus",
                    "github.com/prometheus/prometheus/cmd/promtool",
                ],
                minutes: "about 2 minutes",
            },
            Self::Helm => Recipe {
                folder: "helm",
                flags: &["-ldflags", "-s -w"],
                packages: &["helm.sh/helm/v4/cmd/helm"],
                minutes: "about 1 minute",
            },
            Self::Helm3 => Recipe {
                folder: "helm3",
                flags: &["-ldflags", "-s -w"],
                packages: &["helm.sh/helm/v3/cmd/helm"],
                minutes: "about 1 minute",
            },
            Self::Actionlint => Recipe {
                folder: "actionlint",
                flags: &["-ldflags", "-s -w"],
                packages: &["github.com/rhysd/actionlint/cmd/actionlint"],
                minutes: "a few seconds",
            },
            Self::Gator => Recipe {
                folder: "gator",
                flags: &["-ldflags", "-s -w"],
                packages: &["github.com/open-policy-agent/gatekeeper/v3/cmd/gator"],
                minutes: "about 2 minutes",
            },
            Self::Operator => Recipe { folder: "operator", flags: &[], packages: &[], minutes: "a few seconds" },
            Self::Schemas => Recipe {
                folder: "schemas",
                flags: &["-ldflags", "-s -w"],
                packages: &["sigs.k8s.io/structured-merge-diff/v6/smd"],
                minutes: "a few seconds",
            },
            Self::Kubeconform => Recipe {
                folder: "kubeconform",
                flags: &["-ldflags", "-s -w"],
                packages: &["github.com/yannh/kubeconform/cmd/kubeconform"],
                minutes: "about 20 seconds",
            },
        }
    }

    /// The folder with this module's programs; builds them on first use. Blocks; several processes may ask at once.
    pub fn ready(self) -> Result<PathBuf, Error> {
        let recipe = self.recipe();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("modules").join(recipe.folder);
        let cache = cache_folder();
        let built = cache.join(format!("{}-{}", recipe.folder, key(&source, &recipe)?));
        if built.is_dir() {
            return Ok(built);
        }
        fs::create_dir_all(&cache).map_err(Error::file("create", &cache))?;
        let _lock = lock(&cache)?;
        // Another process may have built it while we waited.
        if !built.is_dir() {
            build(self, &source, &recipe, &cache, &built)?;
        }
        Ok(built)
    }

    /// Like [`Module::ready`], off the async threads.
    pub async fn built(self) -> Result<PathBuf, Error> {
        match tokio::task::spawn_blocking(move || self.ready()).await {
            Ok(result) => result,
            Err(join) => Err(Error::Unexpected(format!("the build of {self:?} was cut short: {join}"))),
        }
    }
}

fn cache_folder() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set(CACHE_VARIABLE)
        .or_else(|| set("XDG_CACHE_HOME").map(|c| c.join("floorcast-testbed")))
        .or_else(|| set("HOME").map(|h| h.join(".cache/floorcast-testbed")))
        .unwrap_or_else(|| std::env::temp_dir().join("floorcast-testbed-cache"))
}

/// First 16 hex digits of a hash over everything that decides what is built.
fn key(source: &Path, recipe: &Recipe) -> Result<String, Error> {
    let mut hash = Sha256::new();
    for name in ["go.mod", "go.sum"] {
        let path = source.join(name);
        hash.update(fs::read(&path).map_err(Error::file("read", &path))?);
    }
    for part in recipe.flags.iter().chain(recipe.packages) {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.update(std::env::consts::OS);
    hash.update(std::env::consts::ARCH);
    let digest = hash.finalize();
    let first: [u8; 8] = std::array::from_fn(|index| digest[index]);
    Ok(format!("{:016x}", u64::from_be_bytes(first)))
}

/// One build at a time on this machine: the linker alone takes 2 GB.
fn lock(cache: &Path) -> Result<File, Error> {
    let path = cache.join("build.lock");
    let file = File::options().create(true).append(true).open(&path).map_err(Error::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            tell("waiting for another process that builds the test control plane …");
            file.lock().map_err(Error::file("lock", &path))?;
        }
        Err(TryLockError::Error(source)) => return Err(Error::file("lock", &path)(source)),
    }
    Ok(file)
}

fn build(module: Module, source: &Path, recipe: &Recipe, cache: &Path, built: &Path) -> Result<(), Error> {
    let names: Vec<&str> = match module {
        Module::Operator => vec!["custom resources"],
        _ => recipe.packages.iter().map(|p| program(p)).collect(),
    };
    tell(&format!("building {} (first use, {}) …", names.join(", "), recipe.minutes));
    let begun = Instant::now();
    let staging = tempfile::Builder::new()
        .prefix(".building-")
        .tempdir_in(cache)
        .map_err(Error::file("create a folder in", cache))?;
    for package in recipe.packages {
        let output = staging.path().join(program(package)).display().to_string();
        let mut args = vec!["build", "-trimpath"];
        args.extend(recipe.flags);
        args.extend(["-o", &output, package]);
        go(source, &args)?;
    }
    match module {
        Module::Kwok => extract::stages(source, staging.path())?,
        Module::Operator => extract::resources(source, staging.path())?,
        Module::Schemas => extract::schemas(source, staging.path())?,
        Module::Kubeconform => extract::openapi(source, staging.path())?,
        _ => {}
    }
    fs::rename(staging.keep(), built).map_err(Error::file("rename the build to", built))?;
    tell(&format!("built {} in {:.0} s", names.join(", "), begun.elapsed().as_secs_f64()));
    Ok(())
}

/// `go.etcd.io/etcd/server/v3` is etcd; every other program is called as its package's last part.
fn program(package: &str) -> &str {
    if package.ends_with("/etcd/server/v3") { "etcd" } else { package.rsplit('/').next().unwrap_or(package) }
}

/// Runs `go` in the module's folder and returns its standard output.
fn go(source: &Path, args: &[&str]) -> Result<String, Error> {
    let output = Command::new("go")
        .args(args)
        .current_dir(source)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-mod=readonly")
        .env("GOWORK", "off")
        .output()
        .map_err(Error::GoMissing)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = stderr.lines().collect();
    Err(Error::GoFailed {
        command: format!("go {}", args.join(" ")),
        dir: source.to_owned(),
        status: output.status.to_string(),
        stderr: lines[lines.len().saturating_sub(20)..].join("\n"),
    })
}

/// Straight to standard error: the test runner hides what `eprintln!` prints, and silence for minutes looks like a hang.
pub(crate) fn tell(message: &str) {
    let _ = writeln!(std::io::stderr(), "floorcast-testbed: {message}");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn programs_are_named_as_their_packages() {
        assert_eq!(program("go.etcd.io/etcd/server/v3"), "etcd");
        assert_eq!(program("k8s.io/kubernetes/cmd/kubectl"), "kubectl");
    }

    #[test]
    fn the_key_changes_with_the_sources_and_with_the_flags() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("go.mod"), "module a").unwrap();
        fs::write(folder.path().join("go.sum"), "").unwrap();
        let first = key(folder.path(), &Module::Etcd.recipe()).unwrap();
        assert_eq!(first, key(folder.path(), &Module::Etcd.recipe()).unwrap());
        assert_ne!(first, key(folder.path(), &Module::Kwok.recipe()).unwrap());
        fs::write(folder.path().join("go.sum"), "x").unwrap();
        assert_ne!(first, key(folder.path(), &Module::Etcd.recipe()).unwrap());
    }

    #[test]
    fn a_missing_go_says_what_to_install_and_how_to_leave_the_tests_out() {
        let missing = Error::GoMissing(std::io::Error::from(std::io::ErrorKind::NotFound));
        // As it is printed, and as a test that unwraps shows it.
        for told in [format!("{missing}"), format!("{missing:?}")] {
            assert!(told.contains("Go 1.26") && told.contains("FLOORCAST_SKIP_CLUSTER_TESTS=1"), "{told}");
        }
    }
}
