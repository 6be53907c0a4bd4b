-- Posts that do not show yet what they should: live roots whose card changed, former ones that do not link forward, and replies with
-- another mark.
local rows = {}
for _, member in ipairs(call('SRANDMEMBER', P .. 'touch', arg())) do
  local kind, name, former = string.match(member, '^(%a):(%x+):?(%w*)$')
  local known = conversation(name)
  local thread = call('HMGET', P .. 'c:' .. name, 'licence', 'key', 'version', 'shown')
  local row
  if kind == 'c' and known[2] ~= '' and tonumber(thread[3] or '0') > tonumber(thread[4] or '0') then
    row = { 'c', thread[1], thread[2], thread[3], '', known[1], known[2], known[3], known[4], known[5], known[6], known[7] }
  elseif kind == 'g' and known[2] ~= '' then
    local record = call('HGET', P .. 'g:' .. name, former)
    if record then
      local root = cjson.decode(record)
      row = { 'c', thread[1], thread[2], thread[3], known[2], root[1], former, root[2], root[3], root[4], root[5], known[7] }
    end
  elseif kind == 'm' then
    local post = known_post(name, former)
    if post and post[8] ~= post[9] then
      row = { 'm', former, post[8], post[9] }
    end
  end
  if row then
    table.insert(rows, texts(row, row[1] == 'c' and 12 or 4))
  else
    call('SREM', P .. 'touch', member)
  end
end
return rows
