import t from 'tap'
import { networkOf } from '../src/throttle/address.ts'
import { MemoryCounter } from '../src/throttle/memory.ts'

t.test('a counter remembers so many keys and no more, the latest', async (t) => {
  const counter = new MemoryCounter({ name: 'x', points: 5, duration: 60, maxKeys: 1_000, now: () => 1_000 })
  await counter.penalty('attacker')
  for (let index = 0; index < 10_000; index++) {
    await counter.penalty(`key ${index}`)
    if (index % 500 === 0) await counter.penalty('attacker')
  }
  t.equal(counter.size, 1_000)
  t.equal(await counter.get('key 1'), null)
  t.match(await counter.get('key 9999'), { consumedPoints: 1 })
  t.match(await counter.get('attacker'), { consumedPoints: 21 }, 'who goes on is not forgotten')
})

t.test('a point that is given back too late does not make a credit', async (t) => {
  let now = 1_000
  const counter = new MemoryCounter({ name: 'x', points: 1, duration: 60, maxKeys: 10, now: () => now })
  await counter.consume('key')
  now += 60_001
  t.match(await counter.reward('key'), { consumedPoints: 0 })
  await counter.consume('key')
  const refusal = await counter.consume('key').catch((refusal) => refusal)
  t.match(refusal, { consumedPoints: 2, msBeforeNext: 60_000 })
})

t.test('an address is counted as its network', async (t) => {
  const NETWORKS: Record<string, string | undefined> = {
    '192.0.2.1': '192.0.2.1',
    '192.0.2.1:4711': '192.0.2.1',
    '::ffff:192.0.2.1': '192.0.2.1',
    '::FFFF:C000:201': '192.0.2.1',
    '[::ffff:192.0.2.1]:80': '192.0.2.1',
    '64:ff9b::192.0.2.1': '192.0.2.1',
    '2001:db8::1': '2001:db8:0:0::/64',
    '2001:0DB8:0000:0000:ffff::1': '2001:db8:0:0::/64',
    '[2001:db8::1]': '2001:db8:0:0::/64',
    '2001:db8:0:1::1': '2001:db8:0:1::/64',
    'fe80::1%eth0': 'fe80:0:0:0::/64',
    '': undefined,
    garbage: undefined,
    '1': undefined,
    '0x7f.1': undefined,
    '192.0.2': undefined,
    '192.0.2.1:port': undefined,
  }
  for (const [text, network] of Object.entries(NETWORKS)) t.equal(networkOf(text), network, text)
  t.equal(networkOf(), undefined)
})
