-- What every script of a partition shares. KEYS[1] is the partition's prefix, "{ir:p}:"; every other key begins with it, so all
-- of them lie in one slot. Arguments come in order; an empty one stands for nothing. Times are milliseconds.
--
--   own          hash    owner, incarnation, fence, end
--   seq          string  the last moment that gave a number
--   dd:<event>   hash    dedup mark: seq, kind, hash, state, attempts, accepted, post, root, channel
--   q:<lane>     list    numbers of what waits, in order; the first is the head
--   s:<lane>     hash    licence, key, dir, queue, qkey, name, lk; head once an attempt has begun; flying and after during one
--   v:<seq>      hash    one event that waits or is parked, or the placeholder of one
--   ready:<q>    zset    lane -> due; fly: hash lane -> fence
--   queues       hash    qkey -> queue
--   c:<name>     hash    conversation: number, card, live root; g:<name>: former roots; touch: what does not show yet what it should
--   k:<name>     hash    known posts; i:<name>: message -> posts
--   t:<name>     hash    root -> how far its replies have been taken in; act: roots by when they were active; chan: channels so
--   age:<lk>     zset    what waits of a licence and direction, by acceptance; lics: hash lk -> both
--   parked       zset    by number; park: by when; pk:<lk>: of a licence and direction; pl:<lane>: hash seq -> message
--   blocked      hash    lane -> what it waits for
--   f:<file>     string  a file that came inside a request
local P = KEYS[1]
local call = redis.call
local DAY = 24 * 3600 * 1000
-- What is not held is due as soon as somebody looks, whatever clock accepted it: before every moment, in the order of acceptance.
-- What a take-over leaves comes before all of that.
local AT_ONCE, FIRST = 10000000000000, -100000000000000

local next_argument = 0
local function arg()
  next_argument = next_argument + 1
  return ARGV[next_argument]
end

local function int(number)
  return string.format('%.0f', number)
end

-- Replies end at the first false, so nothing is sent as an empty string.
local function texts(values, count)
  for i = 1, count do
    values[i] = values[i] or ''
  end
  return values
end

local function put(key, field, value)
  if value == '' then
    call('HDEL', key, field)
  else
    call('HSET', key, field, value)
  end
end

-- A stale fence changes nothing.
local function fenced(ours)
  local theirs = call('HGET', P .. 'own', 'fence') or '0'
  if theirs ~= ours then
    return { 'fenced', theirs }
  end
end

local function is_placeholder(seq)
  return tonumber(string.sub(seq, -1)) % 2 == 1
end

-- Even numbers that rise with the clock, so that the order of acceptance can be told across partitions; the odd one behind each
-- belongs to its placeholder, and the partition can be read from it. The clock counts in eighths of a millisecond: as fine as a
-- number may be that survives Lua and JSON until the year 2248.
local function next_seq(partition)
  local time = call('TIME')
  local moment = time[1] * 8000 + math.floor(time[2] / 125)
  local last = tonumber(call('GET', P .. 'seq') or '0')
  if moment <= last then
    moment = last + 1
  end
  call('SET', P .. 'seq', int(moment))
  return int(moment * 128 + partition * 2)
end

local function set_due(lane, due)
  local qkey = call('HGET', P .. 's:' .. lane, 'qkey')
  call('ZADD', P .. 'ready:' .. qkey, due, lane)
end

local function waits(lane, seq, accepted)
  local lk = call('HGET', P .. 's:' .. lane, 'lk')
  call('ZADD', P .. 'age:' .. lk, accepted, seq)
end

local function waits_no_more(lane, seq)
  local lk = call('HGET', P .. 's:' .. lane, 'lk')
  call('ZREM', P .. 'age:' .. lk, seq)
end

-- Forgets a lane of which nothing waits and nothing is parked.
local function tidy(lane)
  if call('EXISTS', P .. 'q:' .. lane, P .. 'pl:' .. lane) == 0 then
    call('DEL', P .. 's:' .. lane)
  end
end

-- Puts a number where it belongs among what waits: behind a head whose attempts have begun, else by order of acceptance.
local function insert(lane, seq)
  local queue = P .. 'q:' .. lane
  local place = call('HEXISTS', P .. 's:' .. lane, 'head')
  while true do
    local other = call('LINDEX', queue, place)
    if not other then
      call('RPUSH', queue, seq)
      return
    end
    if tonumber(other) > tonumber(seq) then
      call('LINSERT', queue, 'BEFORE', other, seq)
      return
    end
    place = place + 1
  end
end

-- What is known of one event; false when nothing is.
local function status(event)
  local mark = call('HMGET', P .. 'dd:' .. event, 'seq', 'kind', 'state', 'attempts', 'accepted', 'post', 'root', 'channel')
  local seq = mark[1]
  if not seq then
    return false
  end
  local one = call('HMGET', P .. 'v:' .. seq, 'dd', 'attempts', 'reason', 'parked', 'lane')
  local attempts, reason, due = mark[4], false, false
  if one[1] == event then
    attempts, reason = one[2], one[3]
    if not one[4] then
      local lane = call('HMGET', P .. 's:' .. one[5], 'qkey', 'head')
      if lane[2] == seq then
        due = call('ZSCORE', P .. 'ready:' .. lane[1], one[5])
      end
    end
  end
  -- What is due at once has no moment.
  if due and tonumber(due) <= 0 then
    due = false
  end
  return texts({ mark[2], mark[3], attempts, reason, mark[5], mark[6], mark[7], mark[8], due }, 9)
end

-- One event as the caller sends it.
local function read_event()
  local event = {}
  for _, field in ipairs({
    'dd', 'event', 'kind', 'hash', 'lane', 'name', 'licence', 'key', 'dir', 'lk', 'queue', 'qkey', 'payload', 'accepted',
    'hold', 'message', 'step', 'done', 'files', 'number',
  }) do
    event[field] = arg()
  end
  return event
end

local function is_conversation(key)
  return string.sub(key, 1, 2) == 'c:'
end

local function ensure_conversation(event)
  local conversation = P .. 'c:' .. event.name
  if call('EXISTS', conversation) == 0 then
    call('HSET', conversation, 'licence', event.licence, 'key', event.key, 'number', event.number, 'started', event.accepted)
  end
  call('PEXPIRE', conversation, 365 * DAY)
end

-- Puts an event last into its lane, with its dedup mark. Says its number, and when its lane is due if this made it so.
local function append(event, partition, remember)
  local seq = next_seq(partition)
  local mark = P .. 'dd:' .. event.dd
  call('HSET', mark, 'seq', seq, 'kind', event.kind, 'hash', event.hash, 'attempts', '0', 'accepted', event.accepted)
  if event.done == '1' then
    call('HSET', mark, 'state', 'delivered')
    call('PEXPIRE', mark, remember)
    return seq, ''
  end
  call('HSET', mark, 'state', 'accepted')
  if is_conversation(event.key) then
    ensure_conversation(event)
  end
  local lane = P .. 's:' .. event.lane
  call('HSET', lane, 'licence', event.licence, 'key', event.key, 'dir', event.dir, 'queue', event.queue, 'qkey', event.qkey,
    'name', event.name, 'lk', event.lk)
  call('HSET', P .. 'lics', event.lk, event.licence .. '\n' .. event.dir)
  call('HSET', P .. 'queues', event.qkey, event.queue)
  local one = P .. 'v:' .. seq
  call('HSET', one, 'lane', event.lane, 'dd', event.dd, 'event', event.event, 'kind', event.kind, 'payload', event.payload,
    'accepted', event.accepted, 'step', event.step, 'refused', '0', 'attempts', '0', 'starts', '0')
  put(one, 'hold', event.hold)
  put(one, 'message', event.message)
  put(one, 'files', event.files)
  for file in string.gmatch(event.files, '[^\n]+') do
    call('PERSIST', P .. 'f:' .. file)
  end
  call('RPUSH', P .. 'q:' .. event.lane, seq)
  waits(event.lane, seq, event.accepted)
  -- A lane that already waits, or whose head is in flight, keeps its time.
  local ready = P .. 'ready:' .. event.qkey
  if call('HEXISTS', lane, 'flying') == 1 or call('ZSCORE', ready, event.lane) then
    return seq, ''
  end
  local due = event.hold
  if due == '' then
    due = int(tonumber(event.accepted) - AT_ONCE)
  end
  call('ZADD', ready, due, event.lane)
  return seq, due
end

-- What an end posts elsewhere. One that is known stands there or was brought over already. Says how many were added.
local function append_sequels(partition, remember)
  local added = 0
  for _ = 1, tonumber(arg()) do
    local event = read_event()
    if call('EXISTS', P .. 'dd:' .. event.dd) == 0 then
      append(event, partition, remember)
      added = added + 1
    end
  end
  return added
end

local function opening(lane)
  for _, seq in ipairs(call('LRANGE', P .. 'q:' .. lane, 0, 5)) do
    if not is_placeholder(seq) then
      local one = call('HMGET', P .. 'v:' .. seq, 'kind', 'payload')
      if one[1] == 'message.created' then
        return one[2]
      end
    end
  end
  return ''
end

-- The posts of the message that an edit or a deletion is about, and whether that message is parked.
local function target(lane, name, message)
  local posts, is_parked = {}, '0'
  for _, parked in ipairs(call('HVALS', P .. 'pl:' .. lane)) do
    if parked == message then
      is_parked = '1'
    end
  end
  local known = call('HGET', P .. 'i:' .. name, message) or ''
  for post in string.gmatch(known, '%S+') do
    local found = call('HGET', P .. 'k:' .. name, post)
    if found then
      table.insert(posts, post)
      table.insert(posts, found)
    end
  end
  return posts, is_parked
end

local function conversation(name)
  return texts(call('HMGET', P .. 'c:' .. name, 'generation', 'root', 'channel', 'event', 'replies', 'last', 'card', 'number',
    'started'), 9)
end

-- Everything that an attempt at this event needs to know.
local function claim(lane, seq)
  local row = call('HMGET', P .. 's:' .. lane, 'licence', 'key', 'dir', 'queue', 'name')
  local event = call('HMGET', P .. 'v:' .. seq, 'event', 'kind', 'payload', 'accepted', 'step', 'doubt', 'refused', 'attempts',
    'first', 'last', 'look', 'message')
  local known, first, posts, is_parked = {}, '', {}, '0'
  if is_conversation(row[2]) then
    known = conversation(row[5])
  end
  if (known[2] or '') == '' or string.sub(event[5], 1, 5) == 'root:' then
    first = opening(lane)
  end
  if event[12] and (event[2] == 'message.updated' or event[2] == 'message.deleted') then
    posts, is_parked = target(lane, row[5], event[12])
  end
  return { seq, texts(row, 4), texts(event, 11), known, first, posts, is_parked }
end

-- Notes an attempt at the head of a lane. `after` is the event whose end began it, if one did.
local function begin(lane, fence, after, now)
  local row = P .. 's:' .. lane
  local seq = call('LINDEX', P .. 'q:' .. lane, 0)
  local qkey = call('HGET', row, 'qkey')
  if qkey then
    call('ZREM', P .. 'ready:' .. qkey, lane)
  end
  if not seq then
    tidy(lane)
    return nil
  end
  call('HSET', row, 'flying', fence, 'head', seq)
  put(row, 'after', after)
  call('HSET', P .. 'fly', lane, fence)
  call('HINCRBY', P .. 'v:' .. seq, 'attempts', 1)
  call('HSETNX', P .. 'v:' .. seq, 'first', now)
  return claim(lane, seq)
end

-- The lane is nobody's now; due again as soon as its next event may leave. Says when.
local function rest(lane, now)
  local row = P .. 's:' .. lane
  call('HDEL', row, 'flying', 'head', 'after')
  call('HDEL', P .. 'fly', lane)
  local seq = call('LINDEX', P .. 'q:' .. lane, 0)
  if not seq then
    tidy(lane)
    return ''
  end
  local hold = tonumber(call('HGET', P .. 'v:' .. seq, 'hold') or '0')
  local due = int(math.max(hold, tonumber(now)))
  set_due(lane, due)
  return due
end

-- The claim that an operation of a worker is about: fence, lane, seq, attempts.
local function read_claim()
  return { fence = arg(), lane = arg(), seq = arg(), attempts = arg() }
end

-- Whether the attempt of this claim is the one in flight.
local function is_current(ours)
  local row = call('HMGET', P .. 's:' .. ours.lane, 'flying', 'head')
  return row[1] == ours.fence and row[2] == ours.seq
    and call('HGET', P .. 'v:' .. ours.seq, 'attempts') == ours.attempts
end

-- The next step of the same attempt: nothing of it is in doubt.
local function note_next(seq, step, look, now)
  local one = P .. 'v:' .. seq
  call('HSET', one, 'step', step, 'first', now)
  call('HDEL', one, 'doubt', 'last')
  put(one, 'look', look)
end

-- How far the replies of a root have been taken in: generation, channel, cursor, its post, update_at, reply_count, active_at.
local function thread_of(name, root)
  local record = call('HGET', P .. 't:' .. name, root)
  return record and cjson.decode(record)
end

local function keep_thread(name, root, thread)
  call('HSET', P .. 't:' .. name, root, cjson.encode(thread))
  call('PEXPIRE', P .. 't:' .. name, 365 * DAY)
  call('ZADD', P .. 'act', thread[7], root .. ':' .. name)
  call('ZADD', P .. 'chan', 'GT', thread[7], thread[2])
end

local function thread_row(name, root)
  local thread = thread_of(name, root)
  if not thread then
    return nil
  end
  local known = call('HMGET', P .. 'c:' .. name, 'licence', 'key', 'root', 'card')
  return texts({ known[1], known[2], known[3], known[4], root, thread[1], thread[2], thread[3], thread[4], thread[5], thread[6],
    thread[7] }, 12)
end

-- One known post: root, message, part, state, create_at, edit_at, sent edit, mark wanted, mark shown.
local function known_post(name, post)
  local record = call('HGET', P .. 'k:' .. name, post)
  return record and cjson.decode(record)
end

local function keep_known(name, post, known)
  call('HSET', P .. 'k:' .. name, post, cjson.encode(known))
  call('PEXPIRE', P .. 'k:' .. name, 30 * DAY)
  local member = 'm:' .. name .. ':' .. post
  if known[8] == known[9] then
    call('SREM', P .. 'touch', member)
  else
    call('SADD', P .. 'touch', member)
  end
end

local function keep_message(name, message, post)
  if message == '' then
    return
  end
  local posts = P .. 'i:' .. name
  local before = call('HGET', posts, message) or ''
  call('HSET', posts, message, before .. post .. ' ')
  call('PEXPIRE', posts, 30 * DAY)
end

-- The mark that a reply shall carry. One that nobody knows any more carries none.
local function mark_reply(lane, post, wanted)
  if post == '' then
    return
  end
  local name = call('HGET', P .. 's:' .. lane, 'name')
  local known = known_post(name, post)
  if known and known[4] ~= 'ours' then
    known[8] = wanted
    keep_known(name, post, known)
  end
end

-- A post of ours stands: its event says so, it is known, and its thread's counters move.
local function learn(ours)
  local post = { id = arg(), channel = arg(), root = arg(), create = arg(), part = arg(), dd = arg(), now = arg() }
  if post.id == '' then
    return
  end
  local mark = P .. 'dd:' .. post.dd
  if not is_placeholder(ours.seq) and call('EXISTS', mark) == 1 then
    call('HSETNX', mark, 'post', post.id)
    call('HSET', mark, 'channel', post.channel)
    if post.root ~= '' then
      call('HSET', mark, 'root', post.root)
    end
  end
  local row = call('HMGET', P .. 's:' .. ours.lane, 'key', 'name')
  if post.root == '' or not is_conversation(row[1]) then
    return
  end
  local name = row[2]
  if post.part ~= '' then
    local message = call('HGET', P .. 'v:' .. ours.seq, 'message') or ''
    if call('HEXISTS', P .. 'k:' .. name, post.id) == 0 then
      keep_known(name, post.id, { post.root, message, post.part, 'ours', post.create, '0', '', '', '' })
      keep_message(name, message, post.id)
    end
  end
  -- It moves the pair that is expected of its root, so that nobody reads the thread because of it.
  local pulled = thread_of(name, post.root)
  if pulled then
    pulled[5] = int(math.max(tonumber(pulled[5]), tonumber(post.create)))
    pulled[6] = int(tonumber(pulled[6]) + 1)
    pulled[7] = post.now
    keep_thread(name, post.root, pulled)
  end
  local thread = P .. 'c:' .. name
  local live = call('HMGET', thread, 'root', 'last')
  if live[1] == post.root then
    call('HINCRBY', thread, 'replies', 1)
    if tonumber(post.create) > tonumber(live[2] or '0') then
      call('HSET', thread, 'last', post.create)
    end
    call('PEXPIRE', thread, 365 * DAY)
    call('PEXPIRE', P .. 'g:' .. name, 365 * DAY)
  end
end

-- What the card shall show; nothing happens where it shows that already.
local function want(name, card)
  local thread = P .. 'c:' .. name
  if card == '' or call('EXISTS', thread) == 0 or call('HGET', thread, 'card') == card then
    return
  end
  call('HSET', thread, 'card', card)
  call('HINCRBY', thread, 'version', 1)
  if call('HEXISTS', thread, 'root') == 1 then
    call('SADD', P .. 'touch', 'c:' .. name)
  end
end

local function name_of(lane)
  return call('HGET', P .. 's:' .. lane, 'name')
end

-- The event's own record says how it ended. One that is settled for good is remembered for a while.
local function complete(event, seq, state, remember)
  local mark = P .. 'dd:' .. event
  if call('EXISTS', mark) == 0 then
    return
  end
  call('HSET', mark, 'state', state, 'attempts', call('HGET', P .. 'v:' .. seq, 'attempts'))
  if remember then
    call('PEXPIRE', mark, remember)
  end
end

-- Payload and files go.
local function erase(seq)
  local one = P .. 'v:' .. seq
  for file in string.gmatch(call('HGET', one, 'files') or '', '[^\n]+') do
    call('DEL', P .. 'f:' .. file)
  end
  call('DEL', one)
end

local function is_selected(lane, wanted)
  local row = call('HMGET', P .. 's:' .. lane, 'licence', 'dir', 'key')
  return (wanted.licence == '' or row[1] == wanted.licence) and (wanted.dir == '' or row[2] == wanted.dir)
    and (wanted.key == '' or row[3] == wanted.key)
end

-- The numbers of the chosen parked events, oldest first.
local function select_parked()
  local wanted = { after = arg(), most = tonumber(arg()), licence = arg(), dir = arg(), key = arg(), ids = tonumber(arg()) }
  local found = {}
  local function consider(seq)
    local lane = call('HGET', P .. 'v:' .. seq, 'lane')
    if lane and is_selected(lane, wanted) then
      table.insert(found, seq)
    end
  end
  if wanted.ids >= 0 then
    for _ = 1, wanted.ids do
      local seq = arg()
      if #found < wanted.most and tonumber(seq) > tonumber(wanted.after) and call('ZSCORE', P .. 'parked', seq) then
        consider(seq)
      end
    end
    return found
  end
  local after = wanted.after
  while #found < wanted.most do
    local page = call('ZRANGEBYSCORE', P .. 'parked', '(' .. after, '+inf', 'LIMIT', 0, 100)
    if #page == 0 then
      return found
    end
    for _, seq in ipairs(page) do
      if #found < wanted.most then
        consider(seq)
      end
    end
    after = page[#page]
  end
  return found
end

local function unpark(seq, lane)
  call('ZREM', P .. 'parked', seq)
  call('ZREM', P .. 'park', seq)
  call('ZREM', P .. 'pk:' .. call('HGET', P .. 's:' .. lane, 'lk'), seq)
  call('HDEL', P .. 'pl:' .. lane, seq)
end
