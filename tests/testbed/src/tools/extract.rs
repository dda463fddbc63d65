//! Files that a module carries beside its programs.

use std::fs;
use std::path::{Path, PathBuf};

use super::{KUBERNETES_VERSIONS, go};
use crate::Error;

/// kwok has no stages built in: its module's own ones, for nodes and pods, in one file beside the program.
pub(super) fn stages(source: &Path, staging: &Path) -> Result<(), Error> {
    let module = PathBuf::from(go(source, &["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"])?);
    let mut text = String::new();
    for folder in ["node/fast", "node/heartbeat-with-lease", "pod/fast"] {
        for file in stage_files(&module.join("kustomize/stage").join(folder))? {
            text.push_str("---\n");
            text.push_str(&fs::read_to_string(&file).map_err(Error::file("read", &file))?);
            text.push('\n');
        }
    }
    let path = staging.join("stages.yaml");
    fs::write(&path, text).map_err(Error::file("write", &path))
}

/// The definitions of `ServiceMonitor`, `PodMonitor` and `PrometheusRule`, from the operator's module.
pub(super) fn resources(source: &Path, staging: &Path) -> Result<(), Error> {
    let name = "github.com/prometheus-operator/prometheus-operator";
    go(source, &["mod", "download", name])?;
    let module = PathBuf::from(go(source, &["list", "-m", "-f", "{{.Dir}}", name])?);
    let mut text = String::new();
    for kind in ["servicemonitors", "podmonitors", "prometheusrules"] {
        let file = module.join(format!("example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml"));
        text.push_str(&fs::read_to_string(&file).map_err(Error::file("read", &file))?);
        text.push('\n');
    }
    let path = staging.join("resources.yaml");
    fs::write(&path, text).map_err(Error::file("write", &path))
}

/// The schemas with which client-go applies objects, one file for each version: `1.28.yaml`.
pub(super) fn schemas(source: &Path, staging: &Path) -> Result<(), Error> {
    for version in KUBERNETES_VERSIONS {
        let name = format!("example.invalid/kubernetes-{version}");
        go(source, &["mod", "download", &name])?;
        let module = PathBuf::from(go(source, &["list", "-m", "-f", "{{.Dir}}", &name])?);
        let file = module.join("applyconfigurations/internal/internal.go");
        let text = fs::read_to_string(&file).map_err(Error::file("read", &file))?;
        // The one raw string of the file.
        let schema = text.split('`').nth(1).unwrap_or_default();
        let path = staging.join(format!("{version}.yaml"));
        fs::write(&path, schema).map_err(Error::file("write", &path))?;
    }
    Ok(())
}

/// Everything the API server takes, as Kubernetes publishes it: `openapi.json`.
pub(super) fn openapi(source: &Path, staging: &Path) -> Result<(), Error> {
    let name = "example.invalid/kubernetes";
    go(source, &["mod", "download", name])?;
    let module = PathBuf::from(go(source, &["list", "-m", "-f", "{{.Dir}}", name])?);
    let file = module.join("api/openapi-spec/swagger.json");
    let text = fs::read(&file).map_err(Error::file("read", &file))?;
    let path = staging.join("openapi.json");
    fs::write(&path, text).map_err(Error::file("write", &path))
}

fn stage_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::file("list", folder))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "yaml") && !p.ends_with("kustomization.yaml"))
        .collect();
    files.sort();
    Ok(files)
}
