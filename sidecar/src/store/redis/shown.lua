-- A post shows that version now.
local name, root, version, is_former = arg(), arg(), arg(), arg() == '1'
if is_former then
  return call('SREM', P .. 'touch', 'g:' .. name .. ':' .. root)
end
local thread = P .. 'c:' .. name
local live = call('HMGET', thread, 'root', 'version', 'shown')
if live[1] ~= root then
  return 0
end
if tonumber(version) > tonumber(live[3] or '0') then
  call('HSET', thread, 'shown', version)
end
if tonumber(version) >= tonumber(live[2]) then
  call('SREM', P .. 'touch', 'c:' .. name)
end
return 1
