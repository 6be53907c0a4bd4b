-- A mapping rebuilt from our card, or a second root that is only pulled; nothing if the root is known.
local name, licence, key, number = arg(), arg(), arg(), arg()
local root, channel, generation, event, create, cursor_at, cursor_post, now =
  arg(), arg(), arg(), arg(), arg(), arg(), arg(), arg()
ensure_conversation({ name = name, licence = licence, key = key, number = number, accepted = now })
if not thread_of(name, root) then
  keep_thread(name, root, { generation, channel, cursor_at, cursor_post, '0', '0', now })
end
local thread = P .. 'c:' .. name
local live = call('HMGET', thread, 'root', 'version', 'shown')
-- Only a conversation without a root gets this one as its live root.
if not live[1] then
  call('HSET', thread, 'generation', generation, 'root', root, 'channel', channel, 'event', event, 'replies', '0', 'last', create)
  if tonumber(live[2] or '0') > tonumber(live[3] or '0') then
    call('SADD', P .. 'touch', 'c:' .. name)
  end
end
return 1
