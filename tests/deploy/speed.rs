//! What a person waits for. The machine that tests may be full: the best of many tries is judged, as what the work itself takes.

use crate::chart::Helm;
use std::time::{Duration, Instant};

const TRIES: usize = 20;

#[tokio::test]
async fn the_charts_defaults_are_rendered_within_a_second() {
    if floorcast_testbed::left_out() {
        return;
    }
    let (helm, mut best) = (Helm::built().await, Duration::MAX);
    for _ in 0..TRIES {
        let begun = Instant::now();
        helm.template(&[]).await.unwrap();
        best = best.min(begun.elapsed());
        if best <= Duration::from_secs(1) {
            break;
        }
    }
    println!("helm template of the defaults took {:.2} s", best.as_secs_f64());
    assert!(best <= Duration::from_secs(1), "{best:?} at best");
}
