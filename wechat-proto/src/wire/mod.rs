//! The formats of the wire. The module is private, because parsers return typed values instead of
//! raw fields.

pub(crate) mod document;
pub(crate) mod entities;
pub(crate) mod envelope;
pub(crate) mod fields;
pub(crate) mod html;
pub(crate) mod js;
pub(crate) mod json;
pub(crate) mod lenient;
pub(crate) mod mend;
pub(crate) mod object;
pub(crate) mod query;
pub(crate) mod repair;
pub(crate) mod scalar;
pub(crate) mod xml;

#[cfg(test)]
mod deep_tests;
