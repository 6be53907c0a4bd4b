-- Takes or renews one partition. The first partition decides who owns all of them and gives the fence; the others are told it.
-- owner, incarnation, life, force, fence, now
local owner, incarnation, life, force, told, now = arg(), arg(), tonumber(arg()), arg() == '1', arg(), arg()
local key = P .. 'own'
local own = call('HMGET', key, 'owner', 'incarnation', 'fence', 'end')
local time = call('TIME')
local moment = time[1] * 1000 + math.floor(time[2] / 1000)
local fence = tonumber(own[3] or '0')

-- Whatever was being tried may have happened. What creates nothing is simply tried again. Doubtful heads come first.
local function take(new)
  for _, lane in ipairs(call('HKEYS', P .. 'fly')) do
    local head = call('HGET', P .. 's:' .. lane, 'head')
    if head then
      local one = P .. 'v:' .. head
      if call('HGET', one, 'step') == 'change' then
        call('HDEL', one, 'doubt')
      else
        call('HSET', one, 'doubt', 'open')
      end
      call('HSET', one, 'last', now)
      call('HDEL', P .. 's:' .. lane, 'flying', 'after')
      set_due(lane, FIRST)
    end
  end
  call('DEL', P .. 'fly')
  call('HSET', key, 'owner', owner, 'incarnation', incarnation, 'fence', int(new), 'end', int(moment + life))
end

local is_ours = own[1] == owner and own[2] == incarnation
if told == '' then
  if is_ours and not force then
    call('HSET', key, 'end', int(moment + life))
  elseif own[1] == owner or tonumber(own[4] or '0') <= moment then
    -- Free; or our own name: whoever held it before is dead.
    fence = fence + 1
    take(fence)
  else
    return { 'standby', int(tonumber(own[4]) - moment) }
  end
elseif fence < tonumber(told) then
  fence = tonumber(told)
  take(fence)
elseif fence > tonumber(told) then
  return { 'fenced', int(fence) }
else
  call('HSET', key, 'end', int(moment + life))
end
return { 'held', int(fence) }
