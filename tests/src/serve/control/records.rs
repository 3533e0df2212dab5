//! Records of the client's requests and their effects.

use http::header;
use serde::Serialize;
use utoipa::ToSchema;

use crate::media::Asset;
use crate::session::{Code, Stage as CodeStage};
use crate::wire::text::off_the_wire;
use crate::world::World;

/// A record with its number.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Numbered<T> {
    /// The number.
    number: usize,
    #[serde(flatten)]
    record: T,
}

/// The state of the account and its client.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct StateRecord {
    /// The stage of the login or the session.
    stage: Stage,
    /// The code of an ended session: 1100, 1101 or 1102; otherwise null.
    end_code: Option<i64>,
    /// The `uuid` of the newest login; null before the first.
    uuid: Option<String>,
    /// The content of the newest QR code; null before the first.
    qr_code: Option<String>,
    /// The account's `UserName`.
    account_id: String,
    /// The account's name.
    account_name: String,
    /// The world's clock, in milliseconds since the epoch.
    now: u64,
}

/// The stage of the login or the session.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// There has been no login.
    #[default]
    Idle,
    /// The QR code is shown, or the phone asks to confirm a push login.
    Shown,
    /// The QR code was scanned.
    Scanned,
    /// The login was confirmed; the client has not started its session.
    Confirmed,
    /// The login was cancelled.
    Cancelled,
    /// The QR code has expired.
    Expired,
    /// The login failed with an error of the service.
    Broken,
    /// The client has a session.
    Online,
    /// The session has ended. `end_code` has the code: 1101 also if the client logged out.
    Ended,
}

/// A request of the client.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct RequestRecord {
    /// The number.
    number: usize,
    /// The name of the account that it belongs to.
    account: String,
    /// The call, such as `webwxsync`; for an unknown one, its path.
    endpoint: String,
    /// The method.
    method: String,
    /// The host.
    host: String,
    /// The path and the query.
    target: String,
    /// The HTTP status of the reply; null while it is held.
    status: Option<u16>,
    /// The violations. The list `violations` has their grades.
    violations: Vec<String>,
    /// The highest grade of its violations: `fatal`, `deviation` or `note`; null without any.
    grade: Option<String>,
    /// The world's clock when it arrived, in milliseconds since the epoch.
    at: u64,
}

/// A message that the client sent.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct SentRecord {
    /// The number.
    number: usize,
    /// The call, such as `webwxsendmsg`.
    endpoint: String,
    /// The recipient's `UserName`.
    to: String,
    /// The recipient's name.
    to_name: String,
    /// `Type`: 1 text, 3 image, 6 file …
    msg_type: i64,
    /// The text or XML.
    content: String,
    /// The id of the upload; may be empty.
    media_id: String,
    /// The name of a file; may be empty.
    file_name: String,
    /// The MD5 of an emoticon; may be empty.
    emoticon_md5: String,
    /// The `UserName`s of mentioned persons.
    mentions: Vec<String>,
    /// The id that the client gave the message.
    client_msg_id: String,
    /// The id that the service gave the message.
    msg_id: String,
    /// The number of repetitions, which were not delivered again.
    repeats: usize,
    /// Whether the client revoked it.
    revoked: bool,
    /// The world's clock when it first arrived, in milliseconds since the epoch.
    at: u64,
}

/// A download.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct DownloadRecord {
    /// The number.
    number: usize,
    /// `image`, `voice`, `video`, `map`, `file`, `icon` or `room_icon`.
    kind: &'static str,
    /// The `MsgId`, the `MediaId` of a file, or the `UserName` of an icon.
    id: String,
    /// The HTTP status.
    status: u16,
    /// The number of bytes sent.
    bytes: usize,
    /// The world's clock, in milliseconds since the epoch.
    at: u64,
}

impl<T: Clone> Numbered<T> {
    pub(super) fn of(records: &[T], number: usize) -> Option<Self> {
        Some(Self { number, record: records.get(number)?.clone() })
    }
}

impl StateRecord {
    pub(super) fn of(world: &World) -> Self {
        let code = world.codes.last();
        let session = world.session.as_ref();
        let end_code = session.and_then(|session| session.ended);
        let stage = match (session, code) {
            (_, Some(code)) if !code.redeemed => match code.stage {
                CodeStage::Shown => Stage::Shown,
                CodeStage::Scanned => Stage::Scanned,
                CodeStage::Confirmed => Stage::Confirmed,
                CodeStage::Cancelled => Stage::Cancelled,
                CodeStage::Expired => Stage::Expired,
                CodeStage::Broken => Stage::Broken,
            },
            (Some(_), _) if end_code.is_some() => Stage::Ended,
            (Some(session), _) if session.initialised => Stage::Online,
            (Some(_), _) => Stage::Confirmed,
            (None, _) => Stage::Idle,
        };
        Self {
            stage,
            end_code,
            uuid: code.map(|code| code.uuid.clone()),
            qr_code: code.map(|code| Code::url(&code.uuid)),
            account_id: world.account().user_name.clone(),
            account_name: off_the_wire(&world.account().nick_name),
            now: world.now(),
        }
    }
}

impl RequestRecord {
    pub(super) fn of(world: &World, number: usize) -> Option<Self> {
        let logged = world.log().get(number)?;
        let (uri, headers) = (logged.request.uri(), logged.request.headers());
        let host = headers.get(header::HOST).map(|host| String::from_utf8_lossy(host.as_bytes()));
        let violations = world.violations().get(logged.violations.clone()).unwrap_or_default();
        Some(Self {
            number,
            account: off_the_wire(&world.account().nick_name),
            endpoint: logged.endpoint.clone(),
            method: logged.request.method().to_string(),
            host: host.unwrap_or_default().into_owned(),
            target: uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            status: logged.status.map(|status| status.as_u16()),
            grade: violations.iter().map(|found| found.grade).max().map(|found| found.to_string()),
            violations: violations.iter().map(|violation| violation.what.clone()).collect(),
            at: logged.at,
        })
    }
}

impl SentRecord {
    pub(super) fn of(world: &World, number: usize) -> Option<Self> {
        let found = world.sent().get(number)?.clone();
        let to = world.person(&found.to);
        Some(Self {
            number,
            endpoint: found.endpoint,
            to_name: to.map(|to| off_the_wire(&to.nick_name)).unwrap_or_default(),
            to: found.to,
            msg_type: found.msg_type,
            content: found.content,
            media_id: found.media_id,
            file_name: found.file.map(|file| file.name).unwrap_or_default(),
            emoticon_md5: found.emoticon_md5,
            mentions: found.mentions,
            client_msg_id: found.client_msg_id,
            msg_id: found.msg_id,
            repeats: found.repeats,
            revoked: found.revoked,
            at: found.at,
        })
    }
}

impl DownloadRecord {
    pub(super) fn of(world: &World, number: usize) -> Option<Self> {
        let found = world.fetched().get(number)?;
        let (kind, id) = match &found.asset {
            Asset::Image(id, _) => ("image", id),
            Asset::Voice(id) => ("voice", id),
            Asset::Video(id) => ("video", id),
            Asset::Map(id) => ("map", id),
            Asset::File(id) => ("file", id),
            Asset::Icon(id, _) => ("icon", id),
            Asset::HeadImg(id) => ("room_icon", id),
        };
        let (status, bytes, at) = (found.status, found.bytes, found.at);
        Some(Self { number, kind, id: id.clone(), status, bytes, at })
    }
}
