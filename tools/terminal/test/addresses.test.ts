import type { NetworkInterfaceInfo } from 'node:os'
import t from 'tap'
import { findUrls } from '../src/addresses.ts'

const on = (address: string, internal = false) =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo

const INTERFACES = {
  docker0: [on('172.17.0.1')],
  lo: [on('127.0.0.1', true), on('::1', true)],
  eth1: [on('169.254.7.7')],
  wlan0: [on('fe80::1'), on('192.168.1.5')],
}

t.test(
  'a service on all addresses is joined at the network’s address, and opened at a loopback one',
  async (t) => {
    for (const address of ['0.0.0.0', '::'])
      t.same(findUrls({ address, port: 3000 }, INTERFACES), {
        local: 'http://127.0.0.1:3000',
        network: ['http://192.168.1.5:3000', 'http://172.17.0.1:3000'],
      })
    t.same(findUrls({ address: '0.0.0.0', port: 1 }, { lo: INTERFACES.lo }).network, [], 'without a network')
  },
)

t.test('a service on one address has only this one, and nobody joins a loopback address', async (t) => {
  const at = (address: string) => findUrls({ address, port: 3000 }, INTERFACES)
  t.same(at('10.0.0.7'), { local: 'http://10.0.0.7:3000', network: ['http://10.0.0.7:3000'] })
  t.same(at('127.0.0.1'), { local: 'http://127.0.0.1:3000', network: [] })
  t.same(at('::1'), { local: 'http://[::1]:3000', network: [] })
})
