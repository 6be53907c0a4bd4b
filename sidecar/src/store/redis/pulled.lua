-- What one reading of a thread found: events, known posts, card and cursor. Refused as a whole if the cursor moved meanwhile. Says
-- how many events are new, and by how much what waits has grown.
local partition, remember, name, root = tonumber(arg()), arg(), arg(), arg()
local before_at, before_post, after_at, after_post = arg(), arg(), arg(), arg()
local update_at, reply_count, is_active, wall, now, card = arg(), arg(), arg() == '1', arg(), arg(), arg()
local thread = thread_of(name, root)
if not thread or thread[3] ~= before_at or thread[4] ~= before_post then
  return { 'moved' }
end
local active = is_active and wall or thread[7]
keep_thread(name, root, { thread[1], thread[2], after_at, after_post, update_at, reply_count, active })

local new, grown = 0, 0

-- An event whose id is known has been taken in before.
local function once(event)
  if call('EXISTS', P .. 'dd:' .. event.dd) == 0 then
    append(event, partition, remember)
    new, grown = new + 1, grown + 1
  end
end

-- Where an event stands: `untried` in its lane, `parked`, or nowhere any more.
local function find(dd)
  local seq = call('HGET', P .. 'dd:' .. dd, 'seq')
  local one = seq and call('HMGET', P .. 'v:' .. seq, 'dd', 'attempts', 'parked', 'lane')
  if not one or one[1] ~= dd then
    return nil
  elseif one[3] then
    return 'parked', seq, one[4]
  elseif one[2] == '0' then
    return 'untried', seq, one[4]
  end
end

-- It is gone before anybody outside saw it.
local function forget_parked(dd, seq, lane)
  complete(dd, seq, 'dropped', remember)
  unpark(seq, lane)
  erase(seq)
  tidy(lane)
end

local function forget_untried(dd, seq, lane)
  complete(dd, seq, 'dropped', remember)
  call('LREM', P .. 'q:' .. lane, 1, seq)
  waits_no_more(lane, seq)
  erase(seq)
  grown = grown - 1
  -- The lane waits for its next event, unless its head has begun.
  if call('HEXISTS', P .. 's:' .. lane, 'head') == 0 then
    local qkey = call('HGET', P .. 's:' .. lane, 'qkey')
    call('ZREM', P .. 'ready:' .. qkey, lane)
    rest(lane, now)
  end
end

local function edit(held, following, anew)
  local where, seq, lane = find(held.dd)
  if where == 'untried' then
    call('HSET', P .. 'v:' .. seq, 'payload', held.payload)
    call('HSET', P .. 'dd:' .. held.dd, 'hash', held.hash)
    new = new + 1
  elseif where == 'parked' then
    forget_parked(held.dd, seq, lane)
    once(anew)
  else
    once(following)
  end
end

local function withdraw(held, deletion)
  local where, seq, lane = find(held)
  if where == 'untried' then
    forget_untried(held, seq, lane)
  elseif where == 'parked' then
    forget_parked(held, seq, lane)
  else
    once(deletion)
  end
end

local function hold(held, until_then)
  local where, seq, lane = find(held)
  if where ~= 'untried' then
    return
  end
  local before = tonumber(call('HGET', P .. 'v:' .. seq, 'hold') or '0')
  call('HSET', P .. 'v:' .. seq, 'hold', int(math.max(before, tonumber(until_then))))
  local row = call('HMGET', P .. 's:' .. lane, 'flying', 'qkey')
  local due = call('ZSCORE', P .. 'ready:' .. row[2], lane)
  if due and not row[1] and call('LINDEX', P .. 'q:' .. lane, 0) == seq then
    set_due(lane, int(math.max(tonumber(due), tonumber(until_then))))
  end
end

for _ = 1, tonumber(arg()) do
  local kind = arg()
  if kind == 'append' then
    once(read_event())
  elseif kind == 'edit' then
    edit(read_event(), read_event(), read_event())
  elseif kind == 'withdraw' then
    withdraw(arg(), read_event())
  else
    hold(arg(), arg())
  end
end
for _ = 1, tonumber(arg()) do
  local post = arg()
  local fresh = { arg(), arg(), arg(), arg(), arg(), arg(), arg(), arg() }
  local known = known_post(name, post)
  if known then
    if known[4] ~= 'ours' then
      known[4] = fresh[4]
    end
    known[6], known[7] = fresh[6], fresh[7]
    if fresh[8] ~= '' then
      known[8] = fresh[8]
    end
  else
    fresh[9] = ''
    known = fresh
    keep_message(name, fresh[2], post)
  end
  keep_known(name, post, known)
end
want(name, card)
return { 'ok', int(new), int(grown) }
