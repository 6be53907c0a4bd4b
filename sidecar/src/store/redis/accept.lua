-- Judges and keeps events of one partition, in their order: dedup mark, payload, last place in its lane, lane due.
-- partition, remember, publisher, count, events
local partition, remember, publisher, count = tonumber(arg()), arg(), arg(), tonumber(arg())
local events = {}
for i = 1, count do
  events[i] = read_event()
end
-- A conversation that is new here needs a number, and those are counted elsewhere.
for _, event in ipairs(events) do
  if event.number == '' and event.done ~= '1' and is_conversation(event.key)
    and call('EXISTS', P .. 'c:' .. event.name) == 0 and call('EXISTS', P .. 'dd:' .. event.dd) == 0 then
    return { 'number' }
  end
end
local answers, is_new = { 'ok' }, false
for i, event in ipairs(events) do
  local hash = call('HGET', P .. 'dd:' .. event.dd, 'hash')
  if not hash then
    local seq, due = append(event, partition, remember)
    is_new = true
    answers[i + 1] = { 'new', seq, due }
  elseif hash == event.hash then
    answers[i + 1] = { 'duplicate', status(event.dd) }
  else
    answers[i + 1] = { 'conflict' }
  end
end
if is_new then
  call('PUBLISH', 'ir:wake', int(partition) .. ':' .. publisher)
end
return answers
