//! How the controller writes an amount into `status.currentMetrics`.

/// The notation of a Kubernetes quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Powers of ten: `500m`, `2k`.
    DecimalSi,
    /// Powers of two: `64Mi`.
    BinarySi,
}

impl Format {
    /// The word in the API machinery.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DecimalSi => "DecimalSI",
            Self::BinarySi => "BinarySI",
        }
    }
}

/// An amount in the status: value in milli-units, and notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusQuantity {
    /// Milli-units.
    pub milli: i64,
    /// Its notation.
    pub format: Format,
}

/// The status of a resource's average, `raw` milli-units: memory in powers of two, everything else in powers of ten.
pub fn status_quantity(resource: &str, raw: i64) -> StatusQuantity {
    let format = if resource == "memory" { Format::BinarySi } else { Format::DecimalSi };
    StatusQuantity { milli: raw, format }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_memory_counts_in_powers_of_two() {
        assert_eq!(status_quantity("memory", 1000).format.as_str(), "BinarySI");
        assert_eq!(status_quantity("cpu", 250), StatusQuantity { milli: 250, format: Format::DecimalSi });
        assert_eq!(status_quantity("nvidia.com/gpu", 1).format.as_str(), "DecimalSI");
    }
}
