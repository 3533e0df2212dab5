//! Sends of the test client.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use super::Client;

impl Client {
    pub(crate) fn message_request(&mut self, to: &str, content: &str) -> Request<Bytes> {
        let own = format!("\"Type\":1,\"Content\":{}", Value::from(content));
        self.send_request("webwxsendmsg", "", &own, to, 0)
    }

    /// Builds a send; `own` is the start of `Msg`.
    pub(crate) fn send_request(
        &mut self,
        call: &str,
        query: &str,
        own: &str,
        to: &str,
        scene: u8,
    ) -> Request<Bytes> {
        self.sends += 1;
        let id = format!("{}0{:03}", self.now(), self.sends);
        let body = self.body(&format!(
            "BASE,\"Msg\":{{{own},\"FromUserName\":\"{}\",\"ToUserName\":\"{to}\",\"LocalID\":\"{id}\",\"ClientMsgId\":\"{id}\"}},\"Scene\":{scene}",
            self.me
        ));
        self.post(&self.call(call, query), body)
    }

    pub(crate) fn app_request(
        &mut self,
        call: &str,
        query: &str,
        own: &str,
        scene: u8,
    ) -> Request<Bytes> {
        self.send_request(call, query, own, "filehelper", scene)
    }

    pub(crate) fn app(&mut self, call: &str, query: &str, own: &str, scene: u8) -> Response<Bytes> {
        let request = self.app_request(call, query, own, scene);
        self.send(&request)
    }

    /// Sends an uploaded picture or video.
    pub(crate) fn picture(&mut self, call: &str, kind: u8, media_id: &str) -> Response<Bytes> {
        let own = format!("\"Type\":{kind},\"MediaId\":\"{media_id}\",\"Content\":\"\"");
        self.app(call, "fun=async&f=json", &own, 0)
    }

    /// Sends an emoticon by its `MediaId` or its `EMoticonMd5`.
    pub(crate) fn emoticon(&mut self, key: &str, value: &str) -> Response<Bytes> {
        let own = format!("\"Type\":47,\"EmojiFlag\":2,\"{key}\":\"{value}\"");
        self.app("webwxsendemoticon", "fun=sys", &own, 0)
    }

    /// Returns the XML of an uploaded file's message, as a JSON string.
    pub(crate) fn file_xml(&self, media_id: &str) -> Value {
        let media = self.simulator.world().upload_of(media_id).cloned().expect("an upload");
        let name = media.name.replace('&', "&amp;").replace('<', "&lt;");
        let (size, ext) = (media.size, media.name.rsplit_once('.').map_or("", |(_, ext)| ext));
        Value::from(format!(
            "<appmsg appid='wxeb7ec651dd0aefa9' sdkver=''><title>{name}</title><des></des><action></action><type>6</type><content></content><url></url><lowurl></lowurl><appattach><totallen>{size}</totallen><attachid>{media_id}</attachid><fileext>{ext}</fileext></appattach><extinfo></extinfo></appmsg>"
        ))
    }

    /// Sends an uploaded file.
    pub(crate) fn file(&mut self, media_id: &str) -> Response<Bytes> {
        let own = format!("\"Type\":6,\"Content\":{}", self.file_xml(media_id));
        self.app("webwxsendappmsg", "fun=async&f=json", &own, 0)
    }

    pub(crate) fn revoke(&mut self, msg_id: &str, to: &str, own: &str) -> Response<Bytes> {
        let fields = format!(
            "BASE,\"SvrMsgId\":\"{msg_id}\",\"ToUserName\":\"{to}\",\"ClientMsgId\":\"{own}\""
        );
        self.ask("webwxrevokemsg", "", &fields)
    }

    pub(crate) fn message(&mut self, to: &str, content: &str) -> Response<Bytes> {
        let request = self.message_request(to, content);
        self.send(&request)
    }
}
