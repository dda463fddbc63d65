//! The image's recipe and the public forge's workflows, as files; the workflows as the real actionlint sees them.

mod assembled;

use crate::files;
use floorcast_testbed::{command, tools::Module};
use std::collections::BTreeSet;

const DOCKERFILE: &str = "deploy/image/Dockerfile";
const WORKFLOWS: &str = ".github/workflows";

/// Instructions of the Dockerfile: continued lines are one, comments are left out.
fn instructions() -> Vec<(String, String)> {
    let text = files::text(DOCKERFILE);
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let instruction = |line: &str| {
        let (word, rest) = line.split_once(' ')?;
        Some((word.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" ")))
    };
    joined.lines().filter_map(instruction).collect()
}

#[test]
fn the_image_is_from_scratch_without_root_and_labelled() {
    let all = instructions();
    let last = all.iter().rposition(|(word, _)| word == "FROM").unwrap();
    let (stage, build) = (&all[last..], &all[..last]);
    let of = |word: &str| stage.iter().filter(|(w, _)| w == word).map(|(_, rest)| rest.as_str()).collect::<Vec<_>>();
    assert_eq!(of("FROM"), ["scratch"]);
    assert_eq!(of("RUN"), [""; 0], "there is nothing to run in an empty image");
    assert_eq!(of("USER"), ["10001:10001"]);
    assert_eq!(of("ENTRYPOINT"), ["[\"/floorcast\"]"]);
    assert_eq!(of("COPY"), ["--from=build /image /"]);
    assert!(all.iter().all(|(word, _)| word != "ADD"), "ADD fetches and unpacks");
    let labels = of("LABEL").concat();
    for label in ["title", "description", "source", "licenses", "version", "revision"] {
        assert!(labels.contains(&format!("org.opencontainers.image.{label}=")), "{label}");
    }
    assert!(
        build.contains(&("ARG".to_owned(), "BUILDKIT_SBOM_SCAN_STAGE=true".to_owned())),
        "its bill of materials is empty"
    );
    let built = build.iter().map(|(_, rest)| rest.as_str()).collect::<Vec<_>>().join("\n");
    assert!(built.contains("deploy/image/build.sh && install") && built.contains("+crt-static"), "{built}");
    assert!(files::text("deploy/image/build.sh").contains("cargo build --release --locked --bin floorcast"));
    assert!(built.contains("/image/etc/ssl/certs/ca-certificates.crt"), "TLS needs authorities to trust");
}

/// The manifests run as the image's user, and the builder is the project's own toolchain.
#[test]
fn image_manifests_and_toolchain_agree() {
    let toolchain = files::text("rust-toolchain.toml");
    let channel =
        toolchain.lines().find_map(|l| l.strip_prefix("channel = \"")).unwrap().trim_end_matches('"').to_owned();
    let dockerfile = files::text(DOCKERFILE);
    let builder = dockerfile.lines().find_map(|line| line.strip_prefix("FROM rust:")).unwrap();
    let (tag, digest) = builder.trim_end_matches(" AS build").split_once("@sha256:").expect("pinned by its digest");
    assert_eq!(tag, format!("{channel}-alpine"), "the Dockerfile does not build with {channel}");
    assert!(digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()), "{digest}");
    assert!(dockerfile.contains(&format!("ARG VERSION={}\n", env!("CARGO_PKG_VERSION"))));
    for manifest in ["deployment", "janitor"] {
        let text = files::text(&format!("deploy/manifests/{manifest}.yaml"));
        assert!(text.contains("runAsUser: 10001") && text.contains("runAsGroup: 10001"), "{manifest}");
    }
}

/// What the build copies is there, and is let through by the ignore file.
#[test]
fn the_build_has_what_it_copies() {
    let ignored = files::text("deploy/image/Dockerfile.dockerignore");
    let copies = instructions().into_iter().filter(|(word, rest)| word == "COPY" && !rest.starts_with("--from"));
    for (_, rest) in copies {
        let words: Vec<&str> = rest.split(' ').collect();
        for source in &words[..words.len() - 1] {
            assert!(files::path(source).exists(), "{source}");
            assert!(ignored.contains(&format!("!{source}\n")), "{source} is ignored");
        }
    }
    let members = files::text("Cargo.toml");
    assert!(members.contains("members = [\"models\", \"tests/testbed\"]"), "a new member must be copied too");
}

#[test]
fn every_action_is_pinned_by_its_commit_and_no_workflow_has_rights_by_default() {
    let mut pins = BTreeSet::new();
    for name in files::names(WORKFLOWS, ".yaml") {
        let text = files::text(&format!("{WORKFLOWS}/{name}"));
        assert!(text.contains("\npermissions: {}\n"), "{name} has the forge's default rights");
        for line in text.lines().filter_map(|l| l.trim_start().trim_start_matches("- ").strip_prefix("uses: ")) {
            let (action, rest) = line.split_once('@').unwrap_or_else(|| panic!("{name}: {line}"));
            let (commit, version) =
                rest.split_once(" # v").unwrap_or_else(|| panic!("{name}: {line} names no version"));
            assert!(commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{name}: {line}");
            pins.insert((action.to_owned(), commit.to_owned(), version.to_owned()));
        }
    }
    let actions: BTreeSet<&String> = pins.iter().map(|(action, ..)| action).collect();
    assert_eq!(actions.len(), pins.len(), "one action in two versions: {pins:?}");
}

/// The text of each workflow.
fn workflows() -> Vec<(String, String)> {
    let text = |name: String| (name.clone(), files::text(&format!("{WORKFLOWS}/{name}")));
    files::names(WORKFLOWS, ".yaml").into_iter().map(text).collect()
}

/// Revision and version are compiled in: named otherwise than by `.ci/reproducible` and `build.sh`, the program is another one.
#[test]
fn the_release_builds_what_was_proven() {
    let release = files::text(&format!("{WORKFLOWS}/release.yaml"));
    let steps = files::yaml(&format!("{WORKFLOWS}/release.yaml"))["jobs"]["build"]["steps"].clone();
    let push = steps.as_array().unwrap().iter().find(|step| step["id"] == "push").unwrap();
    let arguments: Vec<&str> = push["with"]["build-args"].as_str().unwrap().lines().collect();
    let of = |key: &str| format!("{}={}", key.to_uppercase(), "${{ steps.commit.outputs.KEY }}".replace("KEY", key));
    assert_eq!(arguments, [of("revision"), of("version")]);
    let revision = "git rev-parse --short=12 HEAD";
    for file in ["deploy/image/build.sh", "deploy/image/assemble.sh", ".ci/reproducible"] {
        assert!(files::text(file).contains(revision), "{file} names the revision otherwise");
    }
    assert!(release.contains(&format!("echo \"revision=$({revision})\"")), "{release}");
    assert!(release.contains("echo \"version=${GITHUB_REF_NAME#v}\""), "the label of the version has no v");
}

/// What a workflow installs is the same tomorrow.
#[test]
fn every_tool_that_a_workflow_builds_has_its_version() {
    let mut tools = BTreeSet::new();
    for (name, text) in workflows() {
        for line in text.lines().filter(|line| line.contains("cargo install ")) {
            let words: Vec<&str> = line.split_whitespace().skip_while(|word| *word != "install").collect();
            assert!(words.contains(&"--locked"), "{name}: {line}");
            let version = words.iter().skip_while(|word| **word != "--version").nth(1);
            let version = *version.unwrap_or_else(|| panic!("{name}: {line} has no --version"));
            tools.insert((words[1].to_owned(), version.to_owned()));
        }
    }
    let names: BTreeSet<&String> = tools.iter().map(|(tool, _)| tool).collect();
    assert!(names.len() == tools.len() && names.len() == 2, "one tool in two versions, or another: {tools:?}");
}

/// The bill of materials is checked before it is needed, and Artifact Hub's file is filled in.
#[test]
fn the_release_makes_its_bill_of_materials_as_the_checks_do_and_says_who_publishes() {
    for (name, text) in workflows() {
        assert!(text.contains("run: .ci/sbom ") || text.contains("\n          .ci/sbom "), "{name}");
    }
    let file = "deploy/helm/artifacthub-repo.yml";
    assert_eq!(files::yaml(file)["repositoryID"], "@REPOSITORY_ID@");
    let release = files::text(&format!("{WORKFLOWS}/release.yaml"));
    assert!(release.contains(&format!("s/@REPOSITORY_ID@/$REPOSITORY_ID/\" {file}")), "nobody fills it in");
    assert!(release.contains(&format!("{file}:application/vnd.cncf.artifacthub.repository-metadata.layer.v1.yaml")));
}

#[tokio::test]
async fn actionlint_finds_nothing() {
    if floorcast_testbed::left_out() {
        return;
    }
    let actionlint = Module::Actionlint.built().await.unwrap().join("actionlint");
    let mut lint = tokio::process::Command::new(actionlint);
    // No other linter of the tester's machine: the same answer everywhere.
    lint.args(["-shellcheck=", "-pyflakes=", "-no-color"]);
    lint.args(files::names(WORKFLOWS, ".yaml").iter().map(|name| files::path(WORKFLOWS).join(name)));
    command::run(lint, None).await.unwrap();
}
