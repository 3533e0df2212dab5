//! Faults, as data.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::routes::ALL;
use crate::serve::problem::Problem;
use crate::server::injection::{Cut, Effect, Injection};

/// A fault to inject.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFault {
    /// The call, such as `webwxsendmsg`.
    pub(crate) endpoint: String,
    /// The effect of the fault.
    pub(crate) effect: FaultEffect,
    /// The number of calls that are left intact first. Default: 0.
    #[serde(default)]
    pub(crate) after: usize,
    /// The number of calls with the fault. Default: 1.
    #[serde(default = "once")]
    pub(crate) times: usize,
    /// Whether all calls have the fault; `times` is then ignored. Default: false.
    #[serde(default)]
    pub(crate) always: bool,
}

const fn once() -> usize {
    1
}

/// The effect of a fault: an object with one key, or `"alter"`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum FaultEffect {
    /// Cuts the connection.
    Cut(Cut),
    /// Delays the answer by this number of milliseconds.
    DelayMs(u64),
    /// Answers with this code, in the form of the call's own refusals.
    Refuse {
        /// `Ret`.
        ret: i64,
        /// `ErrMsg`.
        #[serde(default)]
        message: String,
    },
    /// Answers with exactly this reply.
    Reply {
        /// The HTTP status.
        status: u16,
        /// The content type. Default: `text/html`.
        content_type: Option<String>,
        /// The body.
        #[serde(default)]
        body: String,
    },
    /// Answers as usual, but stores something else: the last byte of an uploaded file is changed, and the last
    /// member named in `webwxcreatechatroom` or `webwxupdatechatroom` does not join or leave. A test uses this
    /// to prove that it detects such a change.
    Alter,
}

/// The calls whose effect can be altered.
const ALTERED: [&str; 4] =
    ["webwxuploadmedia", "webwxuploadmediaparallel", "webwxcreatechatroom", "webwxupdatechatroom"];

impl NewFault {
    /// Builds the fault.
    pub(crate) fn build(&self) -> Result<Injection, Problem> {
        if !ALL.iter().any(|route| route.name == self.endpoint) {
            let names: Vec<&str> = ALL.iter().map(|route| route.name).collect();
            let reason = format!("`{}` is not one of {}", self.endpoint, names.join(", "));
            return Err(Problem::at("endpoint", reason));
        }
        let effect = match &self.effect {
            FaultEffect::Cut(part) => Effect::Cut(*part),
            FaultEffect::DelayMs(time) => Effect::Delay(Duration::from_millis(*time)),
            FaultEffect::Refuse { ret, message } => {
                Effect::Refuse { ret: *ret, message: message.clone() }
            }
            FaultEffect::Reply { status, content_type, body } => {
                let content_type = content_type.as_deref().unwrap_or("text/html");
                let status =
                    StatusCode::from_u16(*status).ok().filter(|status| status.as_u16() >= 200);
                let status = status.ok_or_else(|| {
                    Problem::at("effect.reply.status", "not a status from 200 to 999")
                })?;
                let content_type = HeaderValue::from_str(content_type)
                    .map_err(|error| Problem::at("effect.reply.content_type", error.to_string()))?;
                let mut reply = Response::new(body.clone().into());
                *reply.status_mut() = status;
                reply.headers_mut().insert(HeaderName::from_static("content-type"), content_type);
                Effect::Reply(reply)
            }
            FaultEffect::Alter if !ALTERED.contains(&&*self.endpoint) => {
                let reason = format!("`alter` is only for {}", ALTERED.join(", "));
                return Err(Problem::at("effect", reason));
            }
            FaultEffect::Alter => Effect::Alter,
        };
        if self.times == 0 {
            return Err(Problem::at("times", "0: no call would have the fault"));
        }
        let times = if self.always { None } else { Some(self.times) };
        Ok(Injection::new(&self.endpoint, effect).after(self.after).times(times))
    }
}
