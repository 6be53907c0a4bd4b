-- Parked events are erased; their dedup marks say dropped. Says how many.
local remember = arg()
local chosen = select_parked()
for _, seq in ipairs(chosen) do
  local one = call('HMGET', P .. 'v:' .. seq, 'lane', 'dd')
  complete(one[2], seq, 'dropped', remember)
  unpark(seq, one[1])
  erase(seq)
  tidy(one[1])
end
return #chosen
