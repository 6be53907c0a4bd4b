-- Due lanes of a queue, with their attempt noted, and when the next of them is due.
local fence, qkey, most, now, wall = arg(), arg(), arg(), arg(), arg()
local stale = fenced(fence)
if stale then
  return stale
end
local ready = P .. 'ready:' .. qkey
local claims = {}
for _, lane in ipairs(call('ZRANGEBYSCORE', ready, '-inf', now, 'LIMIT', 0, most)) do
  local begun = begin(lane, fence, '', wall)
  if begun then
    table.insert(claims, begun)
  end
end
return { 'ok', call('ZRANGE', ready, 0, 0, 'WITHSCORES')[2] or '', claims }
