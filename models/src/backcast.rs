//! Does load over target per replica give the replicas that the HPA itself wanted? (`DerivationMismatch`)
