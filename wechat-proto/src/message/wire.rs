//! Messages on the wire: `docs/protocol.md` §9.1.

use super::recommend::WireRecommendInfo;
use crate::text::Text;
use crate::wire::object::object;

object! {
    /// A message on the wire: `docs/protocol.md` §9.1.
    #[derive(Clone)]
    pub(crate) struct WireMessage {
        "MsgId" => pub(super) msg_id: Text,
        "FromUserName" => pub(super) from: Text,
        "ToUserName" => pub(super) to: Text,
        "MsgType" => pub(super) msg_type: i64,
        "Content" => pub(super) content: Text,
        "CreateTime" => pub(super) create_time: i64,
        "ImgStatus" => pub(super) img_status: i64,
        "VoiceLength" => pub(super) voice_length: i64,
        "PlayLength" => pub(super) play_length: i64,
        "FileName" => pub(super) file_name: Text,
        "FileSize" => pub(super) file_size: i64,
        "MediaId" => pub(super) media_id: Text,
        "Url" => pub(super) url: Text,
        "AppMsgType" => pub(super) app_msg_type: i64,
        "StatusNotifyCode" => pub(super) status_code: i64,
        "StatusNotifyUserName" => pub(super) status_names: Text,
        "RecommendInfo" => pub(super) recommend_info: WireRecommendInfo,
        "AppInfo" => pub(super) app_info: WireAppInfo,
        "HasProductId" => pub(super) has_product_id: i64,
        "Ticket" => pub(super) ticket: Text,
        "ImgHeight" => pub(super) img_height: i64,
        "ImgWidth" => pub(super) img_width: i64,
        "SubMsgType" => pub(super) sub_msg_type: i64,
        "OriContent" => pub(super) ori_content: Text,
        "EncryFileName" => pub(super) encry_file_name: Text,
    }
}

object! {
    /// The app from which a message was shared.
    #[derive(Clone, Debug)]
    pub(crate) struct WireAppInfo {
        "AppID" => pub(super) app_id: Text,
    }
}
