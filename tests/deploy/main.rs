//! What is shipped beside the program: manifests, alerts, dashboards, chart, policies, image, and the reference made from the
//! code. Wherever promtool, Prometheus, Helm, kubectl or the API server decides, the real one is asked.
#![allow(clippy::unwrap_used)]

mod alerts;
mod chart;
mod cluster;
mod dashboards;
mod docs;
mod files;
mod forge;
mod gatekeeper;
mod image;
mod krew;
mod kubeconform;
mod manifests;
mod panels;
mod picture;
mod reference;
mod schemas;
mod speed;
mod web_page;
