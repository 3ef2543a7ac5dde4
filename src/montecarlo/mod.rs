//! Many replications: every plan under the same luck, folded into exact sums.

pub mod compare;
pub mod estimate;
pub mod observe;
pub mod replicate;
pub mod stopping;
