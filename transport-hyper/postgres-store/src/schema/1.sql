CREATE TABLE wechat_account (
    account text PRIMARY KEY CHECK (account <> ''),
    -- The worker that holds the lease; NULL between leases.
    owner text,
    -- The fencing token: the number of leases so far.
    token bigint NOT NULL DEFAULT 0,
    -- The end of the lease or, without one, of the pause before the next. 'infinity' if the account is not offered to workers.
    free_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The encrypted session, and the number of its key; NULL if there is none.
    key_number integer,
    session bytea,
    CHECK ((session IS NULL) = (key_number IS NULL))
) WITH (fillfactor = 50);
-- Ciphertext cannot be compressed. Out of line, it is not copied when a lease is renewed.
ALTER TABLE wechat_account ALTER COLUMN session SET STORAGE EXTERNAL;

CREATE TABLE wechat_outbox (
    account text NOT NULL REFERENCES wechat_account,
    -- The MsgId of the message that is answered, or another name that the caller chose, and the number of the text.
    cause text NOT NULL,
    ordinal integer NOT NULL,
    -- The login for which the receiver is valid.
    login text NOT NULL,
    client_msg_id text NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'refused', 'unanswered', 'abandoned')),
    -- How often a worker began to send it. More than 1: it may have been sent more than once, each time as client_msg_id.
    attempts integer NOT NULL DEFAULT 0,
    -- Why the service refused it.
    reason text,
    queued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    -- The encrypted receiver and text, and the number of their key; NULL once the text is no longer queued.
    key_number integer,
    content bytea,
    PRIMARY KEY (account, cause, ordinal),
    CHECK ((content IS NOT NULL) = (state = 'queued') AND (content IS NULL) = (key_number IS NULL))
);
ALTER TABLE wechat_outbox ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX wechat_outbox_queued ON wechat_outbox (account, client_msg_id) WHERE state = 'queued';
