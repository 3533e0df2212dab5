//! The corpora of the fuzz targets.

pub(crate) mod corpus;
pub(crate) mod seeds;
