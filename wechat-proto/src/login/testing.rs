//! A driver that runs logins against a list of replies.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Progress, Redirect};
use crate::error::FailureKind;
use crate::flow::Request;
use crate::testing::{Host, failed, ok};
use crate::{Device, Error, Flow, Input};

pub(super) const CODE: &str = "window.QRLogin.code = 200; window.QRLogin.uuid = \"gf5Gk61zEA==\";";
pub(super) const PENDING: &str = "window.code=408;";
pub(super) const SCANNED: &str = "window.code=201;window.userAvatar = 'data:img/jpg;base64,/9j';";
pub(super) const CANCELLED: &str = "window.code=202;";
pub(super) const EXPIRED: &str = "window.code=400;";
pub(super) const PAGE: &str = "<error><ret>0</ret><message>OK</message><skey>@crypt_1</skey><wxsid>s1d</wxsid><wxuin>752650838</wxuin><pass_ticket>t%2B</pass_ticket></error>";
pub(super) const REFUSED: &str =
    "<error><ret>1203</ret><message>为了你的帐号安全</message></error>";
pub(super) const INIT: &str = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me","Uin":752650838,"NickName":"Z"},"ContactList":[{"UserName":"@a","NickName":"A"}],"ChatSet":"@a,@@r,","SyncKey":{"Count":1,"List":[{"Key":1,"Val":5}]},"SKey":"@crypt_2"}"#;
pub(super) const EMPTY: &str = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me","Uin":752650838},"SyncKey":{"Count":0,"List":[]},"SKey":""}"#;
pub(super) const DONE: &str = r#"{"BaseResponse":{"Ret":0}}"#;

pub(super) const PUSHED: &str = r#"{"ret":"0","msg":"all ok","uuid":"4ZqTbsnBgQ=="}"#;
pub(super) const UNKNOWN: &str = r#"{"ret":"1","msg":"device authinfo invalid"}"#;

/// Returns the confirmation of a scan, which leads to a host.
pub(super) fn confirmed(host: &str) -> String {
    format!(
        "window.code=200;\nwindow.redirect_uri=\"https://{host}{}?ticket=BXegf@qrticket_0&uuid=Ye==&lang=zh_CN&scan=1\";",
        Redirect::PATH
    )
}

/// A flow, its device, and the next replies.
pub(super) struct Stage<F> {
    pub(super) host: Host,
    pub(super) flow: F,
    pub(super) device: Device,
    pub(super) replies: VecDeque<Input>,
}

impl<F: Flow<State = Device, Output = Progress>> Stage<F> {
    pub(super) fn of(flow: F, replies: &[&str]) -> Self {
        let (host, device) = (Host::new(), Device::new());
        let mut stage = Self { host, flow, device, replies: VecDeque::new() };
        stage.then(replies);
        stage
    }

    /// Adds replies; `!` is a closed connection.
    pub(super) fn then(&mut self, replies: &[&str]) -> &mut Self {
        self.replies.extend(replies.iter().map(|text| match *text {
            "!" => failed(FailureKind::Closed),
            text => ok(text),
        }));
        self
    }

    pub(super) fn then_input(&mut self, input: Input) -> &mut Self {
        self.replies.push_back(input);
        self
    }

    pub(super) fn next(&mut self) -> Result<Progress, Error> {
        let replies = &mut self.replies;
        self.host.run(&mut self.flow, &mut self.device, |_| {
            replies.pop_front().expect("no more requests than replies")
        })
    }

    /// Returns a description of the next output.
    pub(super) fn output(&mut self) -> String {
        match self.next() {
            Ok(Progress::Code { .. }) => "code".into(),
            Ok(Progress::ConfirmOnPhone { .. }) => "on phone".into(),
            Ok(Progress::Scanned { .. }) => "scanned".into(),
            Ok(Progress::Cancelled) => "cancelled".into(),
            Ok(Progress::Closed { ret, .. }) => format!("closed {}", ret.0),
            Ok(Progress::Resumed(_)) => "resumed".into(),
            Ok(Progress::LoggedIn(_)) => "logged in".into(),
            Err(error) => error.to_string(),
        }
    }

    /// Returns a description of the outputs up to the last reply.
    pub(super) fn outputs(&mut self) -> String {
        let mut outputs = Vec::from([self.output()]);
        while !self.replies.is_empty() {
            outputs.push(self.output());
        }
        outputs.join(", ")
    }

    /// Returns the requests: each host with the last segments of the paths, repeated ones once with
    /// their number.
    pub(super) fn requests(&self) -> String {
        let mut words: Vec<(String, usize)> = Vec::new();
        for (host, name) in self.hosts().into_iter().zip(self.requested()) {
            let word = format!("{host}/{name}");
            match words.last_mut() {
                Some((last, count)) if *last == word => *count += 1,
                _ => words.push((word, 1)),
            }
        }
        let word = |(word, count): (String, usize)| {
            if count == 1 { word } else { format!("{word}*{count}") }
        };
        words.into_iter().map(word).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn last(&self) -> &Request {
        self.host.requests.last().unwrap()
    }

    /// Returns the last segments of the paths of all requests.
    pub(super) fn requested(&self) -> Vec<&str> {
        self.host.paths.iter().filter_map(|path| path.rsplit('/').next()).collect()
    }

    pub(super) fn hosts(&self) -> Vec<&str> {
        self.host.requests.iter().map(|request| request.http.uri().host().unwrap()).collect()
    }
}
