//! Handing floors back without a daemon: `release` at once, the janitor by the ramp. The same decisions and the same
//! protocol as the daemon's; only the authority differs.

use crate::{
    config::Config,
    kubernetes::{Workload, apply::Authority, apply::Sent, apply::Writer},
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    budget::Grant,
    decide::{self, Derivation, Evidence, Memory, Situation},
    policy::{Directive, LeadTime, Mode, Policy},
    protocol::{self, Action, Identity, Next},
    target::{Hold, Holder, Target},
};

/// How floors are handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// At once, and in peace for this long.
    Release {
        /// No floor is acquired before this has passed.
        peace: TimeDelta,
    },
    /// By the ramp, one step, where peace was asked for on the object beforehand.
    Drain,
    /// By the ramp, one step, where `until` has passed.
    Expired,
}

/// Who hands back.
#[derive(Clone, Debug)]
pub struct Who {
    /// Namespace of our Lease: another installation's floor is left alone until its `until`.
    pub namespace: String,
    /// For the book-keeping on the object.
    pub identity: String,
    /// A person decides: floors of other installations too.
    pub person: bool,
}

/// What is to be written to this HPA now, if anything.
pub fn order(now: DateTime<Utc>, workload: &Workload, how: How, who: &Who, config: &Config) -> Next {
    let mut target = workload.target.clone();
    let directive = match how {
        How::Release { peace } => {
            target.released_until = Some(now + peace);
            Directive::Release
        }
        How::Drain => Directive::Drain,
        How::Expired if expired(now, &target) => Directive::Drain,
        How::Expired => Directive::Freeze,
    };
    let policy = policy(config);
    let evidence = nothing_known(config);
    let situation = Situation {
        now,
        target: &target,
        policy: &policy,
        plan: None,
        openings: &[],
        evidence: &evidence,
        directive,
        lead: TimeDelta::minutes(5),
    };
    let memory = Memory::default();
    let proposal = decide::propose(&situation, &memory);
    let (decision, memory) = decide::finish(&situation, proposal, Grant::UNLIMITED, memory);
    protocol::next(now, &target, &decision, &policy, &identity(&target, who), memory).0
}

/// Sends it under the authority of a command.
pub async fn send(writer: &Writer, workload: &Workload, next: &Next) -> Option<Sent> {
    if next.action == Action::None {
        return None;
    }
    Some(writer.send(workload, &next.action, next.urgency, Authority::Command).await)
}

/// `until` has passed, or cannot be read any more.
fn expired(now: DateTime<Utc>, target: &Target) -> bool {
    match &target.hold {
        Hold::Held(held) => held.until <= now,
        Hold::Damaged { .. } => true,
        Hold::Free | Hold::Newer { .. } => false,
    }
}

/// The lease and epoch that stand on the object: what hands back is no leader and outlives none.
fn identity(target: &Target, who: &Who) -> Identity {
    let (namespace, lease_uid, epoch) = match &target.hold {
        Hold::Held(held) => (held.holder.namespace.clone(), held.holder.lease_uid.clone(), held.epoch),
        _ => (who.namespace.clone(), String::new(), 0),
    };
    let namespace = if who.person { namespace } else { who.namespace.clone() };
    Identity { holder: Holder { namespace, lease_uid, identity: who.identity.clone() }, epoch }
}

fn policy(config: &Config) -> Policy {
    let (defaults, guard) = (&config.defaults, &config.guard);
    Policy {
        mode: Mode::Live,
        quantile: defaults.quantile.get(),
        lead: LeadTime::Auto,
        base: None,
        max_floor: None,
        admin_cap: None,
        zone: defaults.timezone.0,
        model: defaults.choice(),
        ramp: guard.ramp(),
        respect: guard.respect.get(),
        longest_hold: guard.longest_hold.get(),
        rails: config.rails(),
        schedule: std::sync::Arc::default(),
    }
}

fn nothing_known(config: &Config) -> Evidence {
    Evidence {
        newest_sample: None,
        step: config.defaults.step.get(),
        distrust: None,
        own_wish: None,
        most_needed: None,
        event: None,
        derivation: Derivation::Unchecked,
    }
}
