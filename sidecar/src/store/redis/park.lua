-- The event goes to the parked ones; its placeholder takes its place. Says when the lane is due, and by how much what waits has
-- grown.
local ours = read_claim()
local partition, remember, dd, now, wall, reason, placeholder, card =
  tonumber(arg()), arg(), arg(), arg(), arg(), arg(), arg(), arg()
local marked, mark = arg(), arg()
local stale = fenced(ours.fence)
if stale then
  return stale
end
if not is_current(ours) then
  return { 'ok', '', '0' }
end
local grown = -1
call('LREM', P .. 'q:' .. ours.lane, 1, ours.seq)
waits_no_more(ours.lane, ours.seq)
call('HDEL', P .. 'blocked', ours.lane)
call('HDEL', P .. 's:' .. ours.lane, 'head')
if is_placeholder(ours.seq) then
  -- What only stands for something parked is not parked itself.
  erase(ours.seq)
else
  local one = P .. 'v:' .. ours.seq
  call('HSET', one, 'parked', wall, 'reason', reason, 'refused', '0')
  call('HDEL', one, 'doubt', 'first', 'last')
  complete(dd, ours.seq, 'parked')
  local lk = call('HGET', P .. 's:' .. ours.lane, 'lk')
  call('ZADD', P .. 'parked', ours.seq, ours.seq)
  call('ZADD', P .. 'park', wall, ours.seq)
  call('ZADD', P .. 'pk:' .. lk, ours.seq, ours.seq)
  call('HSET', P .. 'pl:' .. ours.lane, ours.seq, call('HGET', one, 'message') or '')
  local stands = int(tonumber(ours.seq) + 1)
  if placeholder ~= '' and call('EXISTS', P .. 'v:' .. stands) == 0 then
    call('HSET', P .. 'v:' .. stands, 'lane', ours.lane, 'dd', dd, 'event', call('HGET', one, 'event'), 'kind', 'placeholder',
      'payload', placeholder, 'accepted', wall, 'step', 'part:parked', 'refused', '0', 'attempts', '0', 'starts', '0')
    insert(ours.lane, stands)
    waits(ours.lane, stands, wall)
    grown = 0
  end
end
want(name_of(ours.lane), card)
mark_reply(ours.lane, marked, mark)
grown = grown + append_sequels(partition, remember)
return { 'ok', rest(ours.lane, now), int(grown) }
