//! The smallest flows there are.

use std::ops::Range;

use bytes::Bytes;
use wechat_proto::error::Failure;
use wechat_proto::flow::{Request, Response};
use wechat_proto::{Device, Flow, Input, Interrupt, Timestamp};

/// Sends one request; its output is what came of it.
pub(crate) struct Ask {
    request: Request,
    reply: Option<Result<Response, Failure>>,
}

impl Ask {
    pub(crate) const fn new(request: Request) -> Self {
        Self { request, reply: None }
    }
}

impl Flow for Ask {
    type State = Device;
    type Output = Result<Response, Failure>;

    fn poll(&mut self, _: &mut Device, _: Timestamp) -> Result<Self::Output, Interrupt> {
        match self.reply.take() {
            Some(reply) => Ok(reply),
            None => Err(Interrupt::Send(Box::new(self.request.clone()))),
        }
    }

    fn handle(&mut self, input: Input) {
        if let Input::Reply(reply) = input {
            self.reply = Some(reply);
        }
    }
}

/// Reads one range of its source; its output is what came of it.
pub(crate) struct Piece {
    range: Range<u64>,
    piece: Option<Result<Bytes, Failure>>,
}

impl Piece {
    pub(crate) const fn new(range: Range<u64>) -> Self {
        Self { range, piece: None }
    }
}

impl Flow for Piece {
    type State = Device;
    type Output = Result<Bytes, Failure>;

    fn poll(&mut self, _: &mut Device, _: Timestamp) -> Result<Self::Output, Interrupt> {
        match self.piece.take() {
            Some(piece) => Ok(piece),
            None => Err(Interrupt::Read(self.range.clone())),
        }
    }

    fn handle(&mut self, input: Input) {
        if let Input::Piece(piece) = input {
            self.piece = Some(piece);
        }
    }
}
