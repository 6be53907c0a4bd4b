-- One integer for each conversation, subject or type: everything below refers to it.
CREATE TABLE name (
    id INTEGER PRIMARY KEY,
    licence TEXT NOT NULL,
    key TEXT NOT NULL,
    UNIQUE (licence, key)
);

CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) WITHOUT ROWID;

-- `due` is empty while nothing waits; `head` is the event whose attempts have begun; `after` is the event whose end began the
-- attempt in flight, so that whoever did not hear of it can ask again.
CREATE TABLE lane (
    id INTEGER PRIMARY KEY,
    name INTEGER NOT NULL REFERENCES name,
    direction TEXT NOT NULL,
    queue TEXT NOT NULL,
    due INTEGER,
    flying INTEGER NOT NULL DEFAULT 0,
    head INTEGER,
    after INTEGER,
    UNIQUE (name, direction)
);
CREATE INDEX lane_due ON lane (queue, due) WHERE flying = 0 AND due IS NOT NULL;
CREATE INDEX lane_flying ON lane (flying) WHERE flying = 1;

-- Waiting, trying and parked events only. A placeholder takes the odd number behind its event's even one.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL REFERENCES lane,
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    files TEXT,
    accepted_at INTEGER NOT NULL,
    hold_until INTEGER,
    message_id TEXT,
    step TEXT NOT NULL,
    refused INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    starts INTEGER NOT NULL DEFAULT 0,
    first_started INTEGER,
    last_ended INTEGER,
    look_from INTEGER,
    doubt TEXT NOT NULL DEFAULT 'none',
    reason TEXT,
    blocked_since INTEGER,
    blocked_channel TEXT,
    parked_at INTEGER
);
CREATE INDEX event_lane ON event (lane, seq) WHERE parked_at IS NULL;
CREATE INDEX event_parked ON event (parked_at) WHERE parked_at IS NOT NULL;
CREATE INDEX event_parked_message ON event (lane, message_id) WHERE parked_at IS NOT NULL;
CREATE INDEX event_blocked ON event (blocked_since) WHERE blocked_since IS NOT NULL;

CREATE TABLE dedup (
    licence TEXT NOT NULL,
    event_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    accepted_at INTEGER NOT NULL,
    post_id TEXT,
    root_id TEXT,
    channel_id TEXT,
    expires INTEGER NOT NULL,
    PRIMARY KEY (licence, event_id)
) WITHOUT ROWID;
CREATE INDEX dedup_expires ON dedup (expires);

CREATE TABLE conversation (
    name INTEGER PRIMARY KEY REFERENCES name,
    licence TEXT NOT NULL,
    number INTEGER NOT NULL,
    channel_id TEXT,
    generation INTEGER NOT NULL DEFAULT 0,
    root_id TEXT UNIQUE,
    root_event TEXT,
    replies INTEGER NOT NULL DEFAULT 0,
    last_create_at INTEGER NOT NULL DEFAULT 0,
    active_at INTEGER NOT NULL,
    card TEXT,
    card_version INTEGER NOT NULL DEFAULT 0,
    card_shown INTEGER NOT NULL DEFAULT 0,
    UNIQUE (licence, number)
);
CREATE INDEX conversation_active ON conversation (active_at);
CREATE INDEX conversation_touch ON conversation (name) WHERE card_version > card_shown AND root_id IS NOT NULL;

-- Roots that a later generation replaced.
CREATE TABLE former (
    root_id TEXT PRIMARY KEY,
    name INTEGER NOT NULL REFERENCES name,
    generation INTEGER NOT NULL,
    channel_id TEXT NOT NULL,
    root_event TEXT NOT NULL,
    replies INTEGER NOT NULL,
    last_create_at INTEGER NOT NULL,
    active_at INTEGER NOT NULL,
    touched INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX former_name ON former (name);
CREATE INDEX former_touch ON former (root_id) WHERE touched = 0;

CREATE TABLE post (
    post_id TEXT PRIMARY KEY,
    name INTEGER NOT NULL REFERENCES name,
    root_id TEXT NOT NULL,
    message_id TEXT,
    part INTEGER NOT NULL,
    state TEXT NOT NULL,
    create_at INTEGER NOT NULL,
    edit_at INTEGER NOT NULL DEFAULT 0,
    sent_edit_at INTEGER,
    mark TEXT,
    mark_shown TEXT
) WITHOUT ROWID;
CREATE INDEX post_message ON post (name, message_id, part) WHERE message_id IS NOT NULL;
CREATE INDEX post_root ON post (root_id);
CREATE INDEX post_mark ON post (post_id) WHERE mark IS NOT mark_shown;

-- One row for each of our roots, live or former: how far its replies have been taken in, and what it looked like then.
CREATE TABLE thread (
    root_id TEXT PRIMARY KEY,
    name INTEGER NOT NULL REFERENCES name,
    generation INTEGER NOT NULL,
    channel_id TEXT NOT NULL,
    cursor_at INTEGER NOT NULL,
    cursor_post TEXT,
    update_at INTEGER NOT NULL DEFAULT 0,
    reply_count INTEGER NOT NULL DEFAULT 0,
    active_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX thread_active ON thread (active_at);
CREATE INDEX thread_channel ON thread (channel_id, active_at);

-- How far a channel has been swept for replies that nobody hinted at.
CREATE TABLE anchor (channel_id TEXT PRIMARY KEY, post_id TEXT NOT NULL, create_at INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE kept (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
