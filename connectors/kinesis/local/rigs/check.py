"""Reads the lines "rec SHARD KEY KEY NUMBER" of a consumer and checks that each record came once, in order per key.
argv: file records
[unordered: the producer promises no order]. A record numbered "warm" may come besides."""
import sys
total = int(sys.argv[2])
last, seen, shards, bad = {}, set(), set(), []
for line in open(sys.argv[1]):
    part = line.split()
    if len(part) != 5 or part[0] != 'rec':
        continue
    shards.add(part[1])
    key, number = part[3], -1 if part[4] == 'warm' else int(part[4])
    if number in seen:
        bad.append('record %d came twice' % number)
    if part[2] != key:
        bad.append('record %d came under key %s' % (number, part[2]))
    if len(sys.argv) < 4 and number <= last.get(key, -2):
        bad.append('record %d of %s came after %d' % (number, key, last[key]))
    last[key] = number
    seen.add(number)
missing = set(range(total)) - seen
if missing:
    bad.append('%d records are missing, such as %d' % (len(missing), min(missing)))
print('\n'.join(bad[:10]) if bad else 'each of %d records once%s, from %d shards' % (len(seen), '' if len(sys.argv) > 3 else ', in order per key', len(shards)))
sys.exit(1 if bad else 0)
