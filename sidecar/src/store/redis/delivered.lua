-- The event leaves its lane: payload and files erased, dedup record completed, what the card shall show, its sequels. Says the
-- claim it went on to, when the lane is due, and by how much what waits has grown.
local ours = read_claim()
local partition, remember, dd, now, wall, go_on, card =
  tonumber(arg()), arg(), arg(), arg(), arg(), arg() == '1', arg()
local marked, mark = arg(), arg()
local stale = fenced(ours.fence)
if stale then
  return stale
end
if not is_current(ours) then
  -- It is being repeated. What it went on to may be in flight; what somebody else has claimed since is not ours.
  local row = call('HMGET', P .. 's:' .. ours.lane, 'flying', 'after', 'head')
  if go_on and row[1] == ours.fence and row[2] == ours.seq then
    return { 'ok', claim(ours.lane, row[3]), '', '0' }
  end
  return { 'ok', '', '', '0' }
end
learn(ours)
if not is_placeholder(ours.seq) then
  complete(dd, ours.seq, 'delivered', remember)
end
want(name_of(ours.lane), card)
mark_reply(ours.lane, marked, mark)
call('LREM', P .. 'q:' .. ours.lane, 1, ours.seq)
waits_no_more(ours.lane, ours.seq)
call('HDEL', P .. 'blocked', ours.lane)
erase(ours.seq)
local added = append_sequels(partition, remember)
local due = rest(ours.lane, now)
local following = ''
if go_on and due ~= '' and tonumber(due) <= tonumber(now) then
  following = begin(ours.lane, ours.fence, ours.seq, wall) or ''
  due = ''
end
return { 'ok', following, due, int(added - 1) }
