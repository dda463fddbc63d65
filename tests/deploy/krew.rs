//! The krew manifest: the form that krew and its index ask for, and the archives that the release makes.

use crate::files;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const MANIFEST: &str = "deploy/krew/floorcast.yaml";
const RELEASE: &str = ".github/workflows/release.yaml";

/// Places for the checksums of the archives.
const CHECKSUMS: [&str; 4] = ["@SHA256_AMD64@", "@SHA256_ARM64@", "@SHA256_DARWIN_AMD64@", "@SHA256_DARWIN_ARM64@"];

/// As the release fills it in.
fn filled() -> Value {
    let text = files::text(MANIFEST).replace("@TAG@", "v1.2.3");
    let text = (1..).zip(CHECKSUMS).fold(text, |text, (i, place)| text.replace(place, &i.to_string().repeat(64)));
    assert!(!text.lines().any(|l| !l.starts_with('#') && l.contains('@')), "a place that nobody fills in: {text}");
    serde_saphyr::from_str(&text).unwrap()
}

#[test]
fn the_manifest_has_krews_form() {
    let plugin = filled();
    assert_eq!(plugin["apiVersion"], "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!((&plugin["kind"], &plugin["metadata"]), (&json!("Plugin"), &json!({"name": "floorcast"})));
    let spec = &plugin["spec"];
    assert_eq!(spec["version"], "v1.2.3", "krew wants the v");
    assert_eq!(spec["homepage"], env!("CARGO_PKG_REPOSITORY"));
    // The index refuses longer ones, and full stops.
    let short = spec["shortDescription"].as_str().unwrap();
    assert!(short.len() <= 50 && !short.ends_with('.'), "{short}");
    let known = ["version", "homepage", "shortDescription", "description", "caveats", "platforms"];
    assert!(spec.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{spec}");
    let platforms = spec["platforms"].as_array().unwrap();
    let keys = ["bin", "files", "selector", "sha256", "uri"];
    for platform in platforms {
        assert_eq!(platform.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), keys);
        assert_eq!(platform["sha256"].as_str().unwrap().len(), 64);
    }
    let sums: BTreeSet<&str> = platforms.iter().map(|platform| platform["sha256"].as_str().unwrap()).collect();
    assert_eq!((platforms.len(), sums.len()), (4, 4), "four archives, each with its own");
}

/// Every archive that the manifest names is one that the release packs, with what the manifest takes out of it.
#[test]
fn the_release_makes_what_the_manifest_names() {
    // A command may go on in the next line.
    let release = files::text(RELEASE).replace("\\\n", "");
    for platform in filled()["spec"]["platforms"].as_array().unwrap() {
        let labels = &platform["selector"]["matchLabels"];
        let (os, arch) = (labels["os"].as_str().unwrap(), labels["arch"].as_str().unwrap());
        let archive = format!("kubectl-floorcast_{os}_{arch}.tar.gz");
        let uri = format!("{}/releases/download/v1.2.3/{archive}", env!("CARGO_PKG_REPOSITORY"));
        assert_eq!(platform["uri"], uri);
        let tar = release.lines().find(|line| line.contains("tar ") && line.contains(&format!("_{os}_"))).unwrap();
        if os == "linux" {
            assert!(release.contains(&format!("=$(pack {arch} ")), "{arch} is not packed");
            assert!(release.contains(&format!("platform: {os}/{arch}")), "{os}/{arch} is not built");
            assert!(tar.contains(&format!("dist/{}", archive.replace(arch, "$1"))), "{tar}");
        } else {
            assert!(release.contains(&format!(" {arch}:")) && release.contains(&format!("$(sum {arch})")), "{arch}");
            assert!(tar.contains(&archive.replace(arch, "${pair%%:*}")), "{tar}");
        }
        // kubectl finds a plugin by this name.
        assert_eq!(platform["bin"], "kubectl-floorcast");
        let taken: Vec<&str> =
            platform["files"].as_array().unwrap().iter().map(|file| file["from"].as_str().unwrap()).collect();
        assert_eq!(taken, ["kubectl-floorcast", "LICENSE"]);
        assert!(taken.iter().all(|file| tar.split(' ').any(|word| word == *file)), "{tar}");
    }
    for place in CHECKSUMS.iter().chain(&["@TAG@"]) {
        assert!(release.contains(&format!("s/{place}/")), "the release does not fill in {place}");
    }
}
