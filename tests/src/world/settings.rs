//! The settings of a world: its hosts, the requests that it refuses, and its replies.

use bytes::Bytes;

use crate::violation::Mode;
use crate::world::World;
use crate::world::entry_page::EntryPage;
use crate::world::layout::Layout;

impl World {
    /// Disables the checks that depend on the clock, for clients whose clock is changed: requests may have any
    /// timestamp (otherwise within ten minutes of the world's clock), a `ClientMsgId` lower than an earlier one, and
    /// expired or missing cookies.
    pub const fn ignore_clocks(&mut self) {
        self.punctual = false;
    }

    /// Moves the service to other hosts.
    pub fn layout(&mut self, layout: Layout) {
        self.layout = layout;
    }

    /// Sets the entry page that clients must use from now on. At the true hosts, [`EntryPage::FileHelper`] redirects them to
    /// the shard `szfilehelper.weixin.qq.com`; [`World::layout`] changes that.
    pub fn entry_page(&mut self, entry_page: EntryPage) {
        entry_page.entries()[0].clone_into(&mut self.entry);
        if let Layout::True { shard } = &mut self.layout
            && !entry_page.entries().contains(&shard.as_str())
        {
            entry_page.entries()[1].clone_into(shard);
        }
        self.entry_page = entry_page;
    }

    /// Sets which requests are refused. Default: [`Mode::Library`].
    pub const fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// Returns which requests are refused.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Answers the next call of an endpoint, such as `webwxsendmsg`, with this code, once.
    pub fn refuse(&mut self, endpoint: &str, ret: i64, err_msg: &str) {
        self.refusals.push((endpoint.to_owned(), ret, err_msg.to_owned()));
    }

    /// Answers the next call of an endpoint with exactly this reply, once. The call has no effect.
    pub fn reply_with(&mut self, endpoint: &str, reply: http::Response<Bytes>) {
        self.replies.push((endpoint.to_owned(), reply));
    }

    /// Discards the replies set by [`reply_with`](Self::reply_with) that have not been used yet.
    pub fn forget_replies(&mut self) {
        self.replies.clear();
    }

    /// Adds a header to every later reply that has no header of this name. `Set-Cookie` is added to
    /// every later reply.
    pub fn add_header(&mut self, name: &'static str, value: http::HeaderValue) {
        self.headers.append(name, value);
    }

    /// Makes the login page refuse the account with this code and text; a `ret` of 0 accepts it again.
    pub fn refuse_login(&mut self, ret: i64, message: &str) {
        self.login_refusal = (ret != 0).then(|| (ret, message.to_owned()));
    }

    /// Sets the HTTP status of the login page for all requests; 301 is its old form.
    pub const fn login_page_status(&mut self, status: u16) {
        self.login_status = Some(status);
    }

    /// Sets the number of contacts per page of `webwxgetcontact`.
    pub fn contacts_per_page(&mut self, n: usize) {
        self.page = n.max(1);
    }

    /// Sets the maximum number of messages and changes in one `webwxsync` answer.
    pub fn messages_per_sync(&mut self, n: usize) {
        self.batch = n.max(1);
    }

    /// Sets whether the phone answers the first status notification with its list of recent chats. Default: true.
    pub const fn announce_recent_chats(&mut self, on: bool) {
        self.announces = on;
    }

    /// Sets whether `webwxsync` also returns the messages that the client sent, under the `MsgId` of their replies: sources
    /// differ on whether the file-transfer page does. Default: false.
    pub const fn echo_sends(&mut self, on: bool) {
        self.echoes = on;
    }

    /// Makes `webwxbatchgetcontact` omit this contact from its answers.
    pub fn batch_leaves_out(&mut self, user_name: &str) {
        self.left_out.insert(user_name.to_owned());
    }

    /// Sets whether `webwxbatchgetcontact` answers in an order different from the request.
    pub const fn batch_reorders(&mut self, on: bool) {
        self.reversed = on;
    }

    /// Makes the next `webwxsync` return a new `SKey`, which is valid from then on.
    pub fn refresh_skey(&mut self) {
        let skey = format!("@crypt_{}_{}", self.rng.hex(8), self.rng.hex(32));
        if let Some(session) = &mut self.session {
            session.refresh = Some(skey);
        }
    }
}
