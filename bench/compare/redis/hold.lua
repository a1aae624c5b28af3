-- KEYS: the request, the member, its lots in lapse order, its movements. ARGV: member, merchant, points.
local said = redis.call('GET', KEYS[1])
if said then return said end
local balance = redis.call('HMGET', KEYS[2], 'available', 'held')
if not balance[1] then return '{"status":"refused","code":"member_not_found"}' end
if tonumber(balance[1]) < tonumber(ARGV[3]) then
  said = '{"status":"refused","code":"insufficient_points"}'
else
  local now = redis.call('TIME')[1]
  local available = redis.call('HINCRBY', KEYS[2], 'available', -ARGV[3])
  local held = redis.call('HINCRBY', KEYS[2], 'held', ARGV[3])
  local transaction = redis.call('INCR', 'transactions')
  local hold = 'h:' .. transaction
  redis.call('HSET', hold, 'member', ARGV[1], 'merchant', ARGV[2], 'points', ARGV[3], 'state', 'open',
    'expires_at', now + 900)
  take(KEYS[2], KEYS[3], hold, tonumber(ARGV[3]))
  redis.call('RPUSH', KEYS[4], transaction .. ',hold,' .. ARGV[2] .. ',-' .. ARGV[3] .. ',' .. now)
  said = '{"status":"accepted","hold":"' .. transaction .. '","available":' .. available
    .. ',"held":' .. held .. '}'
end
redis.call('SET', KEYS[1], said)
return said
