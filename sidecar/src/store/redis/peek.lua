-- When the first lane of each queue is due, and whether a post should change what it shows.
local found = {}
local queues = call('HGETALL', P .. 'queues')
for i = 1, #queues, 2 do
  local due = call('ZRANGE', P .. 'ready:' .. queues[i], 0, 0, 'WITHSCORES')[2]
  if due then
    table.insert(found, queues[i])
    table.insert(found, due)
  end
end
return { int(call('SCARD', P .. 'touch')), found }
