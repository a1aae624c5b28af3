-- KEYS: the hold. ARGV: request id. The member's keys are found through the hold, which one node allows.
local held = redis.call('HMGET', KEYS[1], 'member', 'merchant', 'points', 'state')
if not held[1] then return '{"status":"refused","code":"hold_not_found"}' end
local request = 'r:' .. held[1] .. ':' .. ARGV[1]
local said = redis.call('GET', request)
if said then return said end
if held[4] ~= 'open' then
  said = '{"status":"refused","code":"hold_captured"}'
else
  local member = 'm:' .. held[1]
  redis.call('HSET', KEYS[1], 'state', 'captured')
  local left = redis.call('HINCRBY', member, 'held', -held[3])
  local transaction = redis.call('INCR', 'transactions')
  redis.call('RPUSH', 'e:' .. held[1],
    transaction .. ',capture,' .. held[2] .. ',0,' .. redis.call('TIME')[1])
  said = '{"status":"accepted","captured":' .. held[3] .. ',"available":' .. redis.call('HGET', member, 'available')
    .. ',"held":' .. left .. '}'
end
redis.call('SET', request, said)
return said
