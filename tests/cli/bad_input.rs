//! What people get wrong, told by the process itself: each once, short, with a remedy, and without a secret.

use crate::said;
use std::path::PathBuf;

const SECRET: &str = "canary-4711";

/// Files of one mistake.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A cluster at whose address nobody listens.
    fn kubeconfig(&self) -> PathBuf {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: \"https://127.0.0.1:9\"}}}}]\nusers: [{{name: u, user: {{token: {SECRET}}}}}]\n"
        );
        self.file("kubeconfig", &text)
    }
}

/// It ends with this code and says this, in a few lines.
fn told(arguments: &[&str], code: i32, parts: &[&str]) {
    let (ended, out, err) = said(arguments);
    assert_eq!((ended, out.as_str()), (code, ""), "{arguments:?}: {err}");
    for part in parts {
        assert!(err.contains(part), "{arguments:?} does not say {part:?}: {err}");
    }
    assert!(err.lines().count() <= 6 && err.len() <= 800, "{arguments:?}: {err}");
    assert!(!err.contains(SECRET) && !err.contains("panicked"), "{arguments:?}: {err}");
}

#[test]
fn a_configuration_that_cannot_be_meant_keeps_the_daemon_from_starting() {
    let folder = Folder::new();
    let kubeconfig = folder.kubeconfig();
    let datasource = |rest: &str| format!("datasources:\n- name: main\n{rest}");
    for (text, parts) in [
        ("datasorces: []\n".to_owned(), &["1:1: datasorces", "did you mean datasources?"][..]),
        ("defaults:\n  quantile: high\n".to_owned(), &["2:13: defaults.quantile", "wrong type"][..]),
        (datasource(""), &["the key url is missing", "add url"][..]),
        (datasource(&format!("  url: http://u:{SECRET}@127.0.0.1:9\n")), &["holds a user or password", "passwordFile"]),
        ("http: [\n".to_owned(), &["config.yaml:"][..]),
    ] {
        let file = folder.file("config.yaml", &text);
        let arguments = ["run", "--config", file.to_str().unwrap(), "--kubeconfig", kubeconfig.to_str().unwrap()];
        told(&arguments, 1, parts);
    }
    let file = folder.0.path().join("config.yaml");
    std::fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
    told(&["run", "--config", file.to_str().unwrap()], 3, &["cannot be read", "UTF-8", "fix:"]);
}

#[test]
fn an_address_in_use_is_named_with_its_key() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = Folder::new();
    let kubeconfig = folder.kubeconfig();
    for (other, key) in [("listen", "api"), ("api", "listen")] {
        let file = folder.file("config.yaml", &format!("http: {{{other}: \"127.0.0.1:0\", {key}: \"{address}\"}}\n"));
        let arguments = ["run", "--config", file.to_str().unwrap(), "--kubeconfig", kubeconfig.to_str().unwrap()];
        told(&arguments, 3, &[&address.to_string(), &format!("http.{key}"), "in use", "choose a free address"]);
    }
}

#[test]
fn a_cluster_that_is_not_there_is_told_by_daemon_and_plugin() {
    let folder = Folder::new();
    let broken = folder.file("broken", "not: [yaml\n");
    let kubeconfig = folder.kubeconfig();
    let (broken, kubeconfig) = (broken.to_str().unwrap(), kubeconfig.to_str().unwrap());
    for command in ["run", "status", "doctor"] {
        let arguments = [command, "--kubeconfig", broken];
        let (code, out, err) = said(&arguments);
        assert_eq!(code, 3, "{arguments:?}: {out}{err}");
        assert!((out + &err).contains("kubectl config view"), "{arguments:?}");
    }
    told(&["status", "--kubeconfig", kubeconfig, "--context", "nope"], 3, &["`nope`", "it has: c"]);
    told(&["status", "--kubeconfig", kubeconfig], 3, &["the API server cannot be asked", "refused", "--context"]);
}
