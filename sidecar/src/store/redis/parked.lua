-- One page of parked events, oldest first.
local rows = {}
for _, seq in ipairs(select_parked()) do
  local one = call('HMGET', P .. 'v:' .. seq, 'event', 'kind', 'reason', 'attempts', 'accepted', 'parked', 'lane')
  local lane = call('HMGET', P .. 's:' .. one[7], 'licence', 'key', 'dir')
  table.insert(rows, texts({ seq, lane[1], lane[2], lane[3], one[1], one[2], one[3], one[4], one[5], one[6] }, 10))
end
return rows
