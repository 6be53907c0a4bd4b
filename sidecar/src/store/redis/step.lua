-- Before its request: another step than the claimed one, or where a look may begin. Another step is another post, so nothing of it
-- is in doubt. With `anew` the noted step was never taken.
local ours = read_claim()
local step, look, anew, now = arg(), arg(), arg() == '1', arg()
local stale = fenced(ours.fence)
if stale then
  return stale
end
if not is_current(ours) then
  return { 'ended' }
end
local one = P .. 'v:' .. ours.seq
if anew or call('HGET', one, 'step') ~= step then
  note_next(ours.seq, step, look, now)
else
  call('HSETNX', one, 'first', now)
  put(one, 'look', look)
end
return { 'ok', claim(ours.lane, ours.seq) }
