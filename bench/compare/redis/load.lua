-- Members and their opening points, from number ARGV[1] to before ARGV[2], each with ARGV[3] points that lapse first.
for number = ARGV[1], ARGV[2] - 1 do
  local name = string.format('u-%07d', number)
  redis.call('HSET', 'm:' .. name, 'available', ARGV[3], 'held', 0, '20991231:shop-00', ARGV[3])
  redis.call('ZADD', 'l:' .. name, 20991231, '20991231:shop-00')
end
return 'done'
