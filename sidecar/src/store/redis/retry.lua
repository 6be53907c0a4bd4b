-- The attempt ended with its reason; the lane is due again then.
local ours = read_claim()
local due, reason, doubt, refused, first, last, blocked, channel = arg(), arg(), arg(), arg(), arg(), arg(), arg() == '1', arg()
local stale = fenced(ours.fence)
if stale then
  return stale
end
if not is_current(ours) then
  return { 'ok' }
end
local one = P .. 'v:' .. ours.seq
call('HSET', one, 'reason', reason, 'refused', refused)
put(one, 'doubt', doubt)
put(one, 'first', first)
put(one, 'last', last)
if blocked then
  local before = call('HGET', P .. 'blocked', ours.lane)
  local since = last
  if before then
    since = cjson.decode(before)[4]
  end
  local licence = call('HGET', P .. 's:' .. ours.lane, 'licence')
  call('HSET', P .. 'blocked', ours.lane, cjson.encode({ licence, channel, reason, since }))
else
  call('HDEL', P .. 'blocked', ours.lane)
end
call('HDEL', P .. 's:' .. ours.lane, 'flying', 'after')
call('HDEL', P .. 'fly', ours.lane)
set_due(ours.lane, due)
return { 'ok' }
