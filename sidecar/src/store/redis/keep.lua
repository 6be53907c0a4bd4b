-- Keeps one small thing, if what stands there is what its author saw. KEYS[1] holds all of them.
local name, value, is_there, before = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4]
local stands = redis.call('HGET', KEYS[1], name)
if stands == value then
  return 1
end
if is_there and stands ~= before or not is_there and stands then
  return 0
end
redis.call('HSET', KEYS[1], name, value)
return 1
