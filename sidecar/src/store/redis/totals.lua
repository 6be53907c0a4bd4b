-- What waits and what is parked of each licence and direction.
local rows = {}
local known = call('HGETALL', P .. 'lics')
for i = 1, #known, 2 do
  local age = P .. 'age:' .. known[i]
  local waiting, parked = call('ZCARD', age), call('ZCARD', P .. 'pk:' .. known[i])
  if waiting + parked > 0 then
    local oldest = call('ZRANGE', age, 0, 0, 'WITHSCORES')[2] or ''
    table.insert(rows, { known[i + 1], int(waiting), int(parked), oldest })
  end
end
return rows
