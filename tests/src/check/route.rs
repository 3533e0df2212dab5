//! The calls: their addresses, and the form, check and effect of their requests.

use crate::check::Check;
use crate::wire::reply::Answer;
use crate::wire::request::Decoded;
use crate::world::World;
use crate::world::layout::Role;

/// A call: its address, the form of its requests, its check and its effect.
pub(crate) struct Route {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) role: Role,
    pub(crate) accept: &'static str,
    pub(crate) post: bool,
    pub(crate) content_type: &'static str,
    /// Whether it is requested as a range of all bytes.
    pub(crate) ranged: bool,
    /// Whether it needs a session.
    pub(crate) session: bool,
    pub(crate) check: fn(&mut Check<'_>),
    /// Answers a valid request.
    pub(crate) act: fn(&mut World, &Decoded) -> Answer,
}

const DATA: &str = "application/json, text/plain, */*";
const JSON: &str = "application/json;charset=UTF-8";
/// The start of most paths.
const PREFIX: &str = "/cgi-bin/mmwebwx-bin/";

impl Route {
    pub(crate) const fn new(
        name: &'static str,
        path: &'static str,
        check: fn(&mut Check<'_>),
        act: fn(&mut World, &Decoded) -> Answer,
    ) -> Self {
        Self {
            name,
            path,
            role: Role::Api,
            accept: DATA,
            post: false,
            content_type: "",
            ranged: false,
            session: true,
            check,
            act,
        }
    }

    /// Returns a GET route whose name is its path without the [`PREFIX`].
    pub(crate) const fn get(
        path: &'static str,
        check: fn(&mut Check<'_>),
        act: fn(&mut World, &Decoded) -> Answer,
    ) -> Self {
        Self::new(path.split_at(PREFIX.len()).1, path, check, act)
    }

    pub(crate) const fn post(
        path: &'static str,
        check: fn(&mut Check<'_>),
        act: fn(&mut World, &Decoded) -> Answer,
    ) -> Self {
        Self { post: true, content_type: JSON, ..Self::get(path, check, act) }
    }

    pub(crate) const fn at(self, role: Role, accept: &'static str) -> Self {
        Self { role, accept, ..self }
    }

    pub(crate) const fn with_content_type(self, content_type: &'static str) -> Self {
        Self { content_type, ..self }
    }

    pub(crate) const fn ranged(self) -> Self {
        Self { ranged: true, ..self }
    }

    pub(crate) const fn open(self) -> Self {
        Self { session: false, ..self }
    }
}
