//! The last stage of the Dockerfile, built by buildah without a container engine around the tests' own program, run, and unpacked.
//!
//! The program of the tests is not static, so its libraries lie beside it; what is released is built by the same script, which
//! refuses one that is not.

use crate::files;
use floorcast_testbed::command;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Leaves this test out when set to `1`.
const SKIP_VARIABLE: &str = "FLOORCAST_SKIP_IMAGE_TESTS";
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

/// Where the dynamic loader finds what the program needs.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let out = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let words = text.split_whitespace().filter(|word| word.starts_with('/'));
    words.map(PathBuf::from).collect()
}

/// A folder as the Dockerfile's first stage leaves it.
fn root(folder: &Path) -> PathBuf {
    let root = folder.join("root");
    let put = |from: &Path, to: &Path| {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    };
    let program = Path::new(env!("CARGO_BIN_EXE_floorcast"));
    put(program, &root.join("floorcast"));
    for library in libraries(program) {
        put(&library, &root.join(library.strip_prefix("/").unwrap()));
    }
    std::fs::create_dir_all(root.join(AUTHORITIES).parent().unwrap()).unwrap();
    std::fs::write(root.join(AUTHORITIES), "-----BEGIN CERTIFICATE-----\n").unwrap();
    root
}

async fn unpack(archive: &Path, into: &Path) {
    std::fs::create_dir_all(into).unwrap();
    let mut tar = tokio::process::Command::new("tar");
    tar.arg("--extract").arg("--file").arg(archive).arg("--directory").arg(into);
    command::run(tar, None).await.unwrap();
}

/// A blob of an unpacked OCI archive, by its digest.
fn blob(layout: &Path, described: &Value) -> PathBuf {
    layout.join("blobs").join(described["digest"].as_str().unwrap().replace(':', "/"))
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn it_is_assembled_run_and_unpacked() {
    if std::env::var(SKIP_VARIABLE).is_ok_and(|value| value == "1") {
        eprintln!("the test that assembles the image is left out because {SKIP_VARIABLE}=1");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("floorcast.oci.tar");
    let root = root(folder.path());
    let mut assemble = tokio::process::Command::new(files::path("deploy/image/assemble.sh"));
    assemble.arg(&archive).arg(&root).env("FLOORCAST_REVISION", "0123456789ab");
    let said = command::run(assemble, None).await.unwrap_or_else(|e| {
        panic!("{e}\nInstall buildah (Debian: apt-get install buildah), or leave this out on purpose with {SKIP_VARIABLE}=1")
    });
    assert!(said.contains(&format!("floorcast {}", env!("CARGO_PKG_VERSION"))), "{said}");

    let layout = folder.path().join("layout");
    unpack(&archive, &layout).await;
    let manifest = json_of(&blob(&layout, &json_of(&layout.join("index.json"))["manifests"][0]));
    let config = json_of(&blob(&layout, &manifest["config"]))["config"].clone();
    assert_eq!(config["User"], "10001:10001");
    assert_eq!(config["Entrypoint"], json!(["/floorcast"]));
    assert_eq!(config["Cmd"], json!(["run", "--config", "/etc/floorcast/config.yaml"]));
    assert_eq!(config["Labels"]["org.opencontainers.image.revision"], "0123456789ab");
    assert_eq!(config["Labels"]["org.opencontainers.image.version"], env!("CARGO_PKG_VERSION"));

    // One layer, and in it what was built and nothing else.
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 1, "{manifest}");
    let image = folder.path().join("image");
    unpack(&blob(&layout, &layers[0]), &image).await;
    let mut compare = tokio::process::Command::new("diff");
    compare.arg("--recursive").arg(&root).arg(&image);
    command::run(compare, None).await.unwrap();
}

/// What cannot be assembled is told before anything is built.
#[tokio::test]
async fn the_script_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(folder.path().join("there.tar"), "").unwrap();
    let (there, new, empty) = (path("there.tar"), path("new.tar"), path("."));
    for (arguments, cause) in [
        (vec![], "say where the archive goes"),
        (vec![there.as_str()], "is there already"),
        (vec![new.as_str(), empty.as_str()], "holds no program floorcast"),
    ] {
        let mut assemble = tokio::process::Command::new(files::path("deploy/image/assemble.sh"));
        assemble.args(&arguments);
        let said = command::run(assemble, None).await.unwrap_err().to_string();
        assert!(said.contains(cause), "{arguments:?}: {said}");
    }
}
