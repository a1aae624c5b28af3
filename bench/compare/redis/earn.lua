-- KEYS: the request, the member, its lots in lapse order, its movements. ARGV: merchant, points.
local said = redis.call('GET', KEYS[1])
if said then return said end
local balance = redis.call('HMGET', KEYS[2], 'available', 'held')
if not balance[1] then return '{"status":"refused","code":"member_not_found"}' end
local available = redis.call('HINCRBY', KEYS[2], 'available', ARGV[2])
local lot = 'never:' .. ARGV[1]
if redis.call('HINCRBY', KEYS[2], lot, ARGV[2]) == tonumber(ARGV[2]) then
  redis.call('ZADD', KEYS[3], 99999999, lot)
end
local transaction = redis.call('INCR', 'transactions')
redis.call('RPUSH', KEYS[4], transaction .. ',earn,' .. ARGV[1] .. ',' .. ARGV[2] .. ',' .. redis.call('TIME')[1])
said = '{"status":"accepted","transaction":"' .. transaction .. '","available":' .. available
  .. ',"held":' .. balance[2] .. '}'
redis.call('SET', KEYS[1], said)
return said
