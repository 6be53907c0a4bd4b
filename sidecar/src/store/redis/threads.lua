-- Roots active since then, the most recent first, less active than one that was seen.
local since, before_at, before_root, most = arg(), arg(), arg(), tonumber(arg())
local rows, seen = {}, 0
local top = before_at == '' and '+inf' or before_at
while #rows < most do
  local page = call('ZREVRANGEBYSCORE', P .. 'act', top, since, 'WITHSCORES', 'LIMIT', seen, 100)
  if #page == 0 then
    return rows
  end
  seen = seen + #page / 2
  for i = 1, #page, 2 do
    local root, name = string.match(page[i], '^(%w+):(%x+)$')
    local is_less = before_at == '' or tonumber(page[i + 1]) < tonumber(before_at) or root < before_root
    local row = is_less and #rows < most and thread_row(name, root)
    if row then
      table.insert(rows, row)
    end
  end
end
return rows
