-- A part stands: its post known, the next step noted.
local ours = read_claim()
local claimed, following, now = arg(), arg(), arg()
local stale = fenced(ours.fence)
if stale then
  return stale
end
if not is_current(ours) then
  return { 'ended' }
end
-- With another step noted it is being repeated.
if call('HGET', P .. 'v:' .. ours.seq, 'step') == claimed then
  learn(ours)
  note_next(ours.seq, following, '', now)
end
return { 'ok', claim(ours.lane, ours.seq) }
