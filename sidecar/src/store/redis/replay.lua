-- Parked events go back into their lanes, behind a head in flight, before what waits. Says how many.
local partition, publisher, now, wall = arg(), arg(), arg(), arg()
local chosen = select_parked()
for _, seq in ipairs(chosen) do
  local one = P .. 'v:' .. seq
  local lane = call('HGET', one, 'lane')
  local stands = int(tonumber(seq) + 1)
  if call('HGET', P .. 'v:' .. stands, 'attempts') == '0' then
    -- Its placeholder is not needed.
    call('LREM', P .. 'q:' .. lane, 1, stands)
    call('DEL', P .. 'v:' .. stands)
    waits_no_more(lane, stands)
  end
  unpark(seq, lane)
  call('HDEL', one, 'parked', 'reason')
  call('HSET', one, 'attempts', '0', 'accepted', wall)
  local mark = P .. 'dd:' .. call('HGET', one, 'dd')
  if call('EXISTS', mark) == 1 then
    call('HSET', mark, 'state', 'accepted')
  end
  insert(lane, seq)
  waits(lane, seq, wall)
  local row = call('HMGET', P .. 's:' .. lane, 'flying', 'qkey')
  if not row[1] then
    local due = tonumber(call('ZSCORE', P .. 'ready:' .. row[2], lane) or now)
    set_due(lane, int(math.min(due, tonumber(now))))
  end
end
if #chosen > 0 then
  call('PUBLISH', 'ir:wake', partition .. ':' .. publisher)
end
return #chosen
