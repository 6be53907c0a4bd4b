-- Forgets what was parked before that moment, and which roots were silent since the other. All else of this partition ends by
-- itself.
local most, before, silent = arg(), arg(), arg()
call('ZREMRANGEBYSCORE', P .. 'act', '-inf', silent)
call('ZREMRANGEBYSCORE', P .. 'chan', '-inf', silent)
local old = call('ZRANGEBYSCORE', P .. 'park', '-inf', '(' .. before, 'LIMIT', 0, most)
for _, seq in ipairs(old) do
  local one = call('HMGET', P .. 'v:' .. seq, 'lane', 'dd')
  unpark(seq, one[1])
  erase(seq)
  call('DEL', P .. 'dd:' .. one[2])
  tidy(one[1])
end
return #old
