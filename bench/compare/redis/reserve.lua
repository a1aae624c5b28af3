-- KEYS: the request, the member, its lots in lapse order, its movements, the stock. ARGV: member, quantity.
local said = redis.call('GET', KEYS[1])
if said then return said end
local stock = redis.call('HMGET', KEYS[5], 'units', 'price', 'merchant')
if not stock[1] then return '{"status":"refused","code":"sku_not_found"}' end
-- It binds nothing: the same request may succeed later, as in Jifen.
if tonumber(stock[1]) < tonumber(ARGV[2]) then return '{"status":"refused","code":"sold_out"}' end
local points = stock[2] * ARGV[2]
local balance = redis.call('HGET', KEYS[2], 'available')
if not balance then return '{"status":"refused","code":"member_not_found"}' end
if tonumber(balance) < points then
  said = '{"status":"refused","code":"insufficient_points"}'
else
  local now = redis.call('TIME')[1]
  redis.call('HINCRBY', KEYS[5], 'units', -ARGV[2])
  local available = redis.call('HINCRBY', KEYS[2], 'available', -points)
  local held = redis.call('HINCRBY', KEYS[2], 'held', points)
  local transaction = redis.call('INCR', 'transactions')
  local hold = 'h:' .. transaction
  redis.call('HSET', hold, 'member', ARGV[1], 'merchant', stock[3], 'points', points, 'state', 'open',
    'quantity', ARGV[2], 'expires_at', now + 604800)
  take(KEYS[2], KEYS[3], hold, points)
  redis.call('RPUSH', KEYS[4], transaction .. ',reserve,' .. stock[3] .. ',-' .. points .. ',' .. now)
  said = '{"status":"accepted","reservation":"' .. transaction .. '","available":' .. available
    .. ',"held":' .. held .. '}'
end
redis.call('SET', KEYS[1], said)
return said
