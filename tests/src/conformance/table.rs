//! The table of all checks: promise, grade, and why the protocol breaks or why a difference has no effect.

use super::opened::Bench;
use super::report::{Grade, Seen};
use super::{
    Feature, Promise, encryption, failures, kinds, limits, pauses, plain, requests, streams,
};

/// A row of the table of checks.
pub(crate) struct Check {
    pub(super) name: &'static str,
    pub(super) promise: Promise,
    pub(super) grade: Grade,
    pub(super) reason: &'static str,
    pub(super) needs: &'static [Feature],
    pub(super) run: fn(&Bench) -> Seen,
}

/// Expands to the list of checks, each of them a function of a module.
macro_rules! checks {
    ($($grade:ident $promise:ident $module:ident::$name:ident $([$($feature:ident)*])? => $reason:expr;)*) => {
        /// All checks, in the order of a report.
        pub(super) const CHECKS: &[Check] = &[$(Check {
            name: stringify!($name),
            promise: Promise::$promise,
            grade: Grade::$grade,
            reason: $reason,
            needs: &[$($(Feature::$feature),*)?],
            run: $module::$name,
        }),*];
    };
}

/// Reasons of several checks.
const UNSENT: &str =
    "`Sent::Maybe` is always safe: a send is reported as unanswered instead of unsent";
const MESSAGE: &str =
    "the flow retries as after `Other`; only the message to the user is less exact";
const ATTEMPTS: &str = "the flow reports the failure after three attempts instead of one";
const ENDLESS: &str = "an exchange with a slow server would not end";
const PARTIAL: &str = "a part of a reply would be mistaken for the whole";

checks! {
    Must NoRedirects plain::no_redirect_is_followed =>
        "the target of a redirect may be a foreign host, and the login page is a 301 with a body";
    Must NoCookies plain::no_cookie_is_kept =>
        "cookies belong to the session: a second jar would send those of another login";
    Must NoCookies plain::cookies_come_only_from_the_final_head =>
        "a cookie of an informational reply or a trailer would replace one of the session";
    Must Statuses plain::error_status_is_a_reply =>
        "the status and the body of an error decide how a flow continues";
    Should Statuses plain::reply_has_no_extensions =>
        "flows ignore the extensions, which only keep data of the HTTP client alive";
    Must AsItIs plain::query_is_sent_verbatim =>
        "the service compares tickets and keys byte by byte";
    Should AsItIs plain::apostrophe_is_sent_verbatim =>
        "`%27` is the same value in another spelling";
    Must AsItIs plain::a_body_arrives_whole =>
        "an upload or a message would be damaged";
    Must AsItIs plain::names_resolve_from_the_table [Names] =>
        "tests with invented hosts would reach the real service";
    Should Connections plain::a_connection_is_kept [KeepAlive] =>
        "a new connection for each exchange is only slower";
    Must Connections plain::a_closed_connection_is_replaced =>
        "the service closes idle connections, so that every later exchange would fail";
    Must AsItIs requests::given_headers_arrive =>
        "a request without its cookies or its host is refused; an added coding or condition changes the reply";
    Should AsItIs requests::no_header_is_added =>
        "the service ignores other headers, though they distinguish the client from a browser";
    Should AsItIs requests::get_has_no_body_headers =>
        "a length of zero means the same as no length";
    Must AsItIs requests::empty_post_has_content_length =>
        "a server refuses a POST without a length (411), or waits for its body";
    Must AsItIs requests::tls_goes_through_the_given_proxy [Roots Proxy] =>
        "a direct connection bypasses the proxy, and TLS that ends at the proxy discloses the session";
    Should AsItIs requests::plain_http_is_tunnelled [Proxy] =>
        "the service uses only https, which is always tunnelled";
    Must Sendable requests::a_body_of_another_length_is_not_sent =>
        "the rest of a body would be read as the next request of the connection";
    Must Sendable requests::invalid_request_is_not_sent =>
        "two framings of one body let the server and a proxy disagree about its end";
    Must AsItIs requests::unsolicited_100_continue_is_ignored =>
        "the final reply would be mistaken for that of the next exchange";
    Must Limits requests::a_body_of_exactly_the_limit_passes =>
        "a complete reply would be refused, or a longer one accepted";
    Must Codings requests::gzip_is_accepted =>
        "compressed replies, which are requested, would fail";
    Must Codings requests::content_encoding_is_refused =>
        "no flow can decode the reply";
    Must Codings requests::compressed_body_is_not_read =>
        "a small compressed body could occupy gigabytes of memory";
    Must Limits limits::an_endless_body_is_stopped =>
        "a reply could occupy all memory";
    Must Limits limits::an_announced_length_is_not_allocated =>
        "one line of a head could occupy all memory";
    Should Limits limits::an_announced_excess_is_refused_at_once =>
        "the exchange fails later, at the limit or at the deadline";
    Must Limits limits::a_head_of_64_kb_is_accepted =>
        "one reply of the login sets many cookies, and a flow does not know the limit of its driver";
    Must Limits limits::an_endless_head_is_stopped =>
        "a reply could occupy all memory, or never end";
    Must Deadlines limits::a_slow_head_ends_at_the_deadline =>
        "the timeout of a long poll is not a failure; with another kind, the inbox would report one";
    Must Deadlines limits::a_dripping_head_ends_at_the_deadline =>
        ENDLESS;
    Must Deadlines limits::a_slow_body_ends_at_the_deadline =>
        ENDLESS;
    Must Deadlines limits::endless_1xx_replies_end_at_the_deadline =>
        ENDLESS;
    Must Deadlines limits::connecting_ends_at_the_deadline =>
        "an exchange with a host that does not respond would last for minutes";
    Must Deadlines limits::unread_upload_ends_at_the_deadline =>
        "an exchange with a server that does not read would not end";
    Must Deadlines limits::a_deadline_is_for_one_exchange =>
        "the next exchange of a kept connection would end early";
    Must Deadlines limits::deadline_cap_is_applied [DeadlineCap] =>
        "exchanges would take longer than the caller allows";
    Must Deadlines encryption::silent_handshake_ends_at_the_connect_timeout [Names Roots ConnectTimeout] =>
        "the time limit that the caller set would have no effect";
    Must Deadlines encryption::silent_handshake_ends_at_the_deadline [Names Roots] =>
        "an exchange with a host that does not respond would not end";
    Must Sent failures::close_without_a_reply =>
        "a send that may have arrived would be repeated";
    Must Sent failures::reset_while_sending_a_body =>
        "a send that may have arrived would be repeated";
    Must Sent failures::request_is_not_repeated_after_close =>
        "the message would be sent twice";
    Should Sent kinds::refused_connection_is_unsent =>
        UNSENT;
    Should Sent kinds::connect_deadline_is_unsent =>
        UNSENT;
    Should Sent kinds::unknown_name_is_unsent [Names] =>
        UNSENT;
    Should Sent kinds::proxy_refusal_is_unsent [Proxy] =>
        UNSENT;
    Should Sent kinds::failed_handshake_is_unsent [Names Roots] =>
        UNSENT;
    Should Sent kinds::silent_handshake_is_unsent [Names Roots] =>
        UNSENT;
    Must Lengths failures::a_reply_cut_short =>
        PARTIAL;
    Must Lengths failures::chunks_cut_short =>
        PARTIAL;
    Must Lengths encryption::length_counts_without_close_notify [Names Roots] =>
        PARTIAL;
    Should Lengths encryption::end_without_close_notify [Names Roots] =>
        "it concerns only bodies without a length or chunks, which the service is not known to send";
    Must Connections failures::excess_bytes_are_discarded =>
        "the excess would be mistaken for the next reply, perhaps of another account";
    Must Connections failures::connection_is_not_reused_after_an_error =>
        "the rest of a reply would be mistaken for the next one";
    Must Failures failures::a_refused_connection =>
        "the flow would wait for a reply forever, or end without an error";
    Must Failures failures::broken_chunks =>
        "bytes of the framing would be mistaken for a part of the reply";
    Must Failures failures::contradicting_lengths =>
        "the body would be cut, or continue in the next reply";
    Must Failures failures::reply_that_is_not_http =>
        "the flow would parse bytes of another protocol";
    Must Failures failures::odd_framing_is_read_or_refused =>
        "an accepted reply would not be the one that was sent";
    Should Failures kinds::unknown_name_has_its_kind [Names] =>
        MESSAGE;
    Should Failures kinds::refused_connection_has_its_kind =>
        MESSAGE;
    Should Failures kinds::connect_deadline_has_its_kind =>
        MESSAGE;
    Should Failures kinds::proxy_refusal_has_its_kind [Proxy] =>
        MESSAGE;
    Should Failures kinds::proxy_authorization_has_its_kind [Proxy] =>
        ATTEMPTS;
    Should Failures kinds::untrusted_certificate_has_its_kind [Names Roots] =>
        ATTEMPTS;
    Should Failures kinds::failed_handshake_has_its_kind [Names Roots] =>
        MESSAGE;
    Should Failures kinds::silent_handshake_has_its_kind [Names Roots] =>
        MESSAGE;
    Should Failures kinds::close_has_its_kind =>
        MESSAGE;
    Should Failures kinds::truncation_has_its_kind =>
        MESSAGE;
    Should Failures kinds::truncated_stream_has_its_kind [Streams] =>
        "the download fails as with `Other`; only the message to the user is less exact";
    Should Failures kinds::malformed_reply_has_its_kind =>
        MESSAGE;
    Should Failures kinds::a_longer_head_is_too_large =>
        "a higher limit is as safe; with another kind, the flow retries a few times";
    Must Secrets failures::failures_contain_no_secrets =>
        "credentials would appear in logs and reports";
    Must Interrupts pauses::interrupts_are_served_in_order =>
        "the flow would miss an input, or get that of another request";
    Must Interrupts pauses::sleep_takes_its_duration =>
        "a back-off would be a busy loop of requests";
    Must Interrupts pauses::failing_flow_ends_the_run =>
        "an error would be lost, or a flow could not be continued after it";
    Must Interrupts pauses::a_source_is_read [Sources] =>
        "an upload would be damaged";
    Must Entropy pauses::entropy_is_mixed_in =>
        "two clients of one session would draw the same message ids and device ids";
    Must Streams streams::the_head_comes_first [Streams] =>
        "a download could not be checked before its bytes are written";
    Must Streams streams::a_stream_may_outlast_the_deadline [Streams] =>
        "a large file could not be downloaded";
    Must Streams streams::idle_stream_times_out [Streams] =>
        "a download could wait forever";
    Must Streams streams::head_may_take_until_the_deadline [Streams] =>
        "a download would fail while the service prepares the file";
    Must Streams streams::a_stream_cut_short [Streams] =>
        "a part of a file would be mistaken for the whole";
    Must Streams streams::encoded_stream_is_refused [Streams] =>
        "a compressed file would be stored instead of the file";
    Must Streams streams::unread_body_does_not_affect_the_next_exchange =>
        "the rest of a body would be mistaken for the next reply";
    Must Encryption encryption::a_given_root_is_trusted [Names Roots] =>
        "no server behind the given root could be reached";
    Must Encryption encryption::unknown_root_is_refused [Names Roots] =>
        "anyone on the path could take over the account";
    Must Encryption encryption::a_wrong_name_is_refused [Names Roots] =>
        "anyone with a certificate could take over the account";
    Must Encryption encryption::plain_http_in_place_of_tls [Names Roots] =>
        "the session would be sent in clear text";
    Should Encryption encryption::invalid_root_is_reported [Roots] =>
        "a root that is ignored trusts no server";
}
