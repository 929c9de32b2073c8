import type { AddressInfo } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'

/** Networks of virtual machines, containers and tunnels: nobody in the room can use these addresses. */
const VIRTUAL =
  /^(br-|docker|lxc|tailscale|tap|tun|utun|vboxnet|veth|virbr|vmnet|wg|zt)|vEthernet|VirtualBox|VMware/i
const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/

export interface Urls {
  /** The URL on this machine. */
  readonly local: string
  /** The URLs on the network, the most likely one first. Empty if the server listens only on this machine. */
  readonly network: readonly string[]
}

/** Returns the URLs of a server that listens at an address. */
export function findUrls(
  { address, port }: Pick<AddressInfo, 'address' | 'port'>,
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): Urls {
  const toUrl = (host: string) => `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  if (address === '0.0.0.0' || address === '::')
    return { local: toUrl('127.0.0.1'), network: listNetworkAddresses(interfaces).map(toUrl) }
  const local = toUrl(address)
  return { local, network: LOOPBACK.test(address) ? [] : [local] }
}

function listNetworkAddresses(interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): string[] {
  return Object.entries(interfaces)
    .flatMap(([name, all = []]) => all.map((info) => ({ ...info, isVirtual: VIRTUAL.test(name) })))
    .filter(
      ({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'),
    )
    .sort((a, b) => Number(a.isVirtual) - Number(b.isVirtual))
    .map(({ address }) => address)
}
