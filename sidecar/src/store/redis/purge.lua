-- Forgets what was parked before that moment. Everything else of this partition ends by itself.
local most, before = arg(), arg()
local old = call('ZRANGEBYSCORE', P .. 'park', '-inf', '(' .. before, 'LIMIT', 0, most)
for _, seq in ipairs(old) do
  local one = call('HMGET', P .. 'v:' .. seq, 'lane', 'dd')
  unpark(seq, one[1])
  erase(seq)
  call('DEL', P .. 'dd:' .. one[2])
  tidy(one[1])
end
return #old
