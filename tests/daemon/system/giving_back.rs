//! Scenario 3: whoever wrote the HPA gets his own floor back, and applies again as if we had never been there.

use floorcast_testbed::workload::{Shape, floor_of};
use floorcast_testbed::{Error, wait};

use crate::system::applier::{Applier, Way};
use crate::system::ground::SECOND;
use crate::system::record::{Record, floor, mark, owners, traces};
use crate::system::shared::{Shared, ShowLog, shared};

/// What the owner does while a floor is held.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    Nothing,
    /// He applies the same manifest, and it is refused in our name.
    IsRefused,
    /// He applies the same manifest, which resets the value; the floor comes back.
    Reverts,
    /// He applies without the field; the floor stays.
    LeavesItOut,
    /// He applies what he finds, several times.
    Copies,
}

struct Case {
    namespace: &'static str,
    way: Way,
    /// `minReplicas` of the manifest.
    min: Option<u32>,
    meanwhile: Meanwhile,
    /// `minReplicas` of the manifest that is applied at the end.
    later: Option<u32>,
    /// What the HPA must have after giving back and after that.
    base: u32,
}

const fn case(namespace: &'static str, way: Way, min: Option<u32>, meanwhile: Meanwhile) -> Case {
    let base = match min {
        Some(min) => min,
        None => 1,
    };
    Case { namespace, way, min, meanwhile, later: min, base }
}

#[tokio::test]
async fn scenario_3_every_owner_gets_his_floor_back_and_applies_again_without_force() {
    let Some(shared) = shared().await else { return };
    let cases = [
        case("client-side", Way::ClientSide, Some(2), Meanwhile::Reverts),
        case("server-side", Way::ServerSide, Some(2), Meanwhile::IsRefused),
        case("server-side-without", Way::ServerSide, None, Meanwhile::LeavesItOut),
        case("posted", Way::Client, Some(2), Meanwhile::Nothing),
        Case { later: None, ..case("dropped", Way::ServerSide, Some(3), Meanwhile::LeavesItOut) },
        case("argo", Way::ArgoCopy, Some(2), Meanwhile::Copies),
        case("flux", Way::Flux, Some(2), Meanwhile::Reverts),
        case("flux-ignoring", Way::FluxIgnoring, Some(2), Meanwhile::Copies),
    ];
    let results = futures::future::join_all(cases.iter().map(|case| run(shared, case))).await;
    let failures: Vec<String> = cases
        .iter()
        .zip(results)
        .filter_map(|(case, result)| Some(format!("{}: {}", case.namespace, result.err()?)))
        .collect();
    let _log = ShowLog(shared, failures.first().and_then(|f| f.split(':').next()).unwrap_or("").to_owned());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

async fn run(shared: &'static Shared, case: &Case) -> Result<(), Error> {
    let ground = &shared.ground;
    let owner = Applier::new(&ground.cluster, case.namespace);
    let web = ground.deployment(shared.busy(case.namespace)).await;
    owner.write(case.way, "live", case.min).await?;
    let record = Record::start(ground.cluster.client().await?, case.namespace, "web");

    let held = shared.wait_floor(&web, 7).await?;
    same("base while held", mark(&held, "base"), Some(case.base.to_string().as_str()))?;
    meanwhile(shared, case, &owner).await?;

    // Opting out hands it back at once.
    web.annotate("floorcast.io/mode", Some("shadow")).await?;
    let back = web
        .wait_hpa("given back", 30 * SECOND, |hpa| match traces(hpa) {
            left if left.is_empty() => Ok(()),
            left => Err(format!("minReplicas {} with {left:?}", floor_of(hpa))),
        })
        .await?;
    same("minReplicas given back", floor_of(&back), case.base)?;
    if owners(&back).iter().any(|owner| owner.starts_with("floorcast")) {
        return Err(Error::Unexpected(format!("we still own the field: {:?}", owners(&back))));
    }
    // And the owner goes on as before, without force.
    owner.write(case.way, "shadow", case.later).await?;
    wait::throughout("the owner's value", 2 * SECOND, || async {
        let hpa = web.hpa().await.map_err(|e| e.to_string())?;
        if floor_of(&hpa) == case.base { Ok(()) } else { Err(format!("minReplicas {}", floor_of(&hpa))) }
    })
    .await?;
    foreign(&record)
}

async fn meanwhile(shared: &'static Shared, case: &Case, owner: &Applier) -> Result<(), Error> {
    let web = owner.workload().await?;
    let held = floor(&web.hpa().await?).unwrap_or(0);
    match case.meanwhile {
        Meanwhile::Nothing => return Ok(()),
        Meanwhile::IsRefused => {
            let refused =
                owner.write(case.way, "live", case.min).await.err().map(|e| e.to_string()).unwrap_or_default();
            if !refused.contains("conflict with \"floorcast\"") {
                return Err(Error::Unexpected(format!("the apply was not refused in our name: {refused:?}")));
            }
        }
        Meanwhile::Reverts => {
            owner.write(case.way, "live", case.min).await?;
            shared.wait_floor(&web, held).await?;
        }
        Meanwhile::LeavesItOut => owner.write(case.way, "live", None).await?,
        Meanwhile::Copies => {
            for _ in 0..4 {
                owner.write(case.way, "live", case.min).await?;
                tokio::time::sleep(SECOND).await;
                same("base after a copy", mark(&web.hpa().await?, "base"), Some(case.base.to_string().as_str()))?;
            }
        }
    }
    wait::throughout("the floor stays", 2 * SECOND, || async {
        let hpa = web.hpa().await.map_err(|e| e.to_string())?;
        match floor(&hpa) {
            Some(floor) if floor_of(&hpa) == floor && floor >= held => Ok(()),
            other => Err(format!("floor {other:?}, minReplicas {}", floor_of(&hpa))),
        }
    })
    .await
}

/// Only the owner's own writes may change anything but our fields: his annotation `mode`, and what kubectl notes.
fn foreign(record: &Record) -> Result<(), Error> {
    let mut foreign = record.foreign_changes();
    foreign.retain(|change| {
        !change.starts_with("/metadata/annotations/floorcast.io~1mode")
            && !change.starts_with("/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration")
    });
    same("changes that are nobody's", foreign, Vec::new())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Unexpected(format!("{what}: {found:?} instead of {expected:?}")))
}

/// Opting out by removing the annotation hands back as well.
#[tokio::test]
async fn scenario_3_removing_the_annotation_hands_back() {
    let Some(shared) = shared().await else { return };
    let _log = ShowLog(shared, "opted-out".to_owned());
    let web = shared.ground.workload(shared.busy("opted-out"), &crate::system::ground::live()).await;
    shared.wait_floor(&web, 7).await.unwrap();
    web.annotate("floorcast.io/mode", None).await.unwrap();
    let hpa = web.wait_min_replicas(Shape::default().min, 30 * SECOND).await.unwrap();
    let after = web
        .wait_hpa("no trace", 10 * SECOND, |hpa| {
            if traces(hpa).is_empty() { Ok(()) } else { Err(format!("{:?}", traces(hpa))) }
        })
        .await
        .unwrap();
    assert_eq!(floor_of(&hpa), floor_of(&after));
}
