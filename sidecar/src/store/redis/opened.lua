-- A root stands: mapping of its generation, the card that it shows, the event's first part noted as the next step.
local ours = read_claim()
local claimed, generation, root, channel, create, card = arg(), arg(), arg(), arg(), arg(), arg()
local event, dd, is_start, now = arg(), arg(), arg() == '1', arg()
local stale = fenced(ours.fence)
if stale then
  return stale
end
if not is_current(ours) then
  return { 'ended' }
end
if call('HGET', P .. 'v:' .. ours.seq, 'step') ~= claimed then
  -- It is being repeated.
  return { 'ok', claim(ours.lane, ours.seq) }
end
local name = call('HGET', P .. 's:' .. ours.lane, 'name')
local thread = P .. 'c:' .. name
local live = call('HMGET', thread, 'generation', 'root', 'channel', 'event', 'replies', 'last')
if tonumber(live[1] or '0') < tonumber(generation) then
  if live[2] then
    local former = P .. 'g:' .. name
    call('HSET', former, live[2], cjson.encode({ live[1], live[3], live[4], live[5], live[6] }))
    call('PEXPIRE', former, 365 * DAY)
    call('SADD', P .. 'touch', 'g:' .. name .. ':' .. live[2])
  end
  call('HSET', thread, 'generation', generation, 'root', root, 'channel', channel, 'event', event, 'replies', '0', 'last', create,
    'card', card)
  call('HSET', thread, 'shown', call('HINCRBY', thread, 'version', 1))
  call('SREM', P .. 'touch', 'c:' .. name)
  call('PEXPIRE', thread, 365 * DAY)
end
if not thread_of(name, root) then
  keep_thread(name, root, { generation, channel, create, '', create, '0', now })
end
if is_placeholder(ours.seq) then
  note_next(ours.seq, 'part:parked', '', now)
else
  local mark = P .. 'dd:' .. dd
  if call('EXISTS', mark) == 1 then
    call('HSET', mark, 'root', root, 'channel', channel)
    -- A conversation's start is the root itself.
    if is_start then
      call('HSETNX', mark, 'post', root)
    end
  end
  note_next(ours.seq, 'part:0', '', now)
end
return { 'ok', claim(ours.lane, ours.seq) }
