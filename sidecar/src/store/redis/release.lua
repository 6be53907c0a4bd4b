-- Gives the partition back: the next owner need not wait, and takes over even if it is the same process.
local ours = arg()
local stale = fenced(ours)
if stale then
  return stale
end
call('HSET', P .. 'own', 'end', '0')
call('HDEL', P .. 'own', 'owner', 'incarnation')
return { 'ok' }
